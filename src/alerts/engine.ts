import type { Alert, AlertChange, AlertRule, Instant } from '#core/alert.ts';
import { type Clock, waitAtMost } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import { type Emit, type Micros, type Reading, SAMPLE_TICK_US } from '#core/stream.ts';
import type { AlertBook } from './book.ts';
import type { KeptAlert } from './kept-alert.ts';
import { Latency } from './latency.ts';
import { GRACE_MS, TICK_MS } from './pace.ts';
import type { Rules } from './rules.ts';
import type { RuleSet } from './watch/rule-set.ts';

/**
 * A look that comes so much too late found the event loop held up: what came meanwhile still waits to
 * be read, and must not be taken for silence.
 */
const STALL_MS = 250;
/** After that, and before the next look, whatever waits is read. */
const CATCH_UP_MS = 20;
/** Writes that failed are tried again. */
const FLUSH_MS = 1_000;
/** How long a stop waits for what is being written; then it goes without. */
const LAST_FLUSH_MS_MAX = 2_000;

export interface EngineOptions {
  readonly ruleSet: RuleSet;
  readonly rules: Rules;
  readonly book: AlertBook;
  /** The time of what is measured. */
  readonly clock: Clock;
  /** The same where time passes as it does. */
  readonly realTime: Clock;
  /** How many times as fast the first passes. */
  readonly speed: number;
  /** A moment of an earlier start on `clock`; undefined where the computer was off in between. */
  momentOf(at: Instant): Micros | undefined;
}

/**
 * Decides on alerts: first in line at the bus, within the event that brought a reading, and never
 * behind a queue, so that whatever holds up the store or a client holds up no alarm.
 */
export class AlertEngine {
  readonly #options: EngineOptions;
  readonly #latency = new Latency();
  /** Looks that came too late. */
  #stalls = 0;
  /** Changes that the book has yet to take. */
  readonly #untold: AlertChange[] = [];
  #isTelling = false;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Takes one reading; for `Bus.first`. */
  readonly take: Emit = (reading) => {
    const { ruleSet, clock, speed } = this.#options;
    if (!ruleSet.hears(reading.stream.id)) return;
    const changes = ruleSet.take(asKept(reading));
    if (changes.length === 0) return;
    this.#apply(changes);
    if (!changes.some(({ kind }) => kind === 'started')) return;
    this.#latency.add((clock.now() - reading.t) / speed);
  };

  /** Takes rules that were added, changed or removed; those that were not keep what they know. */
  setRules(rules: readonly AlertRule[]): void {
    const { ruleSet, clock } = this.#options;
    this.#apply(ruleSet.set(rules, clock.now()));
  }

  /**
   * Takes up what was kept: rules, and the alerts that lasted when the gateway stopped.
   *
   * @returns the alerts that go on
   */
  resume(): readonly KeptAlert[] {
    const { rules, book } = this.#options;
    rules.load();
    return book.load().filter((alert) => {
      const goesOn = this.#goesOn(alert);
      if (!goesOn) book.close(alert);
      return goesOn;
    });
  }

  /**
   * Somebody has seen it: it gets no more severe by the time that it lasts.
   *
   * @throws AlertError NOT_FOUND
   */
  async acknowledge(id: string, by: string): Promise<Alert> {
    const { book, ruleSet } = this.#options;
    const { rule, cause, endedAt } = book.get(id);
    if (endedAt === null) ruleSet.watch(rule.id)?.acknowledged(cause);
    return await book.acknowledge(id, by);
  }

  /** Looks at timers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, realTime } = this.#options;
    let flushedAt: Micros = 0;
    let pause = TICK_MS;
    while (!signal.aborted) {
      const before = realTime.now();
      const seenUntil = clock.now();
      await realTime.sleep(pause, signal).catch(() => {}); // The stop ends it.
      const now = realTime.now();
      const late = now - before - pause * 1000 > STALL_MS * 1000;
      pause = late ? CATCH_UP_MS : TICK_MS;
      if (late) this.#stalls++;
      // What came before the sleep has been read in it, so that one stall after another hides nothing.
      this.#look(late ? seenUntil : clock.now());
      if (now - flushedAt < FLUSH_MS * 1000) continue;
      flushedAt = now;
      // A rejection is a bug: it is left unhandled, which ends the process.
      void this.#flush();
    }
    await waitAtMost(realTime, LAST_FLUSH_MS_MAX, this.#flush());
  }

  health(): PartHealth {
    const { rules, book, ruleSet } = this.#options;
    const failure = book.failure || rules.failure;
    const ongoing = book.ongoing().length;
    const watching = `${ruleSet.stats.rules} rules, ${ongoing} ${ongoing === 1 ? 'alert' : 'alerts'} now`;
    return {
      id: 'alerts',
      status: failure === '' ? 'ok' : 'waiting',
      text: failure === '' ? watching : `deciding, but nothing of it is kept: ${failure}`,
      details: {
        ...ruleSet.stats,
        ongoing,
        started: book.started,
        forgotten: book.forgotten,
        stalls: this.#stalls,
        ...this.#latency.summary(),
      },
    };
  }

  #goesOn({ rule, cause, severity, startedAt, acknowledged }: Alert): boolean {
    const { ruleSet, momentOf } = this.#options;
    const watch = ruleSet.watch(rule.id);
    // What counted before somebody saw it makes it no worse.
    const since = acknowledged ? undefined : momentOf(startedAt);
    const goesOn = watch?.resume(cause, { severity, since }) ?? false;
    if (goesOn && acknowledged) watch?.acknowledged(cause);
    return goesOn;
  }

  /** @param now everything that had come by then has been read */
  #look(now: Micros): void {
    const { ruleSet, speed } = this.#options;
    const until = now - GRACE_MS * 1000 * speed;
    if (until >= ruleSet.dueAt) this.#apply(ruleSet.advance(until));
  }

  /** An alert is an event that rules may watch in their turn: what follows from it comes behind. */
  #apply(changes: readonly AlertChange[]): void {
    this.#untold.push(...changes);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#untold.shift(); next; next = this.#untold.shift()) {
      this.#options.book.take(next);
    }
    this.#isTelling = false;
  }

  async #flush(): Promise<void> {
    const { rules, book } = this.#options;
    await Promise.all([rules.flush(), book.flush()]);
  }
}

/** With the time that a recording of it has. */
function asKept(reading: Reading): Reading {
  if (reading.kind !== 'sample') return reading;
  return { ...reading, t: reading.t - (reading.t % SAMPLE_TICK_US) };
}

import {
  type Alert,
  type AlertChange,
  type AlertNews,
  alertEvent,
  type Instant,
  SILENCE_MINUTES_MAX,
} from '#core/alert.ts';
import { Ledger, type Records } from '#core/ledger.ts';
import type { Event, Micros } from '#core/stream.ts';
import { AlertError } from './errors.ts';
import { type AlertPage, type AlertQuery, page } from './history.ts';
import type { KeptAlert } from './kept-alert.ts';

/**
 * About 1 KB each in memory. At the limit the oldest one that is over is forgotten, and counted; the
 * events that tell of it stay in the recording.
 */
const ALERTS_MAX = 2_000;
/** A person's remarks on one alert; one more is refused. */
const NOTES_MAX = 100;

export interface BookOptions {
  /** Number of this start of the gateway. */
  readonly epoch: number;
  now(): Micros;
  /** The bus: everything that happens to an alert is an event. */
  emit(event: Event): void;
  /** Has the actions of the alert follow. Returns the ids of those that were told of it by then. */
  notify(news: AlertNews, alert: KeptAlert): readonly string[];
}

/**
 * Every alert: what lasts, and what was. It gives each its number, keeps what people say of it, and
 * tells the bus and the actions of everything that happens to it.
 */
export class AlertBook {
  /** Alerts that made room for newer ones. */
  forgotten = 0;
  started = 0;
  readonly #options: BookOptions;
  readonly #ledger: Ledger<string, KeptAlert>;
  /** Ids of those that last, by rule and cause. */
  readonly #ongoing = new Map<string, string>();
  /** Silenced causes, those without an alert at the moment included. */
  readonly #silences = new Map<string, Instant>();

  constructor(records: Records<string, KeptAlert>, options: BookOptions) {
    this.#options = options;
    this.#ledger = new Ledger(records);
  }

  /** Why the last write failed; empty when it did not. */
  get failure(): string {
    return this.#ledger.failure;
  }

  /**
   * Takes the alerts that were kept. To be called once, when the store is open.
   *
   * @returns those that lasted when the gateway stopped, and of whose cause none has begun since
   */
  load(): readonly KeptAlert[] {
    const kept = this.#ledger.load(byAge);
    const open = kept.filter(({ endedAt }) => endedAt === null);
    const goOn = open.filter((alert) => !this.#ongoing.has(keyOf(alert.rule.id, alert.cause)));
    for (const alert of open) {
      if (goOn.includes(alert)) this.#ongoing.set(keyOf(alert.rule.id, alert.cause), alert.id);
      else this.#end(alert, this.#options.now(), 'changed');
    }
    return goOn;
  }

  /** What a rule has found, as something that happens to an alert. */
  take(change: AlertChange): void {
    const { rule, cause, t } = change;
    const lasting = this.#ledger.get(this.#ongoing.get(keyOf(rule.id, cause)) ?? '');
    if (change.kind === 'ended') {
      if (lasting) this.#end(lasting, t, change.by);
    } else if (lasting) {
      const { severity, evidence } = change;
      this.#put('escalated', { ...lasting, severity, evidence, acknowledged: null }, t);
    } else {
      this.#begin(change);
    }
  }

  /** An alert whose rule is not there any more is over. */
  close(alert: KeptAlert): void {
    this.#end(alert, this.#options.now(), 'changed');
  }

  /** Those that last, oldest first. */
  ongoing(): readonly Alert[] {
    return [...this.#ongoing.values()].flatMap((id) => this.#ledger.get(id) ?? []).sort(byAge);
  }

  list(query: AlertQuery): AlertPage {
    return page(this.#ledger.all(), query);
  }

  /** @throws AlertError NOT_FOUND */
  get(id: string): KeptAlert {
    const alert = this.#ledger.get(id);
    if (alert) return alert;
    throw new AlertError('NOT_FOUND', `there is no alert ${JSON.stringify(id.slice(0, 60))}`);
  }

  /**
   * Somebody has seen it. To acknowledge an alert again changes nothing.
   *
   * @throws AlertError NOT_FOUND
   */
  async acknowledge(id: string, by: string): Promise<Alert> {
    const alert = this.get(id);
    if (alert.acknowledged) return alert;
    const acknowledged = { by, at: this.#instant() };
    return await this.#change('acknowledged', { ...alert, acknowledged });
  }

  /**
   * Its actions are quiet for so long, and those of other alerts of its cause. A restart ends that: no
   * alarm stays silent because nobody remembers why.
   *
   * @param minutes 1 to 1,440
   * @throws AlertError NOT_FOUND; ENDED
   */
  async silence(id: string, minutes: number): Promise<Alert> {
    const alert = this.get(id);
    if (alert.endedAt) throw new AlertError('ENDED', `alert ${id} is over`);
    const { epoch, t } = this.#instant();
    const until = { epoch, t: t + Math.min(minutes, SILENCE_MINUTES_MAX) * 60e6 };
    this.#silences.set(keyOf(alert.rule.id, alert.cause), until);
    return await this.#change('silenced', { ...alert, silencedUntil: until });
  }

  /** @throws AlertError NOT_FOUND; TOO_MANY */
  async note(id: string, by: string, text: string): Promise<Alert> {
    const alert = this.get(id);
    if (alert.notes.length >= NOTES_MAX) {
      throw new AlertError('TOO_MANY', `alert ${id} has ${NOTES_MAX} notes, and no more than that`);
    }
    const notes = [...alert.notes, { by, at: this.#instant(), text }];
    return await this.#change('noted', { ...alert, notes });
  }

  /** Tries to write what is not durable. */
  flush(): Promise<void> {
    return this.#ledger.flush();
  }

  #begin(change: AlertChange & { kind: 'started' | 'escalated' }): void {
    const { rule, cause, t, severity, evidence } = change;
    const { epoch } = this.#options;
    const key = keyOf(rule.id, cause);
    this.started++;
    const id = `${epoch}-${this.started}`;
    this.#ongoing.set(key, id);
    this.#put(
      'started',
      {
        ...{ id, cause, severity, evidence },
        rule: { id: rule.id, name: rule.name },
        startedAt: { epoch, t },
        ...{ endedAt: null, endedBy: null, acknowledged: null, notes: [] },
        silencedUntil: this.#silenceOf(key, t),
      },
      t,
    );
    this.#forgetOldest();
  }

  #end(alert: KeptAlert, t: Micros, by: NonNullable<Alert['endedBy']>): void {
    const key = keyOf(alert.rule.id, alert.cause);
    if (this.#ongoing.get(key) === alert.id) this.#ongoing.delete(key);
    this.#put('ended', { ...alert, endedAt: { epoch: this.#options.epoch, t }, endedBy: by }, t);
  }

  /** Until when a cause is silent at `t`; null where it is not, or not any more. */
  #silenceOf(key: string, t: Micros): Instant | null {
    const until = this.#silences.get(key);
    if (until && until.t > t) return until;
    this.#silences.delete(key);
    return null;
  }

  /** Nobody waits for the disk: a write that fails is tried again. */
  #put(news: AlertNews, alert: KeptAlert, t: Micros): void {
    void this.#tell(news, alert, t).kept;
  }

  async #change(news: AlertNews, alert: KeptAlert): Promise<Alert> {
    const { told, kept } = this.#tell(news, alert, this.#options.now());
    await kept;
    return told;
  }

  /**
   * The alert with who knows of it now, and when the disk has it. The bus hears of it last: a rule
   * that watches it may change it in its turn, and what it does must not be overwritten.
   */
  #tell(news: AlertNews, alert: KeptAlert, t: Micros) {
    const told = { ...alert, told: this.#options.notify(news, alert) };
    const kept = this.#ledger.put(told);
    this.#options.emit(alertEvent(news, told, t));
    return { told, kept };
  }

  #forgetOldest(): void {
    // Several where the store, opened late, brought more than there was room for.
    for (const { id, endedAt } of this.#ledger.all()) {
      if (this.#ledger.size <= ALERTS_MAX) return;
      if (endedAt === null) continue;
      void this.#ledger.remove(id);
      this.forgotten++;
    }
  }

  #instant(): Instant {
    return { epoch: this.#options.epoch, t: this.#options.now() };
  }
}

function keyOf(rule: string, cause: string): string {
  return `${rule}\n${cause}`;
}

/** By the numbers of `12-3`: the start, and the number in it. */
function byAge(a: Alert, b: Alert): number {
  const [startA = 0, numberA = 0] = a.id.split('-').map(Number);
  const [startB = 0, numberB = 0] = b.id.split('-').map(Number);
  return startA - startB || numberA - numberB;
}

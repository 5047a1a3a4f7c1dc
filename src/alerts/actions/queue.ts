import { type Alert, type AlertNews, SEVERITIES, type Severity } from '#core/alert.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Micros } from '#core/stream.ts';
import type { Log } from '../../io/log.ts';
import { type Action, type ActionState, DeliveryError } from './action.ts';
import { Gate, type GateLimits, type GateTime } from './gate.ts';

/** At the limit the oldest of the least severe goes, and is counted. */
const QUEUE_MAX = 100;
/** A delivery that takes longer is ended and counts as failed. */
const DELIVERY_MS_MAX = 20_000;
/** However long there is nothing to do: the wall clock may be set, and quiet hours with it. */
const REST_MS_MAX = 60_000;

interface Policy {
  /** Pauses double; the delivery is given up when the next try would come later than `forMs` after the first. */
  readonly retry?: { readonly firstMs: number; readonly maxMs: number; readonly forMs: number };
  /** One delivery tells of everything that waits: nobody counts a hundred beeps. */
  readonly oneForAll: boolean;
}

const POLICIES: Readonly<Record<Action['kind'], Policy>> = {
  webhook: { retry: { firstMs: 1_000, maxMs: 300_000, forMs: 3_600_000 }, oneForAll: false },
  // A beep that comes late says nothing. Alarms are repeated anyway.
  buzzer: { oneForAll: true },
};

/** How one action is used. */
export interface ActionSetup extends GateLimits {
  readonly action: Action;
}

export interface QueueOptions extends GateTime {
  /** Told once when the action begins to fail, and once when it works again. */
  readonly log: Pick<Log, 'info' | 'warn'>;
}

interface Delivery {
  readonly news: AlertNews;
  readonly alert: Alert;
  /** Undefined before the first try. */
  readonly triedAt: Micros | undefined;
  readonly tries: number;
}

/** The deliveries under way, and how to end them. */
interface UnderWay {
  readonly ending: AbortController;
  /** Ids of alerts. */
  readonly alerts: Set<string>;
}

/**
 * What waits for one action, and the worker that delivers it, one at a time: the most severe first, of
 * these what was tried least, of these the oldest. News of one alert keep their order, and go as
 * early as the most severe of them.
 */
export class ActionQueue {
  readonly #action: Action;
  readonly #policy: Policy;
  readonly #options: QueueOptions;
  readonly #gate: Gate;
  #waiting: readonly Delivery[] = [];
  #underWay: UnderWay | undefined;
  /** The end of whatever uses the action, which takes one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #resting: AbortController | undefined;
  /** After a failure: until when nothing is tried, but for alarms that were not tried before. */
  #pausedUntil: Micros = 0;
  /** Until when the other end does not want to hear of anything. */
  #shutUntil: Micros = 0;
  #pauseMs = 0;
  #state: ActionState = 'ok';
  #failure = '';
  readonly #counts = { delivered: 0, failed: 0, retries: 0, dropped: 0, withdrawn: 0 };

  constructor({ action, quiet, perHour }: ActionSetup, options: QueueOptions) {
    this.#action = action;
    this.#policy = POLICIES[action.kind];
    this.#options = options;
    this.#gate = new Gate({ quiet, perHour }, options);
  }

  get action(): Action {
    return this.#action;
  }

  get state(): ActionState {
    return this.#state;
  }

  /** Takes it and returns at once. */
  put(news: AlertNews, alert: Alert): void {
    this.#add([...this.#waiting, { news, alert, triedAt: undefined, tries: 0 }]);
    this.#resting?.abort();
  }

  /** Whether something of the alert waits or is under way. */
  has(alertId: string): boolean {
    const waits = this.#waiting.some(({ alert }) => alert.id === alertId);
    return waits || (this.#underWay?.alerts.has(alertId) ?? false);
  }

  /** Nobody has to be told of the alert any more: what waits goes, and what is under way ends. */
  withdraw(alertId: string): void {
    const left = this.#waiting.filter(({ alert }) => alert.id !== alertId);
    this.#counts.withdrawn += this.#waiting.length - left.length;
    this.#waiting = left;
    if (!this.#underWay?.alerts.delete(alertId) || this.#underWay.alerts.size > 0) return;
    const { id } = this.#action;
    this.#underWay.ending.abort(new DeliveryError('WITHDRAWN', `${id}: not needed any more`));
  }

  /** Delivers until the signal aborts. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#inTurn(() => this.#reset());
    while (!signal.aborted) {
      const { next, waitMs } = this.#look();
      if (next) await this.#inTurn(() => this.#deliver(next, signal));
      else await this.#rest(Math.min(waitMs, REST_MS_MAX), signal);
    }
  }

  /**
   * Delivers this now, whatever waits and whatever the limits are. What comes of it is known for the
   * others too: a success ends their pause.
   *
   * @throws an error with a `code`, or the signal's reason
   */
  async test(alert: Alert, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      signal.throwIfAborted();
      const error = await this.#attempt({ news: 'started', alert }, new Set(), signal);
      signal.throwIfAborted();
      if (error) {
        this.#fails('failed', error);
        throw error;
      }
      this.#works();
      this.#resting?.abort();
    });
  }

  health(): PartHealth {
    const waiting = this.#waiting.length;
    const many = waiting === 0 ? '' : `, ${waiting} waiting`;
    const ok = this.#state === 'ok';
    return {
      id: this.#action.id,
      status: ok ? 'ok' : 'waiting',
      text: ok ? `${this.#action.kind} ready${many}` : `${this.#failure}${many}`,
      details: {
        ...{ kind: this.#action.kind, state: this.#state, failure: this.#failure },
        ...{ ...this.#counts, waiting },
      },
    };
  }

  #add(waiting: readonly Delivery[]): void {
    this.#waiting = waiting;
    if (waiting.length <= QUEUE_MAX) return;
    const least = leastSevere(waiting);
    this.#waiting = waiting.filter((one) => one !== least);
    this.#counts.dropped++;
  }

  /** What to deliver now, or how long there is nothing, milliseconds. */
  #look(): { readonly next: Delivery | undefined; readonly waitMs: number } {
    let waitMs = Infinity;
    for (const { delivery, severity } of inOrder(this.#waiting)) {
      const wait = this.#waitMs(delivery, severity);
      if (wait === 0) return { next: delivery, waitMs: 0 };
      waitMs = Math.min(waitMs, wait);
    }
    return { next: undefined, waitMs };
  }

  #waitMs({ tries }: Delivery, severity: Severity): number {
    const fresh = tries === 0;
    const until = fresh && severity === 'alarm' ? this.#shutUntil : this.#pausedUntil;
    const pause = Math.max(0, Math.ceil((until - this.#options.realTime.now()) / 1000));
    return Math.max(pause, fresh ? this.#gate.waitMs(severity) : 0);
  }

  async #deliver(next: Delivery, signal: AbortSignal): Promise<void> {
    // It may have been withdrawn or dropped while a test was under way.
    if (signal.aborted || !this.#waiting.includes(next)) return;
    const along = this.#policy.oneForAll ? this.#open() : [];
    const all = new Set([next, ...along]);
    this.#waiting = this.#waiting.filter((one) => !all.has(one));
    if (next.tries === 0) this.#gate.take();
    const triedAt = next.triedAt ?? this.#options.realTime.now();
    const ids = new Set([...all].map(({ alert }) => alert.id));
    const error = await this.#attempt(next, ids, signal);
    if (signal.aborted) return;
    if (error === undefined) {
      this.#counts.delivered += all.size;
      this.#works();
    } else if (error instanceof DeliveryError && error.code === 'WITHDRAWN') {
      this.#counts.withdrawn += all.size;
    } else if (!this.#retry({ ...next, triedAt, tries: next.tries + 1 }, error)) {
      this.#counts.failed += all.size;
      this.#fails('failed', error);
    }
  }

  /** What could go now. */
  #open(): Delivery[] {
    return this.#waiting.filter((one) => this.#waitMs(one, one.alert.severity) === 0);
  }

  /** Whether there is another try. */
  #retry(delivery: Delivery, error: Error): boolean {
    const { retry } = this.#policy;
    const refused = error instanceof DeliveryError ? error : undefined;
    if (!retry || refused?.permanent) return false;
    const now = this.#options.realTime.now();
    const retryAfterMs = refused?.retryAfterMs ?? 0;
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, retry.firstMs), retry.maxMs);
    this.#shutUntil = Math.max(this.#shutUntil, now + retryAfterMs * 1000);
    this.#pausedUntil = Math.max(this.#shutUntil, now + this.#pauseMs * 1000);
    if (this.#pausedUntil > (delivery.triedAt ?? now) + retry.forMs * 1000) return false;
    this.#counts.retries++;
    // In front again: its news come before those of the same alert that came meanwhile.
    this.#add([delivery, ...this.#waiting]);
    this.#fails('waiting', error);
    return true;
  }

  /** One try, ended when it takes too long. Returns what went wrong, whatever that is after a stop. */
  async #attempt(
    { news, alert }: Pick<Delivery, 'news' | 'alert'>,
    alerts: Set<string>,
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    const ending = new AbortController();
    const both = AbortSignal.any([signal, ending.signal]);
    const late = this.#limit(ending, both);
    this.#underWay = { ending, alerts };
    try {
      await this.#action.deliver(news, alert, both);
      return undefined;
    } catch (error) {
      if (ending.signal.reason instanceof DeliveryError) return ending.signal.reason;
      if (signal.aborted && error instanceof Error) return error;
      if (!isExpected(error)) throw error;
      return error;
    } finally {
      this.#underWay = undefined;
      ending.abort();
      await late;
    }
  }

  async #limit(ending: AbortController, signal: AbortSignal): Promise<void> {
    await this.#options.realTime.sleep(DELIVERY_MS_MAX, signal).catch(() => {}); // It was in time.
    if (signal.aborted) return;
    const text = `${this.#action.id}: not done in ${DELIVERY_MS_MAX / 1000} s`;
    const error = new DeliveryError('TIMEOUT', text);
    // Told before it has ended, since one that does not end would not tell.
    this.#fails('waiting', error);
    ending.abort(error);
  }

  async #reset(): Promise<void> {
    try {
      await this.#action.reset?.();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#fails('failed', error);
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {}); // Its caller gets it.
    await done;
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    this.#resting = new AbortController();
    const both = AbortSignal.any([signal, this.#resting.signal]);
    await this.#options.realTime.sleep(ms, both).catch(() => {}); // There is something new.
    this.#resting = undefined;
  }

  #works(): void {
    const { log } = this.#options;
    if (this.#state !== 'ok') log.info({ source: this.#action.id }, 'it works again');
    this.#pauseMs = 0;
    this.#pausedUntil = 0;
    this.#shutUntil = 0;
    this.#failure = '';
    this.#state = 'ok';
  }

  /** What has failed stays failed until something is delivered. */
  #fails(state: ActionState, error: Error): void {
    const { log } = this.#options;
    if (this.#state === 'ok') log.warn({ source: this.#action.id }, error.message);
    this.#failure = error.message;
    if (this.#state !== 'failed') this.#state = state;
  }
}

/** The first delivery of each alert with the highest severity of all of them, in the order to go. */
function inOrder(
  waiting: readonly Delivery[],
): readonly { readonly delivery: Delivery; readonly severity: Severity }[] {
  const firsts = new Map<string, { delivery: Delivery; severity: Severity }>();
  for (const delivery of waiting) {
    const { id, severity } = delivery.alert;
    // An alert gets no less severe: what is said last is the highest.
    const first = firsts.get(id)?.delivery ?? delivery;
    firsts.set(id, { delivery: first, severity });
  }
  return [...firsts.values()].toSorted(
    (a, b) => rank(b.severity) - rank(a.severity) || a.delivery.tries - b.delivery.tries,
  );
}

function leastSevere(waiting: readonly Delivery[]): Delivery | undefined {
  return waiting.toSorted((a, b) => rank(a.alert.severity) - rank(b.alert.severity))[0];
}

function rank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

import { SEVERITIES, type Severity } from '#core/alert.ts';
import type { Micros } from '#core/stream.ts';
import type { Gate } from '../actions/gate.ts';
import type { StoredMail } from './shelf.ts';

/** One more, and the oldest of the least severe is dropped. About 1 KB each. */
const QUEUE_MAX = 1_000;
/** More than so many that were not tried yet go in one mail. */
const DIGEST_MIN = 3;
/** Those beyond go in the next one. */
const DIGEST_MAX = 100;
/** After the first failed attempt, the second ...; the last for all that follow. */
const RETRY_MINUTES = [1, 2, 4, 8, 16, 32, 60];
const MINUTE_MS = 60_000;

/** A mail in the queue. */
export interface Entry {
  mail: StoredMail;
  /** When it was queued, on the clock of this start; below 0 for one of an earlier start. */
  since: Micros;
  /** Not to be tried before. */
  due: Micros;
}

/** The mails that wait, in the order of their ids, and when each of them may be tried. */
export class WaitingMails {
  readonly #gate: Pick<Gate, 'waitMs'>;
  readonly #entries = new Map<number, Entry>();
  /** In the hands of the mailer: not to be dropped. */
  #sending: readonly Entry[] = [];
  #pausedUntil: Micros = 0;

  constructor(gate: Pick<Gate, 'waitMs'>) {
    this.#gate = gate;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(id: number): boolean {
    return this.#entries.has(id);
  }

  /** Takes a mail of this start, behind everything else, and behind a pause. */
  add(mail: StoredMail, now: Micros): void {
    this.#entries.set(mail.id, { mail, since: now, due: Math.max(now, this.#pausedUntil) });
  }

  /**
   * Takes a mail of an earlier start.
   *
   * @param wallMs ms since 1970; null where the wall clock is not believed
   */
  addKept(mail: StoredMail, now: Micros, wallMs: number | null): void {
    const { queuedAt, nextAt } = mail;
    if (wallMs === null || queuedAt.wallMs === null || nextAt === null) {
      this.#entries.set(mail.id, { mail, since: now, due: now });
      return;
    }
    // A wall clock that went back must not hold a mail for longer than a pause takes.
    const waitMs = Math.min(Math.max(0, nextAt - wallMs), pauseMs(mail.attempts));
    const since = now - Math.max(0, wallMs - queuedAt.wallMs) * 1000;
    this.#entries.set(mail.id, { mail, since, due: now + waitMs * 1000 });
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) this.#entries.delete(id);
  }

  /** Which one has to go when there are too many: the oldest of the least severe. */
  surplus(): Entry | undefined {
    if (this.#entries.size <= QUEUE_MAX) return undefined;
    const free = [...this.#entries.values()].filter((entry) => !this.#sending.includes(entry));
    for (const severity of SEVERITIES) {
      const oldest = free.find(({ mail }) => mail.matter.alert.severity === severity);
      if (oldest) return oldest;
    }
    return undefined;
  }

  /** What is to go in one mail now: a digest as it was tried before, or as much as has gathered. */
  nextBatch(now: Micros): readonly Entry[] {
    const readyAt = this.#readyAt(now);
    const due = [...this.#entries.values()].filter((entry) => readyAt(entry) <= now);
    const [first] = due;
    if (!first) return [];
    const { messageId } = first.mail;
    const alike = due.filter(({ mail }) => mail.messageId === messageId);
    if (messageId !== null) return alike;
    return alike.length > DIGEST_MIN ? alike.slice(0, DIGEST_MAX) : [first];
  }

  /** From then until `sent` these are in the hands of the mailer. */
  send(batch: readonly Entry[]): void {
    this.#sending = batch;
  }

  sent(): void {
    this.#sending = [];
  }

  /** When the next one is due, whatever the gate says; Infinity where none waits. */
  get dueAt(): Micros {
    return Math.min(...[...this.#entries.values()].map(({ due }) => due));
  }

  /** How long there is nothing to send, ms; Infinity where none waits. */
  restMs(now: Micros): number {
    const ready = [...this.#entries.values()].map(this.#readyAt(now));
    return Math.max(0, (Math.min(...ready) - now) / 1000);
  }

  /** What has just failed is tried again after a pause of its own. */
  postpone(batch: readonly Entry[], now: Micros): void {
    for (const entry of batch) entry.due = now + pauseMs(entry.mail.attempts) * 1000;
  }

  /** Everything waits for the pause to end, and has failed as often as what was tried for it. */
  pause(attempts: number, now: Micros): void {
    this.#pausedUntil = now + pauseMs(attempts) * 1000;
    for (const entry of this.#entries.values()) {
      entry.due = Math.max(entry.due, this.#pausedUntil);
      entry.mail = { ...entry.mail, attempts: Math.max(entry.mail.attempts, attempts) };
    }
  }

  /** The server answers again: nothing waits for a pause any more. */
  endPause(now: Micros): void {
    this.#pausedUntil = now;
    for (const entry of this.#entries.values()) entry.due = Math.min(entry.due, now);
  }

  /** Those that were queued then or before. */
  queuedBy(t: Micros): Entry[] {
    return [...this.#entries.values()].filter(({ since }) => since <= t);
  }

  /** When a mail is due and may go out. The gate is asked once for all of a severity. */
  #readyAt(now: Micros): (entry: Entry) => Micros {
    const openAt = new Map<Severity, Micros>();
    return ({ due, mail }) => {
      const { severity } = mail.matter.alert;
      const open = openAt.get(severity) ?? now + this.#gate.waitMs(severity) * 1000;
      openAt.set(severity, open);
      return Math.max(due, open);
    };
  }
}

/** From the end of an attempt to the next. */
export function pauseMs(attempts: number): number {
  const minutes = RETRY_MINUTES[Math.max(0, attempts - 1)] ?? RETRY_MINUTES.at(-1) ?? 0;
  return minutes * MINUTE_MS;
}

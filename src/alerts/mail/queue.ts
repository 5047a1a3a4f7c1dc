import type { Alert, AlertNews, Instant } from '#core/alert.ts';
import { type Clock, type Trust, waitAtMost } from '#core/clock.ts';
import type { Json } from '#core/stream.ts';
import type { Log } from '../../io/log.ts';
import { type Delivery, MailError, type Mailer, type MailMessage } from '../../io/mail.ts';
import type { Gate } from '../actions/gate.ts';
import { messageIdOf, messageOf } from './message.ts';
import { type MailRecords, MailShelf, type StoredMail } from './shelf.ts';
import { type MailPlace, matterOf, testMail } from './text.ts';
import { type Entry, pauseMs, WaitingMails } from './waiting.ts';

/**
 * Mail that has to arrive: kept over a power cut, tried for a day, delivered in its order.
 *
 * - Before each attempt what is going to happen is kept (the Message-ID, the next time), after the
 *   server's 250 the mail is removed at once. A power cut in between gives a copy with the Message-ID
 *   of the first; none gives a loss. Where the store takes nothing, mail is sent from memory.
 * - A failed attempt holds everything behind it, so that an outage is asked about once a pause and not
 *   once a mail; what has gathered then goes as a digest. A mail that fails again in the hands of a
 *   server that answers is at fault itself, and holds nobody any more.
 * - Pauses count on the monotonic clock. After a restart they go on by the wall clock, if it was
 *   believed then and is now; otherwise everything begins anew, at once.
 */

/** A mail that fails when it is older is given up and counted. */
const GIVE_UP_HOURS = 24;
/** How long an attempt or a stop waits for the store, ms. Then it goes ahead: an alert is for now. */
const KEEP_MS_MAX = 2_000;
/** Failed attempts of a mail after which it holds the others no more, unless the server is away. */
const HOLDS_MAX = 1;
/** The store is asked again for what it did not take. */
const FLUSH_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Ids are u32: the mails of one start have so many for themselves, and these repeat after so many starts. */
const IDS_OF_A_START = 1_000;
const STARTS_TOLD_APART = 4_000_000;

export interface MailQueueOptions {
  readonly mailer: Mailer;
  readonly records: MailRecords;
  readonly place: MailPlace;
  readonly clock: Clock;
  /** Quiet hours and the rate limit. */
  readonly gate: Pick<Gate, 'waitMs' | 'take'>;
  /** Id of this start of the gateway. */
  readonly epoch: number;
  readonly log: Log;
  /** What the wall clock says, in ms since 1970, and how far to believe it. */
  wall(): { readonly ms: number; readonly trust: Trust };
  /** Of the session that is open. */
  people(): { readonly vehicle: string | null; readonly driver: string | null };
}

export class MailQueue {
  readonly #options: MailQueueOptions;
  readonly #shelf: MailShelf;
  readonly #waiting: WaitingMails;
  #lastId: number;
  /** Ends the rest when there is something to do. */
  #wake = new AbortController();
  #failure = '';
  readonly #counts = { delivered: 0, mails: 0, failed: 0, refused: 0, givenUp: 0, dropped: 0 };

  constructor(options: MailQueueOptions) {
    this.#options = options;
    this.#shelf = new MailShelf(options.records);
    this.#waiting = new WaitingMails(options.gate);
    // Mails that come before the store is open must not take the places of those in it.
    this.#lastId = (options.epoch % STARTS_TOLD_APART) * IDS_OF_A_START;
  }

  /** Loads what an earlier start has left. To be called once. */
  open(): void {
    const now = this.#options.clock.now();
    const wallMs = this.#believedWallMs();
    for (const mail of this.#shelf.load()) {
      this.#lastId = Math.max(this.#lastId, mail.id);
      const known = wallMs !== null && mail.queuedAt.wallMs !== null && mail.nextAt !== null;
      // Without a wall clock nobody knows how long it has waited: it begins anew.
      const anew = { ...mail, queuedAt: { ...this.#instant(), wallMs }, attempts: 0 };
      this.#waiting.addKept(known ? mail : anew, now, wallMs);
    }
    this.#wake.abort();
  }

  /**
   * Queues a mail about an alert. Resolves when it is kept, or when the store has refused it: then it
   * is only in memory, counted as `unsaved`, and kept as soon as the store takes it.
   */
  async put(news: AlertNews, alert: Alert): Promise<void> {
    const { people } = this.#options;
    const at = this.#instant();
    const wallMs = this.#believedWallMs();
    this.#lastId++;
    const mail: StoredMail = {
      id: this.#lastId,
      matter: matterOf(news, alert, { at, ...people() }),
      queuedAt: { ...at, wallMs },
      ...{ attempts: 0, nextAt: wallMs, messageId: null, done: [] },
    };
    this.#waiting.add(mail, at.t);
    this.#makeRoom();
    this.#wake.abort();
    if (this.#waiting.has(mail.id)) await this.#shelf.put([mail]);
  }

  /** Delivers until aborted. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const batch = this.#waiting.nextBatch(this.#options.clock.now());
      if (batch.length > 0) await this.#attempt(batch, signal);
      else await this.#rest(signal);
    }
    await this.#bounded(this.#shelf.flush());
  }

  /**
   * Sends a test past the queue, at once. A success lets what waits go too.
   *
   * @throws MailError also where one of the recipients is refused
   */
  async sendTest(signal: AbortSignal): Promise<void> {
    const { mailer, place, clock, wall } = this.#options;
    const at = this.#instant();
    const letterhead = { place, from: mailer.from };
    const messageId = messageIdOf('test', [`${at.epoch}:${at.t}`], letterhead);
    const message = { ...testMail(place, at), messageId, date: wall().ms };
    const { refused } = await mailer.send(message, signal);
    // What was wrong with the server is over, whether anything waits for it or not.
    this.#failure = '';
    this.#waiting.endPause(clock.now());
    this.#wake.abort();
    const [first] = refused;
    if (first) throw new MailError('REFUSED', `${first.address}: ${first.reply}`, refused);
  }

  health(): { readonly [key: string]: Json } {
    const now = this.#options.clock.now();
    const { size, dueAt } = this.#waiting;
    return {
      waiting: size,
      /** Alerts; `mails` are fewer where there were digests. */
      ...this.#counts,
      unsaved: this.#shelf.unsaved,
      saveFailures: this.#shelf.failures,
      nextTryS: size === 0 ? null : Math.max(0, Math.round((dueAt - now) / 1e6)),
      /** Why the last attempt failed; empty when it did not. */
      failure: this.#failure,
    };
  }

  #instant(): Instant {
    const { clock, epoch } = this.#options;
    return { epoch, t: clock.now() };
  }

  #believedWallMs(): number | null {
    const { ms, trust } = this.#options.wall();
    return trust === 'none' ? null : ms;
  }

  #makeRoom(): void {
    const entry = this.#waiting.surplus();
    if (!entry) return;
    this.#counts.dropped++;
    void this.#forget([entry]);
  }

  /** Resolves when that is durable, or the store has refused. */
  #forget(entries: readonly Entry[]): Promise<void> {
    const ids = entries.map(({ mail }) => mail.id);
    this.#waiting.remove(ids);
    return this.#shelf.remove(ids);
  }

  async #attempt(batch: readonly Entry[], signal: AbortSignal): Promise<void> {
    const { mailer } = this.#options;
    this.#waiting.send(batch);
    const message = this.#begin(batch);
    await this.#bounded(this.#shelf.put(batch.map(({ mail }) => mail)));
    try {
      if (signal.aborted) return;
      if (message.to.length === 0) await this.#bounded(this.#forget(batch));
      else await this.#delivered(batch, message.to, await mailer.send(message, signal));
    } catch (error) {
      if (signal.aborted) return; // The mail is tried again after the next start.
      if (!(error instanceof MailError)) throw error;
      await this.#failed(batch, error);
    } finally {
      this.#waiting.sent();
    }
  }

  /** Counts the attempt and says what it sends. */
  #begin(batch: readonly Entry[]): MailMessage & { readonly to: readonly string[] } {
    const { mailer, place, clock, wall } = this.#options;
    const wallMs = this.#believedWallMs();
    const mails = batch.map(({ mail }) => mail);
    const message = messageOf(mails, { place, from: mailer.from, to: mailer.to });
    const { messageId } = message;
    const attempts = Math.max(...mails.map((mail) => mail.attempts)) + 1;
    for (const entry of batch) {
      const { queuedAt } = entry.mail;
      const ageMs = (clock.now() - entry.since) / 1000;
      const queuedMs = queuedAt.wallMs ?? (wallMs === null ? null : wallMs - ageMs);
      entry.mail = {
        ...entry.mail,
        ...{ attempts, messageId, queuedAt: { ...queuedAt, wallMs: queuedMs } },
        nextAt: wallMs === null ? null : wallMs + pauseMs(attempts),
      };
    }
    return { ...message, date: wall().ms };
  }

  /** The server took it, if not for everybody. Those it wants to see later are all that is left. */
  async #delivered(
    batch: readonly Entry[],
    to: readonly string[],
    { refused }: Delivery,
  ): Promise<void> {
    this.#failure = refused.map(({ address, reply }) => `${address}: ${reply}`).join('; ');
    this.#refuse(refused);
    this.#counts.mails++;
    this.#options.gate.take();
    const later = refused.filter(({ permanent }) => !permanent).map(({ address }) => address);
    if (later.length === 0) {
      this.#counts.delivered += batch.length;
      await this.#bounded(this.#forget(batch));
      return;
    }
    this.#settle(
      batch,
      to.filter((address) => !later.includes(address)),
    );
    this.#waiting.postpone(batch, this.#options.clock.now());
    await this.#giveUp((entry) => batch.includes(entry));
    await this.#bounded(this.#shelf.put(this.#left(batch)));
  }

  async #failed(batch: readonly Entry[], error: MailError): Promise<void> {
    const { clock } = this.#options;
    this.#counts.failed++;
    this.#failure = error.message;
    this.#options.log.warn({ source: 'mail', code: error.code }, error.message);
    this.#refuse(error.refused);
    if (error.code === 'REFUSED') {
      if (error.refused.length === 0) this.#counts.refused++;
      await this.#bounded(this.#forget(batch));
      return;
    }
    const lost = error.refused.filter(({ permanent }) => permanent);
    this.#settle(
      batch,
      lost.map(({ address }) => address),
    );
    this.#waiting.postpone(batch, clock.now());
    const [first] = batch;
    const away = error.code === 'CONNECT' || error.code === 'TLS' || error.code === 'AUTH';
    if (first && (away || first.mail.attempts <= HOLDS_MAX)) {
      this.#waiting.pause(first.mail.attempts, clock.now());
      await this.#giveUp(() => true);
    } else {
      await this.#giveUp((entry) => batch.includes(entry));
    }
    await this.#bounded(this.#shelf.put(this.#left(batch)));
  }

  /** Counts recipients that will never take it. */
  #refuse(refused: Delivery['refused']): void {
    for (const { address, reply, permanent } of refused) {
      if (!permanent) continue;
      this.#counts.refused++;
      this.#options.log.warn({ source: 'mail' }, `${address} is refused: ${reply}`);
    }
  }

  #settle(batch: readonly Entry[], done: readonly string[]): void {
    for (const entry of batch) {
      entry.mail = { ...entry.mail, done: [...new Set([...entry.mail.done, ...done])] };
    }
  }

  /** Of those that have just failed, what is too old. */
  async #giveUp(hasFailed: (entry: Entry) => boolean): Promise<void> {
    const eldest = this.#options.clock.now() - GIVE_UP_HOURS * HOUR_MS * 1000;
    const old = this.#waiting.queuedBy(eldest).filter(hasFailed);
    if (old.length === 0) return;
    this.#counts.givenUp += old.length;
    const text = `${old.length} given up after ${GIVE_UP_HOURS} h: ${this.#failure}`;
    this.#options.log.error({ source: 'mail' }, text);
    await this.#bounded(this.#forget(old));
  }

  /** Those that are still in the queue. */
  #left(batch: readonly Entry[]): StoredMail[] {
    return batch.map(({ mail }) => mail).filter(({ id }) => this.#waiting.has(id));
  }

  /** Sleeps until the next mail is due, or somebody wakes it. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#wake = new AbortController();
    if (this.#shelf.unsaved > 0) void this.#shelf.flush();
    const restMs = Math.min(FLUSH_MS, this.#waiting.restMs(clock.now()));
    const either = AbortSignal.any([signal, this.#wake.signal]);
    await clock.sleep(restMs, either).catch(() => {}); // Awake, by time or not.
  }

  /** Waits for the store, but not for one that takes nothing. */
  async #bounded(write: Promise<void>): Promise<void> {
    await waitAtMost(this.#options.clock, KEEP_MS_MAX, write);
  }
}

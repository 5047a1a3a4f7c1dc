import type { Micros, Stream } from '#core/stream.ts';
import { type Priority, priorityOf } from '../wire/topics.ts';
import { isAlert } from './classes.ts';
import type { Cursor, Position, QueuedStream } from './queue.ts';
import { BATCH_BYTES } from './window.ts';

/** A stream that lags by more than this is behind: its batches are as large as may be. */
const BEHIND_S = 60;
/** The same for streams without a rate, in values. */
const BEHIND_VALUES = 100;
/** Sent of one stream and not acknowledged by the cloud: one that is stuck must not fill the line for the others. */
const AHEAD_BYTES_MAX = 256 * 1024;
/**
 * The same for streams of P0, which go past every other limit: while the cloud is silent, so much of each
 * goes again and again, and no more.
 */
const P0_AHEAD_BYTES_MAX = 64 * 1024;
/** So long the cloud may leave what was sent of one stream unacknowledged, before it goes again; doubles each time. */
const STUCK_US_FIRST = 30_000_000;
const STUCK_US_MAX = 1_800_000_000;
/** Ends of batches that are remembered until the cloud has them. Beyond, the last is forgotten: the cursor then moves in larger steps. */
const MARKS_MAX = 8_192;
/** What a value is taken to need before one was sent, bytes. */
const ROW_BYTES_GUESS: Readonly<Record<Stream['kind'], number>> = {
  ...{ sample: 4, wave: 1.5, frame: 8, event: 200 },
};
/** How much a new batch counts for the mean of the bytes a value. */
const ROW_BYTES_SHARE = 0.2;

/** The end of a batch that was sent. */
interface Mark {
  readonly seq: number;
  readonly position: Position;
  /** Of the batch; 0 once it is to be sent again, and where it went ahead of the others. */
  bytes: number;
}

/** A batch that is on its way. */
export interface Sent {
  readonly first: number;
  readonly n: number;
  /** Behind it. */
  readonly position: Position;
  readonly bytes: number;
  /** More that waits lies behind a hole, and could not be in it. */
  readonly isCut?: boolean;
}

export type AckFault = 'beyond' | 'back';

/**
 * How far one stream is. `acked` is what the cloud has stored, as far as it told us, and the only thing
 * that is durable; `sent` is where we read on, and goes back to `acked` when the connection or the cloud
 * leaves us in the dark. `reach` is the end of what this process has sent without a hole, and never goes
 * back: the cursor does not pass it, whatever the cloud says.
 */
export class Lane {
  readonly number: number;
  readonly stream: Stream;
  /** As much of its declaration as goes into the head of a batch. */
  declared: Stream;
  readonly priority: Priority;
  /** Its events go one by one. */
  readonly alert: boolean;
  /** Seq that the next value gets. */
  next: number;
  acked: number;
  ackedAt: Position | undefined;
  sent: number;
  sentAt: Position | undefined;
  /** When the cloud last had all of it, as far as this process has seen: what waits is no older. */
  emptyAt: Micros | undefined;
  /** Since when something waits to be sent. */
  waitingSince: Micros | undefined;
  /** When it was sent from last, in turns. */
  servedTurn = 0;
  /** Values a batch may have, so that it keeps to its bytes. */
  valuesMax: number;
  rowBytes: number;
  /** Why it could not be read or sent last, for a person. */
  failure: string | undefined;
  /** Before, there is no use in reading. */
  notBefore: Micros = 0;
  /** Times in a row that it was sent again without an acknowledgement. */
  #stuck = 0;
  /** Since when the cloud owes an acknowledgement. */
  #owedSince: Micros = 0;
  #reach: number;
  #aheadBytes = 0;
  /** In the order of their seqs. */
  readonly #marks: Mark[] = [];
  /** Ranges that were sent ahead of `reach`, in the order of their seqs. */
  #ahead: (readonly [from: number, to: number])[] = [];

  constructor(
    { number, stream, next }: QueuedStream,
    cursor: Cursor | undefined,
    valuesMax: number,
  ) {
    this.number = number;
    this.stream = stream;
    this.next = next;
    this.declared = stream;
    this.priority = priorityOf(stream);
    this.alert = isAlert(stream);
    this.acked = cursor?.next ?? 0;
    this.ackedAt = cursor?.at;
    this.sent = this.acked;
    this.sentAt = this.ackedAt;
    this.#reach = this.acked;
    this.valuesMax = this.alert ? 1 : valuesMax;
    this.rowBytes = ROW_BYTES_GUESS[stream.kind];
  }

  /** Values that wait to be sent. */
  get waiting(): number {
    return Math.max(0, this.next - this.sent);
  }

  /** Values that the cloud does not have. */
  get backlog(): number {
    return Math.max(0, this.next - this.acked);
  }

  get isBehind(): boolean {
    const { hz } = this.stream;
    return this.waiting > (hz > 0 ? hz * BEHIND_S : BEHIND_VALUES);
  }

  /** The end of what was sent without a hole. */
  get reach(): number {
    return this.#reach;
  }

  /** Bytes that were sent and that the cloud has not acknowledged. */
  get aheadBytes(): number {
    return this.#aheadBytes;
  }

  /** When its next batch may go; Infinity while nothing waits. @param holdMs how long it may wait for more */
  dueAt(holdMs: number, now: Micros): Micros {
    if (this.waiting === 0) {
      this.waitingSince = undefined;
      return Number.POSITIVE_INFINITY;
    }
    this.waitingSince ??= now;
    if (!this.#mayGoAhead()) return Number.POSITIVE_INFINITY;
    if (now < this.notBefore) return this.notBefore;
    const isFull = this.isBehind || this.waiting * this.rowBytes >= BATCH_BYTES;
    if (this.alert || isFull) return this.waitingSince;
    return this.waitingSince + holdMs * 1000;
  }

  /** The store has it up to there. */
  reaches(next: number, now: Micros): void {
    this.next = next;
    if (this.backlog === 0) this.emptyAt = now;
  }

  /** A batch has gone: from `sent` on, or ahead of it. */
  hasSent({ first, n, position, bytes, isCut }: Sent, now: Micros): void {
    const end = first + n;
    // The cloud cannot acknowledge what went ahead before the rest has come: it owes nothing for it.
    const owed = first <= this.sent ? bytes : 0;
    if (first <= this.sent) {
      if (this.#aheadBytes === 0) this.#owedSince = now;
      this.sent = Math.max(this.sent, end);
      this.sentAt = position;
      // What lies behind a hole has waited as long: it does not wait anew for each piece.
      if (!isCut) this.waitingSince = undefined;
    }
    this.#extend(first, end);
    this.#mark({ seq: end, position, bytes: owed });
    this.rowBytes += (bytes / n - this.rowBytes) * ROW_BYTES_SHARE;
  }

  /** Whether the cloud has acknowledged nothing of it for too long, though it was sent; then it goes again. */
  isStuck(now: Micros): boolean {
    if (this.#aheadBytes === 0) return false;
    const limit = Math.min(STUCK_US_FIRST * 2 ** this.#stuck, STUCK_US_MAX);
    if (now - this.#owedSince < limit) return false;
    this.#stuck++;
    return true;
  }

  /** Everything from `acked` on is sent again. */
  rewind(): void {
    this.sent = this.acked;
    this.sentAt = this.ackedAt;
    this.waitingSince = undefined;
    for (const mark of this.#marks) mark.bytes = 0;
    this.#aheadBytes = 0;
  }

  /**
   * Takes an acknowledgement. Returns whether the cursor moved, or why it is wrong. After a crash the cloud
   * has what was acknowledged and not kept, and says so: all that was sent again by now is acknowledged.
   */
  take(next: number, now: Micros): boolean | AckFault {
    if (next > Math.max(this.next, this.#reach)) return 'beyond';
    if (next < this.acked) return 'back';
    const known = Math.min(next, this.#reach);
    // One inside a batch moves the cursor to where the batch begins: that is a place we know.
    let count = 0;
    while ((this.#marks[count]?.seq ?? Number.POSITIVE_INFINITY) <= known) count++;
    const passed = this.#marks.splice(0, count);
    for (const { bytes } of passed) this.#aheadBytes -= bytes;
    const last = passed.at(-1);
    if (last === undefined || last.seq <= this.acked) return false;
    this.#stuck = 0;
    this.#owedSince = now;
    this.acked = last.seq;
    this.ackedAt = last.position;
    if (this.sent < this.acked) {
      this.sent = this.acked;
      this.sentAt = this.ackedAt;
    }
    return true;
  }

  /** One that is stuck goes batch by batch, but for P0. */
  #mayGoAhead(): boolean {
    if (this.priority === 'p0') return this.#aheadBytes < P0_AHEAD_BYTES_MAX;
    return this.#stuck > 0 ? this.#aheadBytes === 0 : this.#aheadBytes < AHEAD_BYTES_MAX;
  }

  #mark(mark: Mark): void {
    let at = this.#marks.length;
    while (at > 0 && (this.#marks[at - 1]?.seq ?? 0) >= mark.seq) at--;
    const same = this.#marks[at]?.seq === mark.seq;
    const replaced = this.#marks.splice(at, same ? 1 : 0, mark);
    const forgotten = this.#marks.length > MARKS_MAX ? this.#marks.splice(-1) : [];
    this.#aheadBytes += mark.bytes;
    for (const { bytes } of [...replaced, ...forgotten]) this.#aheadBytes -= bytes;
  }

  #extend(first: number, end: number): void {
    if (first > this.#reach) {
      const last = this.#ahead.at(-1);
      if (last && last[1] === first) this.#ahead[this.#ahead.length - 1] = [last[0], end];
      else this.#ahead.push([first, end]);
      if (this.#ahead.length > MARKS_MAX) this.#ahead.shift();
      return;
    }
    this.#reach = Math.max(this.#reach, end);
    while (this.#ahead[0] && this.#ahead[0][0] <= this.#reach) {
      this.#reach = Math.max(this.#reach, this.#ahead[0][1]);
      this.#ahead.shift();
    }
  }
}

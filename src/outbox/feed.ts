import type { Clock } from '#core/clock.ts';
import { CodedError, isExpected } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import { endOf } from '../codec/join.ts';
import { batchOf, encodeBatch } from '../wire/batch.ts';
import { type Place, upTopic } from '../wire/topics.ts';
import { type ClassPolicies, holdMsOf } from './classes.ts';
import { Lane } from './lane.ts';
import { Live } from './live.ts';
import type { Position, Queue, ReadLimits, StoredGap, Stretch } from './queue.ts';
import { Schedule, type Situation } from './schedule.ts';
import { BATCH_BYTES } from './window.ts';

/**
 * Makes batches of what the store has: one contiguous range of one stream each, of 16 KB at most, and of
 * 10 s of data at most while the stream keeps up, or of 45 s where bytes are paid for: with a head of some
 * 110 bytes on every 50 values, heads are more than the values. A stream that lags gets batches of 10 minutes.
 */
const SPAN_US_MAX = 10_000_000;
const BEHIND_SPAN_US_MAX = 600_000_000;
/** So much is asked of the store at once, and shrinks where it makes more than a batch. */
const VALUES_MAX = 16_384;
/** Attempts to make one batch fit; then it goes as it is, or is halved while it cannot be written at all. */
const FITS_MAX = 20;
/** What is left free for a batch that packs worse than the one before it. */
const FIT_SHARE = 0.9;
/** What the store has counted and cannot give yet is asked for again after this. */
const LATE_US = 250_000;
/** What cannot be read is asked for again after this. */
const FAILED_US = 10_000_000;
/** Stretches that are too old to go are told as one gap, so many at a time. */
const SKIPS_MAX = 64;

export interface FeedOptions {
  readonly queue: Queue;
  readonly place: Place;
  readonly policies: ClassPolicies;
  readonly clock: Pick<Clock, 'now'>;
  /** The newest of P2 ahead of a backlog. */
  readonly isLive: boolean;
  /** Runs a function in a later turn of the event loop: nothing else waits for us. */
  readonly defer: (run: () => void) => void;
  /** Session that was open then, if any. */
  readonly sessionAt?: ((position: Position) => number | null) | undefined;
  /** How old something is, seconds; undefined where nobody knows. */
  readonly ageS?: ((position: Position) => number | undefined) | undefined;
}

/** A batch that is ready to go. */
export interface Parcel {
  readonly lane: Lane;
  readonly live: boolean;
  readonly first: number;
  readonly n: number;
  /** Behind it. */
  readonly position: Position;
  /** It ends where the store has a hole, a block's end or an epoch's, and more waits behind that. */
  readonly isCut: boolean;
  /** A part of it was sent before, in this process. */
  readonly isRetry: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** As what it counts, where it says that something will never come. */
  readonly missing: Missing | undefined;
}

type Missing = 'gaps' | 'refused';
type Encoded = Pick<Parcel, 'payload' | 'missing'>;

/** As much of its span as a stretch has that the limit has ended: the next value lies behind it. */
const SPAN_SHARE = 0.9;

/** Whether there could have been more in it. */
function isShort({ n, t0, content }: Stretch, { values, spanUs }: ReadLimits): boolean {
  if (content.kind === 'gap') return true;
  if (n >= values || spanUs === undefined || content.kind === 'events') return false;
  return endOf(content) - t0 < spanUs * SPAN_SHARE;
}

/** Where a batch begins. */
interface Beginning {
  readonly seq: number;
  readonly at: Position | undefined;
}

/** What is to become a batch. */
interface Wanted {
  readonly lane: Lane;
  readonly live: boolean;
  readonly isMetered: boolean;
}

export interface FeedCounts {
  /** Values that were told as a gap: evicted, lost or erased in the store. */
  gaps: number;
  /** Values that were too old, or too large to be sent. */
  refused: number;
  /** The longest that anything else had to wait for us, ms. */
  turnMsMax: number;
}

/** The declaration of a stream is beyond what the head of a batch may have, so that nothing of it can go. */
class UnsendableError extends CodedError<'UNSENDABLE'> {
  override readonly name = 'UnsendableError';
}

export class Feed {
  readonly counts: FeedCounts = { gaps: 0, refused: 0, turnMsMax: 0 };
  readonly #options: FeedOptions;
  readonly #lanes = new Map<number, Lane>();
  readonly #live = new Live();
  readonly #schedule: Schedule;
  /** Goes up with each rewind: what was read before it is not sent. */
  #generation = 0;
  /** The store that the lanes are of; empty before there is one. */
  #store = '';

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#schedule = new Schedule(options.policies, this.#live, options.isLive);
  }

  get store(): string {
    return this.#store;
  }

  get lanes(): ReadonlyMap<number, Lane> {
    return this.#lanes;
  }

  /** Bytes below P0 that were sent and that the cloud has not acknowledged. */
  get aheadBytes(): number {
    let bytes = 0;
    for (const lane of this.#lanes.values()) if (lane.priority !== 'p0') bytes += lane.aheadBytes;
    return bytes;
  }

  /** What cannot be read or sent, for a person; undefined where everything can. */
  get failure(): string | undefined {
    for (const { failure } of this.#lanes.values()) if (failure !== undefined) return failure;
    return undefined;
  }

  get hasUnacked(): boolean {
    for (const lane of this.#lanes.values()) if (lane.aheadBytes > 0) return true;
    return false;
  }

  /** Looks what has come into the store. Returns whether there are streams that were not there before. */
  refresh(): boolean {
    const { queue, clock } = this.#options;
    if (queue.store === '') return false;
    let isNew = queue.store !== this.#store;
    if (isNew) this.#begin(queue.store);
    const now = clock.now();
    let cursors: ReturnType<Queue['cursors']> | undefined;
    for (const queued of queue.streams()) {
      let lane = this.#lanes.get(queued.number);
      if (lane === undefined) {
        cursors ??= queue.cursors();
        lane = new Lane(queued, cursors.get(queued.number), VALUES_MAX);
        this.#lanes.set(queued.number, lane);
        isNew = true;
      }
      lane.reaches(queued.next, now);
    }
    return isNew;
  }

  /** Another store counts from the beginning. */
  #begin(store: string): void {
    this.#store = store;
    this.#lanes.clear();
    this.rewind();
  }

  /** Everything that the cloud has not acknowledged is sent again. */
  rewind(): void {
    this.#generation++;
    this.#live.forget();
    for (const lane of this.#lanes.values()) lane.rewind();
  }

  /** What was sent of one stream and lost on its way goes again, though the others go on. Returns how many streams. */
  rewindStuck(): number {
    const now = this.#options.clock.now();
    const stuck = [...this.#lanes.values()].filter((lane) => lane.isStuck(now));
    for (const lane of stuck) lane.rewind();
    return stuck.length;
  }

  /** The next batch, or how long there is none: microseconds, Infinity until something else happens. */
  async next(situation: Omit<Situation, 'lanes' | 'now'>): Promise<Parcel | Micros> {
    const begin = this.#options.clock.now();
    const choice = this.#schedule.choose({
      ...situation,
      ...{ lanes: this.#lanes.values(), now: begin },
    });
    this.#measure(begin);
    if (choice.lane === undefined) return choice.waitUs;
    const { lane, live } = choice;
    const from = live ? this.#live.from(lane) : { seq: lane.sent, at: lane.sentAt };
    const generation = this.#generation;
    const parcel = await this.#packed({ lane, live, isMetered: situation.isMetered }, from);
    // A rewind while we read, or a cursor that was moved past it.
    if (generation !== this.#generation || (!live && lane.sent !== from.seq)) return 0;
    if (parcel === undefined) {
      const now = this.#options.clock.now();
      if (live) this.#live.isLate(lane, now);
      else lane.notBefore = Math.max(lane.notBefore, now + LATE_US);
      return 0;
    }
    return parcel;
  }

  /** The parcel is on its way. */
  hasSent(parcel: Parcel, situation: Pick<Situation, 'admissions'>, wireBytes: number): void {
    const { lane, first, n, position, payload, missing, isRetry, isCut } = parcel;
    if (missing && !isRetry) this.counts[missing] += n;
    const now = this.#options.clock.now();
    lane.hasSent({ first, n, position, bytes: payload.length, isCut }, now);
    this.#schedule.charge(lane, wireBytes);
    if (!parcel.live) return;
    const mode = this.#schedule.liveMode(lane, situation.admissions);
    if (mode !== 'off') this.#live.hasSent(lane, first + n, position, mode, now);
  }

  /** Undefined where there is nothing yet, or the store cannot be read: it is asked again later. */
  async #packed(wanted: Wanted, from: Beginning): Promise<Parcel | undefined> {
    const { lane } = wanted;
    try {
      const parcel = await this.#pack(wanted, from);
      lane.failure = undefined;
      return parcel;
    } catch (error) {
      if (!isExpected(error)) throw error;
      const isHopeless = error instanceof UnsendableError;
      lane.failure = isHopeless ? error.message : `cannot read the store: ${error.message}`;
      lane.notBefore = isHopeless
        ? Number.POSITIVE_INFINITY
        : this.#options.clock.now() + FAILED_US;
      return undefined;
    }
  }

  /** Undefined where the store is not that of the lanes any more, too: its numbers mean something else. */
  async #read(
    lane: Lane,
    { seq, at }: Beginning,
    limits: ReadLimits,
  ): Promise<Stretch | undefined> {
    const { queue, clock } = this.#options;
    if (queue.store !== this.#store) return undefined;
    const begin = clock.now();
    const reading = queue.read(lane.number, seq, at, limits);
    this.#measure(begin);
    const stretch = await reading;
    return queue.store === this.#store ? stretch : undefined;
  }

  async #pack(wanted: Wanted, from: Beginning): Promise<Parcel | undefined> {
    const { lane, live } = wanted;
    for (let attempt = 1; ; attempt++) {
      const limits = this.#limits(wanted);
      const stretch = await this.#read(lane, from, limits);
      if (stretch === undefined) return undefined;
      const whole = await this.#unlessTooOld(lane, contiguous(stretch, from.seq), limits);
      const begin = this.#options.clock.now();
      const encoded = this.#encode(lane, whole, attempt);
      this.#measure(begin);
      if (encoded === undefined) {
        await this.#yield();
        continue;
      }
      const { first, n, position } = whole;
      const isCut = first + n < lane.next && isShort(whole, limits);
      const topic = upTopic(this.#options.place, lane.stream);
      return {
        ...{ lane, live, first, n, position, topic, isCut },
        ...{ isRetry: first < lane.reach, ...encoded },
      };
    }
  }

  #limits({ lane, live, isMetered }: Wanted): ReadLimits {
    const holdMs = live ? 0 : holdMsOf(this.#options.policies[lane.priority], isMetered);
    const keepingUpUs = Math.max(SPAN_US_MAX, holdMs * 1000);
    const spanUs = lane.isBehind && !live ? BEHIND_SPAN_US_MAX : keepingUpUs;
    return { values: lane.valuesMax, bytes: BATCH_BYTES, ...(lane.alert ? {} : { spanUs }) };
  }

  /** Undefined where it has to be read again with fewer values. */
  #encode(lane: Lane, stretch: Stretch, attempt: number): Encoded | undefined {
    const { n, content } = stretch;
    const payload = this.#tryEncode(lane, stretch);
    const missing = content.kind === 'gap' ? missingIn(content) : undefined;
    if (content.kind === 'gap' || lane.alert) {
      return payload ? { payload, missing } : this.#refuse(lane, stretch);
    }
    if (payload === undefined) {
      if (n === 1 || attempt >= FITS_MAX) return this.#refuse(lane, stretch);
      lane.valuesMax = Math.ceil(n / 2);
      return undefined;
    }
    const { length } = payload;
    if (length > BATCH_BYTES && n > 1) {
      lane.valuesMax = Math.max(1, Math.floor((n * BATCH_BYTES * FIT_SHARE) / length));
      return attempt < FITS_MAX ? undefined : { payload, missing };
    }
    if (length < BATCH_BYTES / 2 && n === lane.valuesMax) {
      lane.valuesMax = Math.min(VALUES_MAX, lane.valuesMax * 2);
    }
    return { payload, missing };
  }

  /** Undefined for what is beyond the limits of a batch: encodeBatch says so with a RangeError. */
  #tryEncode(lane: Lane, { epoch, t0, content }: Stretch): Uint8Array | undefined {
    const { place, sessionAt } = this.#options;
    const origin = {
      ...{ dev: place.device, store: this.#store, epoch, number: lane.number },
      ...{ stream: lane.declared, session: sessionAt?.({ epoch, t: t0 }) ?? null },
      ...(lane.acked > 0 ? { acked: lane.acked } : {}),
    };
    try {
      return encodeBatch(batchOf(origin, content, t0));
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /**
   * What cannot be sent must not hold up what comes behind it: the cloud is told that it will not come.
   * Undefined where it is to be tried again with less of a declaration.
   */
  #refuse(lane: Lane, stretch: Stretch): Encoded | undefined {
    const { n, first } = stretch;
    const payload = this.#tryEncode(lane, { ...stretch, content: refused(first, n) });
    if (payload !== undefined) return { payload, missing: 'refused' };
    // A DBC file may have hundreds of words for the values of a signal: these are worth more than the words.
    const { states, ...declared } = lane.declared;
    if (states !== undefined) {
      lane.declared = declared;
      return undefined;
    }
    const { id } = lane.stream;
    throw new UnsendableError('UNSENDABLE', `${id} is not sent: what it is does not fit a batch`);
  }

  /** Data beyond the age of its class becomes a gap, with what follows it as far as that is too old as well. */
  async #unlessTooOld(lane: Lane, stretch: Stretch, limits: ReadLimits): Promise<Stretch> {
    if (stretch.content.kind === 'gap' || !this.#isTooOld(lane, stretch)) return stretch;
    let { n, position } = stretch;
    for (let skips = 1; skips < SKIPS_MAX; skips++) {
      const from = stretch.first + n;
      const next = await this.#read(lane, { seq: from, at: position }, limits);
      if (next?.first !== from || next.epoch !== stretch.epoch) break;
      if (next.content.kind === 'gap' || !this.#isTooOld(lane, next)) break;
      n += next.n;
      position = next.position;
      await this.#yield();
    }
    return { ...stretch, n, position, content: refused(stretch.first, n) };
  }

  #isTooOld({ priority }: Lane, { epoch, t0 }: Stretch): boolean {
    const { ageSMax } = this.#options.policies[priority];
    const age = this.#options.ageS?.({ epoch, t: t0 });
    return ageSMax !== undefined && age !== undefined && age > ageSMax;
  }

  #yield(): Promise<void> {
    return new Promise((resolve) => this.#options.defer(resolve));
  }

  #measure(begin: Micros): void {
    const ms = (this.#options.clock.now() - begin) / 1000;
    this.counts.turnMsMax = Math.max(this.counts.turnMsMax, ms);
  }
}

function missingIn({ reason }: StoredGap): Missing {
  return reason === 'refused' ? 'refused' : 'gaps';
}

function refused(seq: number, n: number): StoredGap {
  return { kind: 'gap', seq, n, reason: 'refused' };
}

/** A store that begins later than it was asked for has lost what is in between. */
function contiguous(stretch: Stretch, from: number): Stretch {
  const { first, n, epoch, t0 } = stretch;
  if (first === from && n > 0) return stretch;
  if (first < from || n < 1)
    throw new Error(`asked for ${from}, the store gave ${n} from ${first} on`);
  const content: StoredGap = { kind: 'gap', seq: from, n: first - from, reason: 'lost' };
  return { ...stretch, first: from, n: first - from, content, position: { epoch, t: t0 } };
}

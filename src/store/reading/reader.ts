import type { Epoch } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { isInternal } from '#core/sys-streams.ts';
import type { Buckets, Columns, Range, StoredStream } from '../../codec/columns.ts';
import { cut } from '../../codec/cut.ts';
import {
  EPOCH_US_MAX,
  type EventKey,
  eventIndexKey,
  parseEventIndexKey,
  parseNumberKey,
} from '../keys.ts';
import type { DatabaseUse, Reads } from '../lmdb.ts';
import { decodeRecord } from '../record.ts';
import type { Tail } from '../tail.ts';
import { streamRecord } from '../writing/registry.ts';
import { Damage } from './damage.ts';
import { downsample } from './downsample.ts';
import { lastTimeOf, latestOf, type Moment, type Newest, newestOf } from './newest.ts';
import { type Ground, StreamReading } from './read-blocks.ts';
import { EVENTS_MAX, EventReading, type FoundEvent } from './read-events.ts';
import { type StreamSummary, summarise } from './summary.ts';
import { type VerifyStep, verifyAll } from './verify.ts';
import { keyPages, recordsOf } from './walk.ts';

const NUMBER_MAX = 0xffff_ffff;

export interface EventsQuery {
  /** Numbers of streams; all of them where there is no list. */
  readonly streams?: readonly number[];
  /** Events of a page; EVENTS_MAX at most. */
  readonly limit: number;
  /** The last of the page before. */
  readonly after?: EventKey;
}

/**
 * Answers questions about what is stored, in the gateway's reading thread and in a program on the
 * files alone. It is made for one question: the tail is that of the moment in which it was asked, and
 * streams are read once. Nothing is held open between two calls or two steps of a generator.
 *
 * What is damaged is left out and counted. Numbers that nobody knows have no data.
 */
export class StoreReader {
  /** What could not be read so far. */
  readonly damaged = new Damage();
  readonly #ground: Ground;
  #streams: ReadonlyMap<number, StoredStream> | undefined;

  /** @param tail what the gateway has in memory; undefined where it does not run */
  constructor(reads: Reads, tail: Tail | undefined) {
    this.#ground = { reads, tail, damage: this.damaged };
  }

  /** In the order of their numbers, without those of the gateway itself. */
  streams(): StoredStream[] {
    const shown = [...this.#known().values()].filter(({ stream }) => !isInternal(stream.id));
    return shown.sort((a, b) => a.number - b.number);
  }

  /** The numbers that an id has had, the oldest first. */
  numbersOf(id: string): number[] {
    const streams = this.streams().filter(({ stream }) => stream.id === id);
    return streams.map(({ number }) => number);
  }

  epochs(): Map<number, Epoch> {
    const epochs = new Map<number, Epoch>();
    for (const { key, value } of recordsOf(this.#ground.reads, 'epochs')) {
      const epoch = this.damaged.guard('epochs', key, () => decodeRecord(key, value));
      // Its CRC says that we wrote it.
      if (epoch !== undefined) epochs.set(parseNumberKey(key), epoch as unknown as Epoch);
    }
    return epochs;
  }

  /**
   * Pieces of a stream, cut to the range, slot by slot: first what is sealed, by the time at which each
   * begins, and then the rest in the order in which it came.
   */
  *columns(number: number, range: Range): Generator<Columns> {
    const stored = this.#known().get(number);
    if (stored === undefined) return;
    const exact = exactly(range);
    const reading = new StreamReading(this.#ground, stored, exact);
    for (const piece of reading.pieces()) yield* cut(piece, exact);
  }

  /** Every stream that has something in the range. */
  *summary(range: Range): Generator<StreamSummary> {
    const exact = exactly(range);
    for (const stored of this.streams()) {
      const isEvent = stored.stream.kind === 'event';
      const summary = isEvent
        ? { ...stored, n: this.#countEvents(stored.number, exact), lost: 0, coveredUs: 0 }
        : summarise(this.#ground, stored, exact);
      if (summary.n > 0) yield summary;
    }
  }

  /**
   * A sample or wave stream as at most `points` points; see downsample.ts.
   *
   * @throws RangeError for a number of points that is not 1 to POINTS_MAX
   */
  downsample(number: number, range: Range, points: number): Buckets {
    const question = { stored: this.#known().get(number), range: exactly(range), points };
    return downsample(this.#ground, question);
  }

  /** The newest value of a sample stream, or the newest before a moment. */
  newest(number: number, before?: Moment): Newest | undefined {
    const stored = this.#known().get(number);
    if (stored?.stream.kind !== 'sample') return undefined;
    return newestOf(this.#ground, stored, before ?? { epoch: NUMBER_MAX - 1, t: EPOCH_US_MAX });
  }

  /** The newest value of every sample stream that has had one lately, by number. */
  latest(): Map<number, Newest> {
    return latestOf(this.#ground, this.#known().values());
  }

  /**
   * One page of events in the order of time; one shorter than its limit is the last. What the gateway notes
   * of itself is in none.
   */
  events(range: Range, { streams, limit, after }: EventsQuery): FoundEvent[] {
    const query = { range: exactly(range), numbers: streams, limit, after };
    return new EventReading(this.#ground, this.#known(), query).page();
  }

  /** The time of the last thing that is stored of an epoch; what the gateway notes of itself is none. */
  lastTime(epoch: number): Micros | undefined {
    const isData = (number: number): boolean => {
      return !isInternal(this.#known().get(number)?.stream.id ?? '');
    };
    return lastTimeOf(this.#ground, epoch, isData);
  }

  /** Goes through all tables and checks every entry; see verify.ts. */
  verify(use?: DatabaseUse): Generator<VerifyStep> {
    return verifyAll(this.#ground.reads, use);
  }

  #known(): ReadonlyMap<number, StoredStream> {
    this.#streams ??= this.#readStreams();
    return this.#streams;
  }

  #readStreams(): ReadonlyMap<number, StoredStream> {
    const streams = new Map<number, StoredStream>();
    for (const { key, value } of recordsOf(this.#ground.reads, 'streams')) {
      const record = this.damaged.guard('streams', key, () => streamRecord(key, value));
      const number = parseNumberKey(key);
      if (record) streams.set(number, { number, stream: record.stream });
    }
    for (const stored of this.#ground.tail?.streams ?? []) streams.set(stored.number, stored);
    return streams;
  }

  /** From the index, without reading them. */
  #countEvents(number: number, { epoch, from, to }: Range): number {
    const { reads, tail } = this.#ground;
    const seen = new Set<string>();
    let n = 0;
    const inTail = tail?.epoch === epoch ? tail.events : [];
    for (const { stream, t, seq } of inTail) {
      if (stream === number && t >= from && t < to) seen.add(eventName({ epoch, t, seq }));
    }
    const start = eventIndexKey(number, { epoch, t: from, seq: 0 });
    const end = eventIndexKey(number, { epoch, t: to, seq: 0 });
    for (const keys of keyPages(reads, 'eventIndex', { start, end, limit: EVENTS_MAX })) {
      n += keys.filter((key) => !seen.has(eventName(parseEventIndexKey(key)))).length;
    }
    return n + seen.size;
  }
}

/** Tells two events of an epoch apart. */
function eventName({ t, seq }: EventKey): string {
  return `${t}/${seq}`;
}

/** Times are whole microseconds, no epoch has more than a key can tell, and none ends before it begins. */
export function exactly({ epoch, from, to }: Range): Range {
  const end = Math.min(EPOCH_US_MAX, Math.max(0, Math.ceil(to)));
  return { epoch, from: Math.min(end, Math.max(0, Math.ceil(from))), to: end };
}

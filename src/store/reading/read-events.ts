import { isInternal } from '#core/sys-streams.ts';
import type { EventRow, Range, StoredStream } from '../../codec/columns.ts';
import { StoreError } from '../errors.ts';
import {
  type EventKey,
  eventIndexKey,
  eventKey,
  parseEventIndexKey,
  parseEventKey,
} from '../keys.ts';
import type { PageQuery } from '../lmdb.ts';
import { eventRecord } from '../record.ts';
import type { Ground } from './read-blocks.ts';
import { keyAfter } from './walk.ts';

/** Events of one page; who asks for more gets this many. */
export const EVENTS_MAX = 10_000;

export interface FoundEvent {
  readonly key: EventKey;
  /** Of its stream. */
  readonly number: number;
  readonly row: EventRow;
}

export interface EventQuery {
  readonly range: Range;
  /** All of them where there is no list. */
  readonly numbers: readonly number[] | undefined;
  readonly limit: number;
  /** The last of the page before. */
  readonly after: EventKey | undefined;
}

/** Events in the order of time. */
export class EventReading {
  readonly #ground: Ground;
  readonly #streams: ReadonlyMap<number, StoredStream>;
  readonly #query: EventQuery;
  readonly #start: Uint8Array;
  readonly #end: Uint8Array;

  constructor(ground: Ground, streams: ReadonlyMap<number, StoredStream>, query: EventQuery) {
    const { after, range } = query;
    this.#ground = ground;
    this.#streams = streams;
    this.#query = { ...query, limit: Math.min(query.limit, EVENTS_MAX) };
    const first = eventKey({ epoch: range.epoch, t: range.from, seq: 0 });
    const next = after === undefined ? first : keyAfter(eventKey(after));
    this.#start = Buffer.compare(next, first) > 0 ? next : first;
    this.#end = eventKey({ epoch: range.epoch, t: range.to, seq: 0 });
  }

  page(): FoundEvent[] {
    const { limit } = this.#query;
    if (Buffer.compare(this.#start, this.#end) >= 0) return [];
    // What was sealed since the tail was taken is in both: the second puts itself over the first.
    const found = new Map<string, FoundEvent>();
    for (const event of [...this.#stored(limit), ...this.#tail()]) {
      found.set(`${event.key.t}/${event.key.seq}`, event);
    }
    const sorted = [...found.values()].sort(({ key: a }, { key: b }) => a.t - b.t || a.seq - b.seq);
    return sorted.slice(0, limit);
  }

  /** The first `limit`. Those left out are not among them, so that a short page is the last. */
  *#stored(limit: number): Generator<FoundEvent> {
    let found = 0;
    let start: Uint8Array | undefined = this.#start;
    while (start && found < limit) {
      const keys: Uint8Array[] = this.#keys(start, limit);
      for (const key of keys) {
        const event = this.#event(key);
        if (event === undefined) continue;
        found++;
        yield event;
      }
      const last = keys.length < limit ? undefined : keys.at(-1);
      start = last && keyAfter(last);
    }
  }

  /** Keys of the table `events` from `start` on. */
  #keys(start: Uint8Array, limit: number): Uint8Array[] {
    const { numbers } = this.#query;
    const query = { start, end: this.#end, limit };
    if (numbers === undefined) return this.#ground.reads.keys('events', query);
    const keys = numbers.flatMap((number) => this.#indexed(number, query));
    return keys.sort(Buffer.compare).slice(0, limit);
  }

  #indexed(number: number, { start, end, limit }: PageQuery): Uint8Array[] {
    const prefix = eventIndexKey(number, { epoch: 0, t: 0, seq: 0 }).subarray(0, 2);
    const keys = this.#ground.reads.keys('eventIndex', {
      start: Buffer.concat([prefix, start]),
      end: Buffer.concat([prefix, end]),
      limit,
    });
    return keys.map((key) => eventKey(parseEventIndexKey(key)));
  }

  #event(key: Uint8Array): FoundEvent | undefined {
    const { reads, damage } = this.#ground;
    const value = reads.get('events', key);
    // Evicted since its key was read.
    if (value === undefined) return undefined;
    return damage.guard('events', key, () => {
      const { stream, data } = eventRecord(key, value);
      return this.#isInternal(stream) ? undefined : this.#row(parseEventKey(key), stream, data);
    });
  }

  *#tail(): Generator<FoundEvent> {
    const { range, numbers } = this.#query;
    const { tail } = this.#ground;
    if (tail?.epoch !== range.epoch) return;
    const wanted = numbers && new Set(numbers);
    for (const { stream, t, seq, data } of tail.events) {
      if (this.#isInternal(stream) || (wanted && !wanted.has(stream))) continue;
      const key = eventKey({ epoch: tail.epoch, t, seq });
      const outside = Buffer.compare(key, this.#start) < 0 || Buffer.compare(key, this.#end) >= 0;
      if (!outside) yield this.#row({ epoch: tail.epoch, t, seq }, stream, data);
    }
  }

  #isInternal(number: number): boolean {
    return isInternal(this.#streams.get(number)?.stream.id ?? '');
  }

  #row(key: EventKey, number: number, data: EventRow['data']): FoundEvent {
    const stored = this.#streams.get(number);
    if (stored === undefined) {
      throw new StoreError('BAD_RECORD', `an event of stream ${number}, which is not known`);
    }
    return { key, number, row: { stream: stored.stream, t: key.t, data } };
  }
}

import type { Event } from '#core/stream.ts';
import type { Range } from '../../codec/columns.ts';
import { StoreError } from '../errors.ts';
import { type EventKey, eventIndexKey, eventKey, parseEventIndexKey } from '../keys.ts';
import type { Reads } from '../lmdb.ts';
import { type EventRecord, eventRecord } from '../record.ts';
import type { Tail } from '../tail.ts';

/** Keys that are read at a time. */
const PAGE_KEYS = 64;

/**
 * Events of some streams, the newest first: what LMDB does not have yet, then the ranges as they are
 * given, from the end of each. Those of one stream are in order; of several, each by itself.
 * Nothing is held open between two of them. Damaged ones are left out: the scrub tells of them.
 */
export function* newestEvents(
  { reads, tail }: { readonly reads: Reads; readonly tail: Tail },
  numbers: ReadonlySet<number>,
  ranges: readonly Range[],
): Generator<Event['data']> {
  for (const range of ranges) {
    // What a seal moves meanwhile is in both, and who looks for what there is does not mind.
    if (range.epoch === tail.epoch) {
      const within = tail.events.filter(
        ({ stream, t }) => numbers.has(stream) && t >= range.from && t < range.to,
      );
      for (const { data } of within.toSorted((a, b) => b.t - a.t || b.seq - a.seq)) yield data;
    }
    for (const number of numbers) yield* stored(reads, number, range);
  }
}

function* stored(reads: Reads, number: number, range: Range): Generator<Event['data']> {
  const { epoch, from, to } = range;
  const start = eventIndexKey(number, { epoch, t: from, seq: 0 });
  let end = eventIndexKey(number, { epoch, t: to, seq: 0 });
  for (;;) {
    const keys = reads.keys('eventIndex', { start, end, limit: PAGE_KEYS, reverse: true });
    for (const key of keys) {
      const record = soundEvent(reads, parseEventIndexKey(key));
      if (record) yield record.data;
    }
    const last = keys.at(-1);
    if (last === undefined || keys.length < PAGE_KEYS) return;
    end = last;
  }
}

function soundEvent(reads: Reads, at: EventKey): EventRecord | undefined {
  const key = eventKey(at);
  const value = reads.get('events', key);
  try {
    return value && eventRecord(key, value);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_RECORD') return undefined;
    throw error;
  }
}

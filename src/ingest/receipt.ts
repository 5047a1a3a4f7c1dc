/**
 * What is kept of each batch, in the same record of the journal as what was in it: either both are
 * there after a power cut or neither. An event of the stream `ingest.<client>.<kind>`, at the time at
 * which the batch came:
 *
 *   session  its id
 *   seq      number of the batch
 *   seen     [[first, last], ...] numbers of batches of the session that have come, this one included
 *   plain    false where its streams have the client in their ids (holders.ts)
 *   floor    up to which of the lower numbers nobody knows any more; -1 for none
 *   t        [first, last] time in it on the client's clock, as sent
 *   n        readings that it came to
 *   clock    offset, t, drift, roundTrip: the clock map by which times became ours (clock-map.ts), so
 *            that they can be had back and mapped anew; null where they were on our clock
 */
import type { Event, Json } from '#core/stream.ts';
import type { ClockEstimate } from './clock-map.ts';
import { type SeqRange, Seqs } from './seqs.ts';

export interface Receipt {
  readonly session: number;
  readonly seq: number;
  readonly seqs: Seqs;
  readonly plain: boolean;
  readonly times: readonly number[];
  readonly n: number;
  readonly clock: ClockEstimate | undefined;
}

export function receiptData({ seqs, times, clock, ...receipt }: Receipt): Event['data'] {
  const t = [Math.min(...times), Math.max(...times)];
  const map = clock ? { ...clock } : null;
  return { ...receipt, seen: seqs.ranges, floor: seqs.floor, t, clock: map };
}

/** The numbers that a receipt of a session tells; undefined for what is none of that session. */
export function seqsOf(data: { readonly [key: string]: Json }, session: number): Seqs | undefined {
  const { session: of, seen, floor } = data;
  if (of !== session || !Array.isArray(seen)) return undefined;
  const ranges = seen.filter(isRange);
  return new Seqs(ranges, typeof floor === 'number' ? floor : -1);
}

/** Whether the streams of the batch have no client in their ids. */
export function isPlain({ plain }: { readonly [key: string]: Json }): boolean {
  // Receipts of before there was a difference have no such member.
  return plain !== false;
}

function isRange(range: Json): range is SeqRange {
  return Array.isArray(range) && range.length === 2 && range.every(Number.isInteger);
}

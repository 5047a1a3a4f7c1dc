/**
 * Which seqs of a stream have come. Several instances store what several connections brought, so that
 * they come in any order; mostly it is one range from 0 on.
 */
export interface SeqRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** In order, none touches the next, none is empty. */
export type Ranges = readonly SeqRange[];

/** A gateway has 16 batches on their way. More holes than this is damage, and would cost every batch. */
export const RANGES_MAX = 1_000;

/** All of both. */
export function withRange(ranges: Ranges, added: SeqRange): Ranges {
  if (added.to <= added.from) return ranges;
  const before = ranges.filter(({ to }) => to < added.from);
  const after = ranges.filter(({ from }) => from > added.to);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const from = Math.min(added.from, touching[0]?.from ?? added.from);
  const to = Math.max(added.to, touching.at(-1)?.to ?? added.to);
  return [...before, { from, to }, ...after];
}

/** The parts of `range` that are in none. */
export function missingIn(ranges: Ranges, { from, to }: SeqRange): Ranges {
  const holes: SeqRange[] = [];
  let at = from;
  for (const range of ranges) {
    if (range.to <= at) continue;
    if (range.from >= to) break;
    if (range.from > at) holes.push({ from: at, to: range.from });
    at = range.to;
  }
  return at < to ? [...holes, { from: at, to }] : holes;
}

/** The first seq from 0 on that has not come. */
export function nextOf(ranges: Ranges): number {
  const [first] = ranges;
  return first?.from === 0 ? first.to : 0;
}

/** As PostgreSQL writes an int8multirange: `{[0,100),[200,300)}`. */
export function rangesText(ranges: Ranges): string {
  return `{${ranges.map(({ from, to }) => `[${from},${to})`).join(',')}}`;
}

export function parseRanges(text: string): Ranges {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from, to]) => {
    return { from: Number(from), to: Number(to) };
  });
}

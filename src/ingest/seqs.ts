/**
 * Which numbers of a sequence have been seen, exactly, in whatever order they came. Somebody who counts
 * up leaves one range however long they count; each number left out costs one more.
 */

/** At one more the lowest gap is closed: of numbers up to its end nobody knows any more. */
const RANGES_MAX = 64;

/** First and last number, both of them seen. */
export type SeqRange = readonly [from: number, to: number];

export class Seqs {
  /** In order; two of them do not touch. */
  readonly ranges: readonly SeqRange[];
  /** Numbers up to here may have been seen or not; -1 where all are known. */
  readonly floor: number;

  constructor(ranges: readonly SeqRange[] = [], floor = -1) {
    this.ranges = ranges;
    this.floor = floor;
  }

  /** Undefined where nobody knows any more. */
  has(seq: number): boolean | undefined {
    if (seq <= this.floor) return undefined;
    return this.ranges.some(([from, to]) => from <= seq && seq <= to);
  }

  with(seq: number): Seqs {
    const before = this.ranges.filter(([, to]) => to < seq - 1);
    const after = this.ranges.filter(([from]) => from > seq + 1);
    const around = this.ranges.slice(before.length, this.ranges.length - after.length);
    const from = Math.min(seq, around[0]?.[0] ?? seq);
    const to = Math.max(seq, around.at(-1)?.[1] ?? seq);
    const ranges = [...before, [from, to] as const, ...after];
    const [lowest] = ranges;
    if (ranges.length <= RANGES_MAX || !lowest) return new Seqs(ranges, this.floor);
    return new Seqs(ranges.slice(1), lowest[1]);
  }
}

import type { Json, Micros } from '#core/stream.ts';
import type { Columns, StoredStream } from '../codec/columns.ts';
import type { HourRollup } from './rollup/rollup.ts';

/**
 * What the gateway holds in memory and LMDB does not have yet: at most the last slot or so of the
 * running epoch. A snapshot of it goes with each question to the reading thread, taken before that
 * one reads LMDB: what a seal moves in between is then in both, and told apart by its `seq`.
 */
export interface Tail {
  readonly epoch: number;
  /** The journal's last record that LMDB had; by then it may have more. */
  readonly sealed: number;
  /** Every stream the store knows at this moment. */
  readonly streams: readonly StoredStream[];
  /** By stream number, in the order of `seq`. */
  readonly pieces: ReadonlyMap<number, readonly Columns[]>;
  /** As they came: not in the order of time. */
  readonly events: readonly TailEvent[];
  /** Hours that have not closed: what was sealed of them. */
  readonly hours: readonly HourRollup[];
}

export interface TailEvent {
  /** Number of its stream. */
  readonly stream: number;
  readonly t: Micros;
  /** Tells events of one microsecond apart. */
  readonly seq: number;
  /** Its place in its stream, over the life of the store. */
  readonly ordinal: number;
  readonly data: { readonly [key: string]: Json };
}

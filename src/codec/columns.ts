import type { Json, Micros, Stream } from '#core/stream.ts';

/**
 * What the store keeps of a stream, decoded: columns, because that is what the codecs write, what
 * the exports and the queries walk through, and what fits in a few typed arrays.
 *
 * `seq` counts the samples, frames or events of a stream over the life of the store, lost samples of
 * a wave included; it never restarts. Two columns of a stream that overlap in `seq` hold the same
 * data, and a hole in the `seq` of a wave is a loss.
 */

/** Values of a `sample` stream, in the order in which they came. */
export interface Scalars {
  readonly kind: 'scalars';
  readonly seq: number;
  /** Microseconds, whole milliseconds: finer than what a serial adapter or a bus of 500 kbit/s tells. */
  readonly t: Float64Array;
  readonly v: Float64Array;
}

/** An equally spaced stretch of a `wave` stream without a hole. */
export interface Waves {
  readonly kind: 'waves';
  readonly seq: number;
  /** Of the first sample. */
  readonly t0: Micros;
  /** From the first sample to the last: sample i was taken at `t0 + i * span / (n - 1)`. */
  readonly span: number;
  /** Counts; `v[i] * stream.lsb` is in `stream.unit`. */
  readonly v: Int32Array;
}

/** Frames of one bus, in the order in which they came. */
export interface Frames {
  readonly kind: 'frames';
  readonly seq: number;
  /** Whole microseconds. */
  readonly t: Float64Array;
  /** Identifier; EXTENDED_FLAG is set for 29-bit ones. */
  readonly id: Uint32Array;
  /** Bytes of data, 0 to 8. */
  readonly length: Uint8Array;
  /** 8 bytes a frame; those behind `length` are 0. */
  readonly data: Uint8Array;
}

export type Columns = Scalars | Waves | Frames;

/** One stored event. */
export interface EventRow {
  readonly stream: Stream;
  readonly t: Micros;
  readonly data: { readonly [key: string]: Json };
}

/** A stream as the store knows it. */
export interface StoredStream {
  /** u16, in keys and blocks; a changed unit, kind or scale is another number. */
  readonly number: number;
  readonly stream: Stream;
}

/** A stretch of one epoch. */
export interface Range {
  readonly epoch: number;
  readonly from: Micros;
  /** Exclusive. */
  readonly to: Micros;
}

/** One stream reduced to so many points of equal width. Points without data are left out. */
export interface Buckets {
  /** The beginning of each, in microseconds. */
  readonly t: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  /** Samples in each; at least 1. */
  readonly n: Float64Array;
}

/** Samples or frames in it. */
export function countOf(columns: Columns): number {
  return columns.kind === 'waves' ? columns.v.length : columns.t.length;
}

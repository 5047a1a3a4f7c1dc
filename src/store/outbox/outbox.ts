import type { Event, Micros, Stream } from '#core/stream.ts';
import type { Columns } from '../../codec/columns.ts';
import type { Reads } from '../lmdb.ts';
import type { Unsealed } from '../writing/unsealed.ts';
import type { Progress } from './progress.ts';
import type { Moment } from './seal-record.ts';

/** The store as a queue of what is to be sent, and what the queue needs of the store: see queue.ts. */

export interface QueuedStream {
  readonly number: number;
  readonly stream: Stream;
  /** One behind the last that is durable. */
  readonly next: number;
}

/** Where a stretch was found: kept beside a seq, it saves looking for it from the beginning. */
export type Position = Moment;

/** Not there: the ring took it, it never came or is damaged, or a person had it erased. */
export type GapReason = 'evicted' | 'lost' | 'erased';

export interface Gap {
  readonly kind: 'gap';
  readonly seq: number;
  readonly n: number;
  readonly reason: GapReason;
}

export interface QueuedEvents {
  readonly kind: 'events';
  readonly seq: number;
  readonly events: readonly { readonly t: Micros; readonly data: Event['data'] }[];
}

/** Values of one stream and one epoch that follow each other in `seq`, or that there are none. */
export interface Stretch {
  readonly epoch: number;
  readonly first: number;
  readonly n: number;
  /** Earliest time in it; of a gap, about when. */
  readonly t0: Micros;
  readonly content: Columns | QueuedEvents | Gap;
  /** Of what follows it. */
  readonly position: Position;
  /** What it comes to when it is packed, estimated; 0 for a gap. */
  readonly bytes: number;
}

export interface Limits {
  readonly values: number;
  readonly bytes: number;
  readonly spanUs?: number | undefined;
}

/** Up to where a stream was acknowledged. */
export interface Cursor {
  /** The next seq that is wanted. */
  readonly next: number;
  /** Of the stretch that ended there, where it is known. */
  readonly at?: Position | undefined;
}

/** The store at this moment. To be used within one turn. */
export interface Ground {
  /** Another number whenever the store was opened anew. */
  readonly opening: number;
  readonly reads: Reads;
  /** The one that is being recorded. */
  readonly epoch: number;
  readonly progress: Progress;
  readonly streams: readonly { readonly number: number; readonly stream: Stream }[];
  /** What LMDB does not have yet. */
  readonly contents: readonly Unsealed[];
}

import type { Emit, Micros } from '#core/stream.ts';
import type { Response } from './elm/elm-frames.ts';

/** One request of diagnosis. Reading its answer may bring more of them. */
export interface Job {
  /** Service and data: `0902`. */
  readonly hex: string;
  readonly timeoutMs: number;
  /** Takes the answer into the report; returns what to ask next. */
  read(responses: readonly Response[], t: Micros, emit: Emit): readonly Job[];
}

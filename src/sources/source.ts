import type { Clock } from '#core/clock.ts';
import type { Emit, Json, Stream } from '#core/stream.ts';

/**
 * A device that produces readings.
 *
 * `run` is one connection, from opening the link to losing it. It rejects with a LinkError when the
 * link fails, and settles either way soon after `signal` aborts. It never retries: supervise.ts does
 * that for all sources, so that back-off, status and logging exist once.
 */
export interface Source {
  /** Short and unique in the process: `obd`, `eeg`. */
  readonly id: string;
  /** Everything it may emit; a second ECU or channel adds to it while running. */
  readonly streams: readonly Stream[];
  /** A working link is never this long without a reading; longer means that it died silently. */
  readonly silenceMs: number;
  run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void>;
  /** A sentence on what it is doing, where "receiving data" or "opening" is not all there is to say. */
  note?(): string | undefined;
  /** What a person wants to know beside the state: adapter, protocol, losses. Counters only grow. */
  health(): { readonly [key: string]: Json };
}

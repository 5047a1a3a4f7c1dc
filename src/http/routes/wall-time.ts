import * as v from 'valibot';
import type { Instant } from '#core/alert.ts';
import { type Epoch, wallMs } from '#core/clock.ts';

/** RFC 3339; null where there is none, or where the start of the gateway it counts from is not known. */
export const WallTime = v.nullable(v.string());

/** A moment as clients see it. */
export function wallTime(at: Instant | null, epochs: ReadonlyMap<number, Epoch>): string | null {
  const epoch = at && epochs.get(at.epoch);
  return epoch ? new Date(wallMs(epoch, at.t)).toISOString() : null;
}

import type { Micros } from '#core/stream.ts';

/** No block reaches beyond its slot: what goes from the ring goes a slot at a time. */
export const SLOT_US = 300_000_000;

/** The slot of a time of an epoch. */
export function slotOf(t: Micros): number {
  return Math.floor(t / SLOT_US);
}

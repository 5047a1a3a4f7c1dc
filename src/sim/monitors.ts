/**
 * Readiness of the on-board monitors, PIDs 01 and 41 (SAE J1979, bit layout of those PIDs).
 *
 *   A  bit 7 lamp lit, bits 6-0 stored codes (PID 41: 0)
 *   B  bits 0-2 supported misfire, fuel system, components; bit 3 compression ignition; bits 4-6 the
 *      first three not complete
 *   C  supported, spark ignition: 0 catalyst, 1 heated catalyst, 2 evaporative, 3 secondary air,
 *      4 particulate filter, 5 oxygen sensor, 6 its heater, 7 EGR or valve timing
 *   D  the same, not complete
 */
import type { Snapshot } from './pid-encoders.ts';

export interface Monitors {
  readonly lamp: number;
  readonly kinds: number;
  readonly supported: number;
  readonly incomplete: number;
  /** The same since this ignition cycle began, for PID 41. */
  readonly cycleKinds: number;
  readonly cycleIncomplete: number;
}

/** The monitors of this car, with the seconds of driving each takes. */
const SPARK_MONITORS: readonly { readonly bit: number; readonly doneAfterS: number }[] = [
  { bit: 0, doneAfterS: 420 },
  { bit: 2, doneAfterS: 600 },
  { bit: 5, doneAfterS: 150 },
  { bit: 6, doneAfterS: 30 },
  { bit: 7, doneAfterS: 240 },
];
const CONTINUOUS_SUPPORTED = 0b0111;
const CONTINUOUS_DONE_AFTER_S = 10;

/** The state of all monitors at one moment. */
export function monitorsOf({ car, troubles }: Snapshot): Monitors {
  const supported = SPARK_MONITORS.reduce((bits, { bit }) => bits | (1 << bit), 0);
  return {
    lamp: (troubles.mil ? 0x80 : 0) | troubles.stored.length,
    kinds: kindsAfter(troubles.sinceCleared.monitoredS),
    supported,
    incomplete: incompleteAfter(troubles.sinceCleared.monitoredS),
    cycleKinds: kindsAfter(car.engine.runS),
    cycleIncomplete: incompleteAfter(car.engine.runS),
  };
}

function kindsAfter(s: number): number {
  return CONTINUOUS_SUPPORTED | (s < CONTINUOUS_DONE_AFTER_S ? CONTINUOUS_SUPPORTED << 4 : 0);
}

function incompleteAfter(s: number): number {
  return SPARK_MONITORS.reduce(
    (bits, { bit, doneAfterS }) => (s < doneAfterS ? bits | (1 << bit) : bits),
    0,
  );
}

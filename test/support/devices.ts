/** Simulated devices that answer as fast as they can, for tests on real ports. */

import type { Clock } from '#core/clock.ts';
import type { OpenPort } from '../../src/io/port.ts';
import { type CarOptions, createCar } from '../../src/sim/car.ts';
import { createVehicle } from '../../src/sim/ecu.ts';
import { ElmAdapter, type ElmRecord } from '../../src/sim/elm.ts';
import { elmPort } from '../../src/sim/ports.ts';

const SEED = 1;

/** An adapter in a car: its port, and a call for every command that it gets. */
export function quickAdapter(
  clock: Clock,
  record: (entry: ElmRecord) => void = () => {},
  car: CarOptions = {},
): OpenPort {
  const adapter = new ElmAdapter({
    vehicle: createVehicle(createCar(SEED, car)),
    seed: SEED,
    paced: false,
    timing: { resetMs: 10, searchMs: 20 },
    record,
  });
  return elmPort(adapter, clock);
}

import { onTestFinished } from 'vitest';
import type { Micros } from '#core/stream.ts';
import { type CarOptions, createCar } from '../../src/sim/car.ts';
import { createVehicle } from '../../src/sim/ecu.ts';
import { ElmAdapter } from '../../src/sim/elm.ts';
import { elmPort } from '../../src/sim/ports.ts';
import { obdSource } from '../../src/sources/obd/obd.ts';
import { FakeClock } from './fake-clock.ts';
import { finish } from './finish.ts';
import { supervised } from './supervised.ts';

/** It stands, with its engine off and its ignition on, from this second; its trouble is stored then. */
export const PARKED_S = 150;
/** Has a trouble, and is parked from PARKED_S. */
export const PARKS: CarOptions = { trouble: 'P0301', engineOffAfterS: PARKED_S };

/** That car, once it is parked and known. */
export async function parkedCar() {
  const car = await simulatedCar(PARKS, PARKED_S);
  await car.clock.advance(READ_S * 1_000);
  return car;
}

/** As long as a car that answers needs to be known. */
export const READ_S = 20;

/**
 * A simulated car that is read under the supervisor, on a clock moved by the test.
 *
 * @param fromS the second at which somebody begins to read it
 */
export async function simulatedCar(car: CarOptions = {}, fromS = 0) {
  const clock = new FakeClock();
  await clock.advance(fromS * 1_000);
  const asked: { at: Micros; command: string }[] = [];
  const elm = new ElmAdapter({
    vehicle: createVehicle(createCar(1, car)),
    record: ({ at, command }) => asked.push({ at, command }),
  });
  const source = obdSource({
    ...{ id: 'obd', device: '/dev/elm', bauds: [] },
    open: elmPort(elm, clock),
  });
  const { stop, done, ...read } = supervised(source, clock);
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  /** Moves on until the adapter is being prepared for what clears. */
  const untilClearing = async (): Promise<void> => {
    for (let n = 0; n < 3_000 && asked.at(-1)?.command !== 'ATSTFF'; n++) await clock.advance(1);
  };
  const times = (command: string): number => asked.filter((one) => one.command === command).length;
  return {
    ...{ ...read, clock, source, asked, times, untilClearing },
    finish: <T>(work: Promise<T>) => finish(clock, work),
  };
}

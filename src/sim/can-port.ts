import { fileURLToPath } from 'node:url';
import type { Clock } from '#core/clock.ts';
import type { CanBus, OpenCanBus, Permit } from '../io/can/bus.ts';
import { MemoryCan } from '../io/can/memory-can.ts';
import { broadcastOn } from './can-broadcast.ts';
import { carOnBus } from './can-car.ts';
import type { Car } from './car.ts';
import type { Vehicle } from './ecu.ts';

/** What says what the frames of the simulated car mean. */
export const CAR_DBC = fileURLToPath(new URL('can-car.dbc', import.meta.url));

export interface SimulatedBusOptions {
  readonly car: Car;
  readonly vehicle: Vehicle;
  readonly seed: number;
  readonly clock: Clock;
}

/**
 * What `sim:` opens for a CAN bus: the wire that the simulated car talks on, and is asked over. There is
 * a wire for each opening, which goes on where the car is by then.
 *
 * @param permit left out for a bus that only listens
 */
export function simulatedBus(
  { car, vehicle, seed, clock }: SimulatedBusOptions,
  name: string,
  permit: Permit | undefined,
): OpenCanBus {
  return async (options) => {
    const can = new MemoryCan({ clock });
    const bus = await can.opener(name, permit)(options);
    const talking = broadcastOn({ car, seed, bus: can.node('car', anything), clock });
    const units = can.node('units', anything);
    const answering = carOnBus({ vehicle, bus: units, clock, seed, idBits: 11 });
    return endingWith(bus, () => {
      talking[Symbol.dispose]();
      answering[Symbol.dispose]();
    });
  };
}

/** The car's own units may send what they want. */
const anything: Permit = () => undefined;

function endingWith(bus: CanBus, end: () => void): CanBus {
  return {
    name: bus.name,
    lost: bus.lost,
    listen: (listener) => bus.listen(listener),
    send: (frame) => bus.send(frame),
    health: () => bus.health(),
    [Symbol.asyncDispose]: async () => {
      end();
      await bus[Symbol.asyncDispose]();
    },
  };
}

import type { Clock } from '#core/clock.ts';
import type { OpenCanBus, Permit } from '../io/can/bus.ts';
import type { OpenPort } from '../io/port.ts';
import { simulatedBus } from './can-port.ts';
import { createCar } from './car.ts';
import { createVehicle } from './ecu.ts';
import { ElmAdapter } from './elm.ts';
import { elmPort } from './ports.ts';
import { headPort } from './thinkgear-head.ts';

/** The car and the driver that `sim:` stands for, each at the far end of its own link. */
export interface Simulation {
  readonly adapter: OpenPort;
  readonly headset: OpenPort;
  /** @param permit left out for a bus that only listens */
  bus(name: string, permit: Permit | undefined): OpenCanBus;
}

/** The same seed gives the same drive and the same head; time starts with the clock. */
export function createSimulation(seed: number, clock: Clock): Simulation {
  const car = createCar(seed);
  const vehicle = createVehicle(car);
  return {
    adapter: elmPort(new ElmAdapter({ vehicle, seed }), clock),
    headset: headPort({ seed }, clock),
    bus: (name, permit) => simulatedBus({ car, vehicle, seed, clock }, name, permit),
  };
}

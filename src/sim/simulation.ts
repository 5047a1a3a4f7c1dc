import type { Clock } from '#core/clock.ts';
import type { OpenPort } from '../io/port.ts';
import { createCar } from './car.ts';
import { createVehicle } from './ecu.ts';
import { ElmAdapter } from './elm.ts';
import { elmPort } from './ports.ts';
import { headPort } from './thinkgear-head.ts';

/** The car and the driver that `sim:` stands for, each at the far end of its own link. */
export interface Simulation {
  readonly adapter: OpenPort;
  readonly headset: OpenPort;
}

/** The same seed gives the same drive and the same head; time starts with the clock. */
export function createSimulation(seed: number, clock: Clock): Simulation {
  const vehicle = createVehicle(createCar(seed));
  return {
    adapter: elmPort(new ElmAdapter({ vehicle, seed }), clock),
    headset: headPort({ seed }, clock),
  };
}

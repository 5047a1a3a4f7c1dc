/** Puts the simulated car on a CAN interface of this computer, virtual or real. */

import type { Clock } from '#core/clock.ts';
import { ConfigError } from '#core/errors.ts';
import type { CanBus, CanFrame } from '../../src/io/can/bus.ts';
import { parseCanUrl } from '../../src/io/can/can-url.ts';
import { socketCan } from '../../src/io/can/socketcan.ts';
import { broadcastOn } from '../../src/sim/can-broadcast.ts';
import { carOnBus } from '../../src/sim/can-car.ts';
import type { Vehicle } from '../../src/sim/ecu.ts';
import { reaches } from '../../src/sim/elm-can.ts';
import type { Served } from './serve.ts';

const SINGLE_BYTES_MAX = 7;

export interface CarOnInterface {
  readonly vehicle: Vehicle;
  readonly seed: number;
  readonly clock: Clock;
  /** Of the diagnosis; what the units send by themselves has both kinds of identifier. */
  readonly idBits: 11 | 29;
  /** Of what the units send by themselves, each identifier's frames but these: 1 is all of them. */
  readonly every: number;
  /** Gets every request that reaches a control unit: `7DF 0100`. */
  readonly record: (request: string) => void;
}

/** A car on a bus, until the bus is lost. */
export interface ServedCar extends Served {
  /** Rejects with what happened to the interface; never resolves. */
  readonly lost: Promise<never>;
}

/**
 * Lets the car talk and answer on an interface that is up. Rejects with a sentence.
 *
 * @param where the name of the interface: `vcan0`
 */
export async function serveCar(where: string, car: CarOnInterface): Promise<ServedCar> {
  const { vehicle, seed, clock, idBits, every, record } = car;
  const name = interfaceOf(where);
  const { signal } = new AbortController();
  const bus = await socketCan(name, { permit: () => undefined })({ clock, signal });
  if (bus.health().listenOnly) {
    await bus[Symbol.asyncDispose]();
    throw new Error(`${name}: the interface is set to listen only, and a car has to talk`);
  }
  const talking = broadcastOn({ car: vehicle.car, seed, bus: thinned(bus, every), clock });
  const answering = carOnBus({ vehicle, bus, clock, seed, idBits });
  bus.listen((frame) => {
    const request = requestIn(frame, vehicle, idBits);
    if (request !== undefined) record(request);
  });
  return {
    url: `can:${name}`,
    lost: bus.lost,
    async [Symbol.asyncDispose]() {
      talking[Symbol.dispose]();
      answering[Symbol.dispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

/** A bus on which only one in so many frames of each identifier goes out. */
function thinned(bus: CanBus, every: number): CanBus {
  const sent = new Map<number, number>();
  return {
    name: bus.name,
    lost: bus.lost,
    listen: (listener) => bus.listen(listener),
    health: () => bus.health(),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
    send: (frame) => {
      const count = sent.get(frame.id) ?? 0;
      sent.set(frame.id, count + 1);
      return count % every === 0 ? bus.send(frame) : Promise.resolve();
    },
  };
}

function interfaceOf(where: string): string {
  try {
    const url = parseCanUrl(`can:${where}`);
    if (url.kind === 'can') return url.interface;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  const found = JSON.stringify(where);
  throw new Error(`--can: expected the name of a CAN interface such as vcan0, found ${found}`);
}

/** The message in a single frame (ISO 15765-2) to a unit of the car. Flow control is no request. */
function requestIn(frame: CanFrame, { ecus }: Vehicle, idBits: 11 | 29): string | undefined {
  const { id, extended, data } = frame;
  const [control = 0] = data;
  if (extended !== (idBits === 29) || control === 0 || control > SINGLE_BYTES_MAX) return undefined;
  if (!ecus.some(({ node }) => reaches(id, node, idBits))) return undefined;
  const to = id.toString(16).padStart(extended ? 8 : 3, '0');
  const message = Buffer.from(data.subarray(1, 1 + control)).toString('hex');
  return `${to} ${message}`.toUpperCase();
}

import { expect, onTestFinished } from 'vitest';
import type { Micros } from '#core/stream.ts';
import type { CanFrame } from '../../../../../src/io/can/bus.ts';
import { MemoryCan } from '../../../../../src/io/can/memory-can.ts';
import { carOnBus } from '../../../../../src/sim/can-car.ts';
import { type CarOptions, createCar } from '../../../../../src/sim/car.ts';
import { createVehicle, type VehicleOptions } from '../../../../../src/sim/ecu.ts';
import { Guard } from '../../../../../src/sources/obd/can/guard.ts';
import { canObdSource } from '../../../../../src/sources/obd/obd.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { finish } from '../../../../support/finish.ts';
import { supervised } from '../../../../support/supervised.ts';

export interface CarOnCanOptions {
  readonly car?: CarOptions;
  readonly vehicle?: VehicleOptions;
  readonly idBits?: 11 | 29;
  readonly ratePerS?: number;
  /** The second at which somebody begins to read it. */
  readonly fromS?: number;
  /** There is no car on the bus. */
  readonly empty?: boolean;
  readonly listenOnly?: boolean;
}

/** A simulated car on a bus without a wire, read under the supervisor on a clock moved by the test. */
export async function carOnCan(options: CarOnCanOptions = {}) {
  const { car, vehicle, idBits = 11, ratePerS = 10, fromS = 0 } = options;
  const clock = new FakeClock();
  await clock.advance(fromS * 1_000);
  const can = new MemoryCan({ clock });
  const sniffed: { readonly frame: CanFrame; readonly t: Micros }[] = [];
  can.node('sniffer').listen((frame, t) => sniffed.push({ frame, t }));
  const node = can.node('other', () => undefined);
  const simulated = createVehicle(createCar(1, car), vehicle);
  const cars: Disposable[] = [];
  /** Puts the car's control units on the bus. */
  const plug = (): void => {
    const bus = can.node('car', () => undefined);
    cars.push(carOnBus({ vehicle: simulated, bus, clock, idBits }));
  };
  if (!options.empty) plug();
  const guard = new Guard({ ratePerS, clock });
  const open = can.opener('can0', options.listenOnly ? undefined : guard.permit);
  const source = canObdSource({ id: 'obd', device: 'can0', open, guard });
  const { stop, done, ...read } = supervised(source, clock);
  onTestFinished(async () => {
    stop.abort();
    for (const units of cars) units[Symbol.dispose]();
    await clock.advance(1_000); // A unit may wait for flow control.
    await done;
    expect(clock.sleepers, 'timers left behind').toBe(0);
  });
  /** What the gateway has sent: everything that no control unit has. */
  const sent = () =>
    sniffed.filter(({ frame: { id, extended } }) => !isAnswer(id, extended) && id >= 0x7d0);
  /** Requests as text, `7df 010C`, without flow control. */
  const requests = () =>
    sent().flatMap(({ frame: { id, data } }) => {
      const [length = 0] = data;
      const pdu = Buffer.from(data.subarray(1, 1 + length))
        .toString('hex')
        .toUpperCase();
      return length > 7 ? [] : [`${id.toString(16)} ${pdu}`];
    });
  return {
    ...{ ...read, clock, can, node, guard, source, plug, simulated, sniffed, sent, requests },
    finish: <T>(work: Promise<T>) => finish(clock, work),
  };
}

function isAnswer(id: number, extended: boolean): boolean {
  return extended ? id >>> 8 === 0x18daf1 : id >= 0x7e8 && id <= 0x7ef;
}

import { afterEach, describe, expect, test } from 'vitest';
import { CanSendError } from '../../../src/io/can/errors.ts';
import { MemoryCan } from '../../../src/io/can/memory-can.ts';
import { type CarOnBusOptions, carOnBus } from '../../../src/sim/can-car.ts';
import { type CarOptions, createCar } from '../../../src/sim/car.ts';
import { createVehicle, type VehicleOptions } from '../../../src/sim/ecu.ts';
import { IsoTpEndpoint } from '../../../src/sources/obd/isotp/endpoint.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface Options {
  readonly car?: CarOptions;
  readonly vehicle?: VehicleOptions;
  readonly idBits?: 11 | 29;
  readonly on?: Partial<CarOnBusOptions>;
  /** Seconds that the car has been on. */
  readonly fromS?: number;
}

const stops: Disposable[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop[Symbol.dispose]();
});

/** A car on a bus, and the test as the tester: what it sends and hears are frames in hexadecimal. */
async function park({ car = {}, vehicle = {}, idBits = 11, on = {}, fromS = 130 }: Options = {}) {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const tester = can.node('tester', () => undefined);
  const made = createVehicle(createCar(1, { trouble: 'P0301', ...car }), vehicle);
  const unit = can.node('car', () => undefined);
  stops.push(carOnBus({ vehicle: made, bus: unit, clock, idBits, ...on }));
  await clock.advance(fromS * 1000);
  const heard: { id: number; data: Uint8Array; ms: number }[] = [];
  const start = clock.now();
  tester.listen(({ id, data }) => heard.push({ id, data, ms: (clock.now() - start) / 1000 }));
  const send = (id: number, data: string): Promise<void> =>
    tester.send({ id, extended: idBits === 29, data: bytes(data) });
  return {
    clock,
    can,
    tester,
    made,
    heard,
    send,
    /** Sends a request as a single frame, and returns the frames that come within so long. */
    ask: async (id: number, request: string, ms = 400): Promise<string[]> => {
      heard.length = 0;
      const pdu = bytes(request);
      const data = [pdu.length, ...pdu, ...new Array<number>(7 - pdu.length).fill(0xcc)];
      await send(id, Buffer.from(data).toString('hex'));
      await clock.advance(ms);
      return heard.map((frame) => `${frame.id.toString(16).toUpperCase()} ${hex(frame.data)}`);
    },
  };
}

const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hex = (data: Uint8Array): string =>
  Buffer.from(data)
    .toString('hex')
    .toUpperCase()
    .replaceAll(/..(?!$)/g, '$& ');

describe('OBD requests', () => {
  test('to all units are answered by those that know them', async () => {
    const { ask } = await park();
    expect(await ask(0x7df, '01 00')).toEqual([
      '7E8 06 41 00 BE 3F B8 13 AA',
      '7E9 06 41 00 80 08 00 11 AA',
    ]);
    expect(await ask(0x7df, '01 05')).toHaveLength(1);
    expect(await ask(0x7df, '01 FD')).toEqual([]);
    expect(await ask(0x7df, '05 01')).toEqual([]);
  });

  test('to one unit are answered by it alone, whatever they are', async () => {
    const { ask } = await park();
    expect(await ask(0x7e1, '01 00')).toEqual(['7E9 06 41 00 80 08 00 11 AA']);
    expect(await ask(0x7e0, '01 FD')).toEqual(['7E8 03 7F 01 12 AA AA AA AA']);
    expect(await ask(0x7e0, '05 01')).toEqual(['7E8 03 7F 05 11 AA AA AA AA']);
    expect(await ask(0x7e2, '01 00')).toEqual([]);
  });

  test('with 29 bits have identifiers of their own', async () => {
    const { ask } = await park({ idBits: 29 });
    expect(await ask(0x18db33f1, '01 00')).toEqual([
      '18DAF110 06 41 00 BE 3F B8 13 AA',
      '18DAF111 06 41 00 80 08 00 11 AA',
    ]);
    expect(await ask(0x18da11f1, '01 00')).toHaveLength(1);
    expect(await ask(0x7df, '01 00')).toEqual([]);
  });

  test('are not answered while the ignition is off', async () => {
    const { ask } = await park({ car: { ignitionOffAtS: 100 } });
    expect(await ask(0x7df, '01 00')).toEqual([]);
    expect(await ask(0x7e0, '22 F1 90')).toEqual([]);
  });

  test.each([
    ['frames that are not filled up', '02 01 00'],
    ['an empty message', '00 00 00 00 00 00 00 00'],
    ['a length that no single frame has', '08 01 00 00 00 00 00 00'],
    ['a first frame', '10 0A 01 00 00 00 00 00'],
    ['a consecutive frame', '21 01 00 00 00 00 00 00'],
    ['an unknown frame', '40 01 00 00 00 00 00 00'],
    ['flow control of which nobody knows', '30 00 00 00 00 00 00 00'],
  ])('that are %s are ignored', async (_, data) => {
    const { send, clock, heard } = await park();
    for (const id of [0x7df, 0x7e0]) await send(id, data);
    await clock.advance(500);
    expect(heard).toEqual([]);
  });

  test('are answered after the unit’s time and a little more, the same for the same seed', async () => {
    const times = async (seed: number): Promise<number[]> => {
      const car = await park({ on: { seed } });
      const all: number[] = [];
      for (let i = 0; i < 10; i++) {
        await car.ask(0x7e0, '01 0C');
        all.push(car.heard[0]?.ms ?? 0);
      }
      return all.map((ms, i) => ms - 400 * i);
    };
    const first = await times(1);
    expect(await times(1)).toEqual(first);
    expect(await times(2)).not.toEqual(first);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(8);
    expect(Math.max(...first)).toBeLessThanOrEqual(14.001);
    expect(new Set(first).size).toBe(10);
  });
});

describe('answers of several frames', () => {
  const VIN_FRAMES = ['10 14 49 02 01', '21 ', '22 '];

  test('wait for flow control, and keep to it', async () => {
    const { ask, send, clock, heard } = await park();
    expect(await ask(0x7df, '09 02')).toHaveLength(1);
    await send(0x7e0, '30 01 14 00 00 00 00 00');
    await clock.advance(100);
    expect(heard).toHaveLength(2);
    await send(0x7df, '30 00 00 00 00 00 00 00'); // Flow control is for one unit only.
    await clock.advance(100);
    expect(heard).toHaveLength(2);
    await send(0x7e0, '30 00 00 00 00 00 00 00');
    await clock.advance(1);
    expect(heard.map(({ data }) => hex(data))).toEqual(
      VIN_FRAMES.map((start) => expect.stringMatching(`^${start}`)),
    );
    const vin = heard.flatMap(({ data }, i) => [...data.subarray(i === 0 ? 5 : 1)]);
    expect(Buffer.from(vin).toString('latin1')).toMatch(/^VGLZZZ1KZ\d{8}$/);
  });

  test.each([
    ['00', 0],
    ['14', 20],
    ['7F', 127],
    ['F5', 0.5],
    ['F0', 127],
    ['80', 127],
  ])('keep a separation time of %s', async (stMin, ms) => {
    const { ask, send, clock, heard } = await park();
    await ask(0x7e0, '09 0A');
    await send(0x7e0, `30 00 ${stMin} 00 00 00 00 00`);
    await clock.advance(1_000);
    const times = heard.slice(1).map((frame) => frame.ms);
    expect(times).toHaveLength(3);
    for (const [i, time] of times.slice(1).entries()) {
      expect(time - (times[i] ?? 0)).toBeCloseTo(ms, 5);
    }
  });

  test('wait on when they are told to, and are given up without flow control or by "too long"', async () => {
    const { ask, send, clock, heard } = await park();
    await ask(0x7e0, '09 02');
    await send(0x7e0, '31 00 00 00 00 00 00 00');
    await clock.advance(900);
    await send(0x7e0, '30 00 00 00 00 00 00 00');
    await clock.advance(10);
    expect(heard).toHaveLength(3);
    await ask(0x7e0, '09 02', 1_500);
    await send(0x7e0, '30 00 00 00 00 00 00 00');
    await clock.advance(10);
    expect(heard).toHaveLength(1);
    await ask(0x7e0, '09 02');
    await send(0x7e0, '32 00 00 00 00 00 00 00');
    await send(0x7e0, '30 00 00 00 00 00 00 00');
    await clock.advance(10);
    expect(heard).toHaveLength(1);
  });
});

describe('answers of two units', () => {
  test('reach a tester with two endpoints whole, and a new request ends an old answer', async () => {
    const { tester, clock, ask, made } = await park();
    const got: string[] = [];
    for (const node of [0, 1]) {
      const endpoint = new IsoTpEndpoint({
        address: {
          tx: { id: 0x7e0 + node, extended: false },
          rx: { id: 0x7e8 + node, extended: false },
        },
        transmit: (frame) => tester.send(frame),
        clock,
        received: (pdu) => got.push(`${node} ${Buffer.from(pdu.subarray(3)).toString('latin1')}`),
      });
      tester.listen((frame, t) => void endpoint.receive(frame, t));
    }
    await ask(0x7df, '09 04');
    expect(got).toEqual(['0 VGLSIM20L4MT6A01', '1 VGLSIMGEAR6A0003']);
    await ask(0x7df, '09 04', 5);
    await ask(0x7df, '09 02');
    expect(got.slice(2)).toEqual([`0 ${made.car.traits.vin}`]);
  });
});

describe('slow answers', () => {
  test('are announced within 50 ms', async () => {
    const { ask, heard } = await park();
    const frames = await ask(0x7e1, '19 0A');
    expect(frames).toEqual(['7E9 03 7F 19 78 AA AA AA AA', '7E9 03 59 0A FF AA AA AA AA']);
    expect(heard[0]?.ms).toBeLessThan(50);
    expect(heard[1]?.ms).toBeGreaterThan(100);
    const sums = await park();
    expect(await sums.ask(0x7e0, '09 06')).toEqual([
      '7E8 03 7F 09 78 AA AA AA AA',
      '7E8 07 49 06 01 1C 9A 52 E7',
    ]);
  });

  test('of service 01 never are', async () => {
    const { ask } = await park({ vehicle: { slowSecond: true } });
    expect(await ask(0x7e1, '01 0D')).toEqual([expect.stringMatching(/^7E9 03 41 0D/)]);
    expect(await ask(0x7e1, '03')).toEqual([
      '7E9 03 7F 03 78 AA AA AA AA',
      '7E9 02 43 00 AA AA AA AA AA',
    ]);
  });
});

describe('UDS', () => {
  test.each([
    ['22 F1 90', '10 14 62 F1 90 56 47 4C'],
    ['22 F1 95', '07 62 F1 95 30 30 34 32'],
    ['22 F1 86', '04 62 F1 86 01 AA AA AA'],
    ['22 F4 00', '07 62 F4 00 BE 3F B8 13'],
    ['22 12 34', '03 7F 22 31 AA AA AA AA'],
    ['22 F1', '03 7F 22 13 AA AA AA AA'],
    ['22', '03 7F 22 13 AA AA AA AA'],
    ['10 01', '06 50 01 00 32 01 F4 AA'],
    ['10 03', '06 50 03 00 32 01 F4 AA'],
    ['10 02', '03 7F 10 12 AA AA AA AA'],
    ['10', '03 7F 10 13 AA AA AA AA'],
    ['3E 00', '02 7E 00 AA AA AA AA AA'],
    ['3E 01', '03 7F 3E 12 AA AA AA AA'],
    ['3E', '03 7F 3E 13 AA AA AA AA'],
    ['19 01 08', '06 59 01 FF 04 00 01 AA'],
    ['19 02 08', '07 59 02 FF 03 01 00 AF'],
    ['19 03', '06 59 03 03 01 00 01 AA'],
    ['19 06 03 01 00 FF', '10 08 59 06 03 01 00 AF'],
    ['19 04 04 20 00 01', '06 59 04 04 20 00 00 AA'],
    ['19 04 05 55 00 01', '03 7F 19 31 AA AA AA AA'],
    ['19 04 03 01 00 07', '03 7F 19 31 AA AA AA AA'],
    ['19 02', '03 7F 19 13 AA AA AA AA'],
    ['19 0B', '03 7F 19 12 AA AA AA AA'],
    ['14 FF FF FF', '03 7F 14 11 AA AA AA AA'],
    ['2E F1 90 00', '03 7F 2E 11 AA AA AA AA'],
    ['27 01', '03 7F 27 11 AA AA AA AA'],
  ])('%s to one unit is answered %s', async (request, answer) => {
    const { ask } = await park();
    expect(await ask(0x7e0, request, 100)).toEqual([`7E8 ${answer}`]);
  });
});

describe('UDS, besides', () => {
  test('requests to all units are answered by those that know, and refused aloud only for a wrong form', async () => {
    const { ask } = await park();
    expect(await ask(0x7df, '22 F1 90')).toHaveLength(1);
    expect(await ask(0x7df, '22 12 34')).toEqual([]);
    expect(await ask(0x7df, '27 01')).toEqual([]);
    expect(await ask(0x7df, '10 02')).toEqual([]);
    expect(await ask(0x7df, '3E 00')).toHaveLength(2);
    expect(await ask(0x7df, '22 F1')).toHaveLength(2);
  });

  test('where no answer is wanted there is none', async () => {
    const { ask } = await park();
    expect(await ask(0x7e0, '3E 80')).toEqual([]);
    expect(await ask(0x7e0, '10 83')).toEqual([]);
    expect(await ask(0x7e0, '22 F1 86')).toEqual(['7E8 04 62 F1 86 03 AA AA AA']);
    expect(await ask(0x7e0, '10 82')).toEqual(['7E8 03 7F 10 12 AA AA AA AA']);
    expect(await ask(0x7e0, '22 F1 86')).toEqual(['7E8 04 62 F1 86 03 AA AA AA']);
    expect(await ask(0x7e0, '3E 81')).toEqual(['7E8 03 7F 3E 12 AA AA AA AA']);
  });

  test('a session ends 5 s after the last request', async () => {
    const { ask, clock } = await park();
    await ask(0x7e0, '10 03');
    await clock.advance(4_000);
    await ask(0x7e0, '3E 80');
    await clock.advance(4_000);
    expect(await ask(0x7e0, '22 F1 86')).toEqual(['7E8 04 62 F1 86 03 AA AA AA']);
    await clock.advance(5_000);
    expect(await ask(0x7e0, '22 F1 86')).toEqual(['7E8 04 62 F1 86 01 AA AA AA']);
  });

  test('a trouble is pending before it is confirmed', async () => {
    const car = await park({ fromS: 60 });
    expect(await car.ask(0x7e0, '19 02 FF')).toEqual(['7E8 07 59 02 FF 03 01 00 27']);
    expect(await car.ask(0x7e0, '19 02 08')).toEqual(['7E8 03 59 02 FF AA AA AA AA']);
    expect(await car.ask(0x7e0, '19 03')).toEqual(['7E8 02 59 03 AA AA AA AA AA']);
    await car.clock.advance(60_000);
    expect(await car.ask(0x7e0, '19 02 08')).toEqual(['7E8 07 59 02 FF 03 01 00 AF']);
  });
});

test('a bus that takes nothing does not stop the car', async () => {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  let refused = 0;
  const bus = can.node('car', () => undefined);
  const send = bus.send.bind(bus);
  bus.send = (frame) =>
    refused++ < 1 ? Promise.reject(new CanSendError('FULL', 'full')) : send(frame);
  const vehicle = createVehicle(createCar(1));
  stops.push(carOnBus({ vehicle, bus, clock, idBits: 11 }));
  const tester = can.node('tester', () => undefined);
  const heard: string[] = [];
  tester.listen(({ data }) => heard.push(hex(data)));
  const request = { id: 0x7e0, extended: false, data: bytes('02 01 0D 00 00 00 00 00') };
  await clock.advance(2_000);
  await tester.send(request);
  await clock.advance(100);
  expect([heard, refused]).toEqual([[], 1]);
  await tester.send(request);
  await clock.advance(100);
  expect(heard).toEqual(['03 41 0D 00 AA AA AA AA']);
});

test('taken off the bus it is silent, and no timer is left', async () => {
  const { clock, ask, heard } = await park();
  await ask(0x7e0, '09 02', 5);
  for (const stop of stops.splice(0)) stop[Symbol.dispose]();
  await clock.advance(50);
  expect(heard).toEqual([]);
  expect(clock.sleepers).toBe(0);
  expect(await ask(0x7e0, '01 0D')).toEqual([]);
});

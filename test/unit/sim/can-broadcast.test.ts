import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { CanSendError } from '../../../src/io/can/errors.ts';
import { MemoryCan } from '../../../src/io/can/memory-can.ts';
import { broadcastOn, framesBetween } from '../../../src/sim/can-broadcast.ts';
import { MESSAGES, messageData } from '../../../src/sim/can-messages.ts';
import { movementOf } from '../../../src/sim/can-movement.ts';
import { putRaw, rawOf } from '../../../src/sim/can-signals.ts';
import { createCar } from '../../../src/sim/car.ts';
import { parseDbc } from '../../../src/sources/can/dbc/parse.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type DbcSignal, placesOf, rawIn, readDbc } from './can-dbc.ts';

const S = 1e6;
const SEED = 1;
const car = createCar(SEED);
const text = readFileSync(
  path.resolve(import.meta.dirname, '../../../src/sim/can-car.dbc'),
  'utf8',
);
const dbc = readDbc(text);

const frames = (fromS: number, toS: number) => framesBetween(car, SEED, [fromS * S, toS * S]);
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

test('the DBC file describes just these messages', () => {
  expect(dbc.map(({ name, id, bytes, extended }) => ({ name, id, bytes, extended }))).toEqual(
    MESSAGES.map(({ name, id, bytes }) => ({ name, id, bytes, extended: id > 0x7ff })),
  );
  expect(MESSAGES).toHaveLength(25);
  expect(new Set(MESSAGES.map(({ id }) => id)).size).toBe(25);
  for (const [i, { signals }] of dbc.entries()) {
    expect(signals.map((signal) => signal.name)).toEqual(
      MESSAGES[i]?.signals.map((signal) => signal.name),
    );
  }
});

test('the gateway reads the file without a complaint', () => {
  const { database, warnings, unlisted } = parseDbc(text);
  expect([warnings, unlisted]).toEqual([[], 0]);
  expect(database.messages.map(({ name, cycleMs }) => [name, cycleMs])).toEqual(
    MESSAGES.map(({ name, periodMs }) => [name, periodMs]),
  );
});

test('everything in it is about something that is there', () => {
  const nodes = /^BU_: (.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
  const known = new Map(
    dbc.map((message) => [message.id + (message.extended ? 2 ** 31 : 0), message]),
  );
  for (const { sender } of dbc) expect(nodes).toContain(sender);
  const mentions = [
    ...text.matchAll(/^(?:CM_ (?:BO_|SG_)|VAL_|BA_ "GenMsgCycleTime" BO_) (\d+) ?(\w*) .*;$/gm),
  ];
  expect(mentions.length).toBeGreaterThan(50);
  for (const [line, id, name = ''] of mentions) {
    const message = known.get(Number(id));
    expect(message, line).toBeDefined();
    if (line.startsWith('VAL_') || line.startsWith('CM_ SG_')) {
      expect(
        message?.signals.map((signal) => signal.name),
        line,
      ).toContain(name);
    }
  }
  const cycles = [...text.matchAll(/^BA_ "GenMsgCycleTime" BO_ \d+ (\d+);$/gm)].map(([, ms]) =>
    Number(ms),
  );
  expect(cycles).toEqual(MESSAGES.map(({ periodMs }) => periodMs));
});

test('names become segments of stream ids', () => {
  for (const { name, signals } of dbc) {
    expect(snake(name)).toMatch(/^[a-z0-9_-]{1,23}$/);
    for (const signal of signals) expect(snake(signal.name)).toMatch(/^[a-z0-9_-]{1,23}$/);
  }
});

const snake = (name: string): string => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();

test('no signal reaches out of its message or into another one', () => {
  for (const { name, bytes, signals } of dbc) {
    const branches = new Set(signals.map(({ mux }) => mux).filter((mux) => mux.startsWith('m')));
    for (const branch of branches.size > 0 ? branches : ['']) {
      const sent = signals.filter(({ mux }) => mux === '' || mux === 'M' || mux === branch);
      const places = sent.flatMap(placesOf);
      expect(new Set(places).size, name).toBe(places.length);
      for (const place of places) expect(place >= 0 && place < 8 * bytes, name).toBe(true);
    }
  }
});

test.each([0.5, 1.5, 5, 60, 200, 420])(
  'frames say what the car does, %i s after the start',
  (s) => {
    let compared = 0;
    for (const { t, frame } of frames(s, s + 0.4)) {
      const i = MESSAGES.findIndex(({ id }) => id === frame.id);
      const [message, described] = [MESSAGES[i], dbc[i]];
      if (!message || !described) throw new Error(`message ${frame.id} is not described`);
      expect(frame.data).toHaveLength(described.bytes);
      expect(frame.extended).toBe(described.extended);
      const state = car.at(t);
      const n = Math.floor(t / (message.periodMs * 1000));
      const moment = { car: state, move: movementOf(state, SEED), s: t / S, n };
      const chosen = described.signals.find(({ mux }) => mux === 'M');
      const branch = chosen && `m${rawIn(frame.data, chosen)}`;
      for (const [k, signal] of described.signals.entries()) {
        if (signal.name === 'Checksum' || (signal.mux.startsWith('m') && signal.mux !== branch))
          continue;
        const value = rawIn(frame.data, signal) * signal.factor + signal.offset;
        const truth = message.signals[k]?.of(moment) ?? Number.NaN;
        const what = `${message.name}.${signal.name}`;
        expect(Math.abs(value - truth), what).toBeLessThanOrEqual(signal.factor / 2 + 1e-9);
        expect(value, what).toBeGreaterThanOrEqual(signal.min);
        expect(value, what).toBeLessThanOrEqual(signal.max);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(900);
  },
);

test('there are some 660 frames a second, each message at its own pace', () => {
  const second = frames(100, 110);
  expect(second.length / 10).toBeGreaterThan(650);
  expect(second.length / 10).toBeLessThan(670);
  for (const { id, periodMs } of MESSAGES) {
    const times = second.filter(({ frame }) => frame.id === id).map(({ t }) => t);
    const gaps = new Set(times.slice(1).map((t, i) => t - (times[i] ?? 0)));
    expect([...gaps]).toEqual([periodMs * 1000]);
  }
});

test('they come in order, and no cutting up of the time changes them', () => {
  const whole = frames(10, 11);
  expect(whole.map(({ t }) => t)).toEqual(whole.map(({ t }) => t).toSorted((a, b) => a - b));
  const show = (list: typeof whole) =>
    list.map(({ t, frame }) => `${t} ${frame.id} ${hex(frame.data)}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 10 * S, max: 11 * S }), { maxLength: 8 }), (cuts) => {
      const edges = [10 * S, ...cuts.toSorted((a, b) => a - b), 11 * S];
      const parts = edges
        .slice(1)
        .flatMap((to, i) => framesBetween(car, SEED, [edges[i] ?? 0, to]));
      expect(show(parts)).toEqual(show(whole));
    }),
    { numRuns: 20 },
  );
});

test('another seed is another drive', () => {
  const other = framesBetween(createCar(2), 2, [60 * S, 61 * S]);
  const steering = (list: typeof other) =>
    list.filter(({ frame }) => frame.id === 0x0e0).map(({ frame }) => hex(frame.data));
  expect(steering(other)).not.toEqual(steering(frames(60, 61)));
});

test('counters go up, and checksums hold', () => {
  for (const id of [0x0c0, 0x0e0]) {
    const own = frames(50, 50.5).filter(({ frame }) => frame.id === id);
    for (const [i, { frame }] of own.entries()) {
      const { data } = frame;
      const next = own[i + 1];
      if (next) expect((next.frame.data[6] ?? 0) & 15).toBe(((data[6] ?? 0) + 1) & 15);
      expect((data.subarray(0, 7).reduce((a, b) => a + b, 0) + id) & 0xff).toBe(data[7]);
    }
  }
});

test('the content of the multiplexed message goes round', () => {
  const tyres = frames(50, 51).filter(({ frame }) => frame.id === 0x340);
  const wheels = tyres.map(({ frame }) => frame.data[0] ?? 0);
  for (const [i, wheel] of wheels.slice(1).entries())
    expect(wheel).toBe(((wheels[i] ?? 0) + 1) % 4);
});

test('everything that can move does', () => {
  const seen = new Map<string, Set<number>>();
  for (let s = 1; s < 900; s += 3) {
    for (const { frame } of frames(s, s + 0.1)) {
      for (const signal of dbc.find(({ id }) => id === frame.id)?.signals ?? []) {
        const values = seen.get(signal.name) ?? new Set();
        seen.set(signal.name, values.add(rawIn(frame.data, signal)));
      }
    }
  }
  for (const name of [
    'EngineState',
    'SteeringAngle',
    'IndicatorLeft',
    'BrakePressed',
    'Gear',
    'LowBeam',
    'BeltDriver',
    'CruiseState',
    'HeatRearRight',
  ]) {
    expect(seen.get(name)?.size, name).toBeGreaterThan(1);
  }
  const steering = [...(seen.get('SteeringAngle') ?? [])];
  expect(Math.min(...steering)).toBeLessThan(-300);
  expect(Math.max(...steering)).toBeGreaterThan(300);
});

test('while the ignition is off the bus sleeps', () => {
  const off = createCar(SEED, { ignitionOffAtS: 60 });
  expect(framesBetween(off, SEED, [61 * S, 70 * S])).toEqual([]);
  expect(framesBetween(off, SEED, [50 * S, 51 * S]).length).toBeGreaterThan(600);
});

test('a value that does not fit is sent as the nearest that does', () => {
  const place = { start: 0, bits: 8, order: 'little', factor: 0.5, offset: -10 } as const;
  expect(rawOf(-11, { ...place, signed: false })).toBe(0);
  expect(rawOf(1000, { ...place, signed: false })).toBe(255);
  expect(rawOf(-1000, { ...place, signed: true })).toBe(-128);
  expect(rawOf(1000, { ...place, signed: true })).toBe(127);
});

test('what is put in a place is found there, and nothing else is changed', () => {
  const layout = fc
    .record({
      bits: fc.integer({ min: 1, max: 32 }),
      first: fc.nat(63),
      order: fc.constantFrom('little' as const, 'big' as const),
      signed: fc.boolean(),
    })
    .filter(({ bits, first }) => first + bits <= 64)
    .map(({ first, ...rest }): DbcSignal => {
      const start = rest.order === 'little' ? first : (first & ~7) + 7 - (first & 7);
      return { name: '', mux: '', factor: 1, offset: 0, min: 0, max: 0, unit: '', start, ...rest };
    });
  fc.assert(
    fc.property(
      layout,
      fc.integer(),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      (signal, value, before) => {
        const raw = rawOf(value, signal);
        const data = before.slice();
        putRaw(data, raw, signal);
        expect(rawIn(data, signal)).toBe(raw);
        const own = new Set(placesOf(signal));
        const bit = (bytes: Uint8Array, place: number) =>
          ((bytes[place >> 3] ?? 0) >> (place & 7)) & 1;
        for (let place = 0; place < 64; place++) {
          if (!own.has(place)) expect(bit(data, place)).toBe(bit(before, place));
        }
      },
    ),
  );
});

test('in a bend the wheels inside are slower, and a car that stands is held by its brake', () => {
  let turns = 0;
  for (let s = 1; s < 600; s++) {
    const state = car.at(s * S);
    const { steeringDeg, yawDegS, lateralMs2, wheelsKmh, brakeBar } = movementOf(state, SEED);
    const [left, right, rearLeft, rearRight] = wheelsKmh;
    expect([rearLeft, rearRight]).toEqual([left, right]);
    if (state.motion.speedKmh === 0) expect([left, right, brakeBar > 0]).toEqual([0, 0, true]);
    if (state.motion.acceleration > 0) expect(brakeBar).toBe(0);
    if (state.motion.speedKmh < 5 || Math.abs(steeringDeg) < 1) continue;
    turns++;
    expect(Math.sign(right - left)).toBe(Math.sign(steeringDeg));
    expect(Math.sign(yawDegS)).toBe(Math.sign(steeringDeg));
    expect(Math.sign(lateralMs2)).toBe(Math.sign(steeringDeg));
    expect((left + right) / 2).toBeCloseTo(state.motion.speedKmh, 6);
    expect(Math.abs(lateralMs2)).toBeLessThan(9);
  }
  expect(turns).toBeGreaterThan(200);
});

/** A bus with the car on it and a listener beside. */
function listenTo(refuse: () => Error | undefined = () => undefined) {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const bus = can.node('car', () => undefined);
  const send = bus.send.bind(bus);
  bus.send = (frame) => {
    const error = refuse();
    return error ? Promise.reject(error) : send(frame);
  };
  const heard: { t: number; line: string }[] = [];
  can.node('listener').listen(({ id, data }, t) => heard.push({ t, line: `${id} ${hex(data)}` }));
  return { clock, heard, broadcast: broadcastOn({ car, seed: SEED, bus, clock }) };
}

test('on a bus they come within 5 ms of their time, until the car is taken off', async () => {
  const { clock, heard, broadcast } = listenTo();
  await clock.advance(1_000);
  const sent = frames(0, 1);
  expect(heard.map(({ line }) => line)).toEqual(
    sent.map(({ frame }) => `${frame.id} ${hex(frame.data)}`),
  );
  for (const [i, { t }] of heard.entries()) {
    expect(t - (sent[i]?.t ?? 0)).toBeGreaterThanOrEqual(0);
    expect(t - (sent[i]?.t ?? 0)).toBeLessThanOrEqual(5_000);
  }
  broadcast[Symbol.dispose]();
  await clock.advance(1_000);
  expect(heard).toHaveLength(sent.length);
  expect(clock.sleepers).toBe(0);
});

test('frames that the bus does not take are lost, and the next ones are sent', async () => {
  let full = true;
  const { clock, heard } = listenTo(() => (full ? new CanSendError('FULL', 'full') : undefined));
  await clock.advance(500);
  expect(heard).toEqual([]);
  full = false;
  await clock.advance(500);
  expect(heard).toHaveLength(frames(0.5, 1).length);
});

test('after a bus that was slow only the newest frames are sent', async () => {
  const clock = new FakeClock();
  const bus = new MemoryCan({ clock }).node('car', () => undefined);
  let sent = 0;
  bus.send = () => (sent++ === 0 ? clock.sleep(10_000) : Promise.resolve());
  broadcastOn({ car, seed: SEED, bus, clock });
  await clock.advance(10_000);
  const before = sent;
  await clock.advance(100);
  expect(sent - before).toBeGreaterThan(100);
  expect(sent - before).toBeLessThan(250);
});

test('a bus that is gone ends it', async () => {
  const { clock } = listenTo(() => new LinkError('LINK_LOST', 'gone'));
  await clock.advance(100);
  expect(clock.sleepers).toBe(0);
});

test('a message is as long as it says, whatever the car does', () => {
  for (const message of MESSAGES) {
    const state = car.at(300 * S);
    const moment = { car: state, move: movementOf(state, SEED), s: 300, n: 7 };
    expect(messageData(message, moment)).toHaveLength(message.bytes);
  }
});

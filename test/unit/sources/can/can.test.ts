import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { Frame } from '#core/stream.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { sharedBus } from '../../../../src/io/can/shared.ts';
import { canSource } from '../../../../src/sources/can/can.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { supervised } from '../../../support/supervised.ts';
import { BODY, database, frame, startSource } from './body-dbc.ts';

const OWN = ['can.body', 'can.body.rate', 'can.body.load', 'can.body.state', 'can.body.lost'];

test('every frame is told as it came, whether a file knows it or not', async () => {
  const { clock, readings, send, end } = await startSource();
  await clock.advance(7);
  await send(frame(0x100, 1, 2, 3, 0), frame(0x18daf110, 0xff), frame(0x7ff));
  const frames = readings.filter((one): one is Frame => one.kind === 'frame');
  expect(frames.map(({ stream, ...rest }) => [stream.id, rest])).toEqual([
    ['can.body', { ...frame(0x100, 1, 2, 3, 0), kind: 'frame', t: 7000 }],
    ['can.body', { ...frame(0x18daf110, 0xff), kind: 'frame', t: 7000 }],
    ['can.body', { ...frame(0x7ff), kind: 'frame', t: 7000 }],
  ]);
  await end();
});

test('what a file knows is told as samples, in its units and with what the values mean', async () => {
  const { source, readings, send, end } = await startSource();
  await send(frame(0x100, 9, 0x10, 0x27, 1), frame(0x200, 130, 0, 0, 0, 0, 0, 0, 0));
  const values = readings.flatMap((one) => (one.kind === 'sample' ? [[one.stream.id, one.v]] : []));
  expect(Object.fromEntries(values)).toEqual({
    'can.body.drive.count': 9,
    'can.body.drive.speed': 100,
    'can.body.drive.door': 1,
    'can.body.engine.temp': 90,
  });
  const streams = new Map(source.streams.map((stream) => [stream.id, stream]));
  expect(streams.get('can.body.drive.door')?.states).toEqual({ 0: 'shut', 1: 'open' });
  expect(streams.get('can.body.engine.temp')?.unit).toBe('Cel');
  for (const { stream } of readings) expect(streams.get(stream.id)).toEqual(stream);
  await end();
});

test('all streams are there before a frame has come, at the rate at which they are told at least', async () => {
  const { source, end } = await startSource();
  const rates = source.streams.map(({ id, hz }) => [id, hz]);
  expect(Object.fromEntries(rates)).toMatchObject({
    'can.body': 0,
    'can.body.drive.count': 1,
    'can.body.engine.temp': 0.2,
  });
  expect(source.streams.map(({ id }) => id).slice(0, 5)).toEqual(OWN);
  await end();
});

test('other files count from the next frame on, also for identifiers that were known', async () => {
  const { source, samples, send, end } = await startSource([]);
  expect(source.streams.map(({ id }) => id)).toEqual(OWN);
  await send(frame(0x100, 1, 0, 0, 0));
  await source.use([database()], turn);
  await send(frame(0x100, 2, 0, 0, 0));
  expect(samples('can.body.drive.count')).toEqual([[0, 2]]);
  await source.use([database('body', BODY.replace('BO_ 256 Drive', 'BO_ 256 Other'))], turn);
  await send(frame(0x100, 3, 0, 0, 0));
  expect(samples('can.body.drive.count')).toEqual([]);
  expect(samples('can.body.other.count')).toEqual([[0, 3]]);
  await source.use([], turn);
  expect(source.streams.map(({ id }) => id)).toEqual(OWN);
  await end();
});

test('many signals are declared in turns, and until then those of before count', async () => {
  const { source, samples, send, end } = await startSource();
  const messages = Array.from({ length: 300 }, (_, i) => {
    const signals = Array.from(
      { length: 10 },
      (_, s) => ` SG_ s${s} : ${4 * s}|4@1+ (1,0) [0|0] "" X`,
    );
    return [`BO_ ${0x100 + i} M${i}: 8 X`, ...signals].join('\n');
  });
  const turns: number[] = [];
  await source.use([database('large', messages.join('\n'))], async () => {
    turns.push(source.streams.length);
    await send(frame(0x100, turns.length, 0, 0, 0));
  });
  expect(turns).toEqual(Array.from({ length: 15 }, () => OWN.length + 4));
  expect(samples('can.body.drive.count')).not.toEqual([]);
  expect(source.streams).toHaveLength(OWN.length + 3_000);
  await end();
});

test('of two files with one identifier the first by name counts, which the other tells', async () => {
  const other = database('second', BODY.replaceAll('Drive', 'Elsewhere'));
  const { source, samples, send, end } = await startSource([database('first'), other]);
  await send(frame(0x100, 1, 0, 0, 0));
  expect(samples('can.body.drive.count')).toHaveLength(1);
  expect(source.status().databases).toEqual([
    { name: 'first', messages: 2, signals: 4, warnings: 0, shadowed: 0 },
    { name: 'second', messages: 2, signals: 4, warnings: 0, shadowed: 2 },
  ]);
  await end();
});

test('files with more signals than there can be streams have those that come', async () => {
  const messages = Array.from({ length: 1100 }, (_, i) => {
    const signals = [0, 8, 16, 24].map((bit) => ` SG_ S${bit} : ${bit}|8@1+ (1,0) [0|255] "" E\n`);
    return `BO_ ${i} M${i}: 8 E\n${signals.join('')}`;
  });
  const { source, samples, send, end } = await startSource([database('all', messages.join('\n'))]);
  expect(source.streams).toHaveLength(5);
  await send(frame(1099, 1, 2, 3, 4));
  expect(source.streams).toHaveLength(9);
  expect(samples('can.body.m1099.s24')).toEqual([[0, 4]]);
  for (let id = 0; id < 1100; id++) await send(frame(id, 1, 2, 3, 4));
  expect(source.streams).toHaveLength(4005);
  expect(source.health()['signals']).toMatchObject({ messagesLeftOut: 100 });
  expect(source.status()).toMatchObject({ frames: 1101, ids: 1100, unknownIds: 100 });
  await end();
});

test('a change that waits is told without another frame, also when the link ends', async () => {
  const { clock, samples, send, end } = await startSource();
  await send(frame(0x100, 1, 0, 0, 0));
  await clock.advance(10);
  await send(frame(0x100, 2, 0, 0, 0));
  await clock.advance(45);
  expect(samples('can.body.drive.count')).toEqual([
    [0, 1],
    [10, 2],
  ]);
  await send(frame(0x100, 3, 0, 0, 0));
  await end();
  expect(samples('can.body.drive.count')).toEqual([[55, 3]]);
});

test('a signal of which a change was told as the link ended goes on with the next link', async () => {
  const { clock, source, readings, samples, send, end } = await startSource();
  await send(frame(0x100, 1, 0, 0, 0));
  await clock.advance(10);
  await send(frame(0x100, 2, 0, 0, 0));
  await end();
  const stop = new AbortController();
  const again = source.run((reading) => void readings.push(reading), clock, stop.signal);
  await settle();
  for (const count of [3, 4]) {
    await clock.advance(1000);
    await send(frame(0x100, count, 0, 0, 0));
  }
  expect(samples('can.body.drive.count')).toEqual([
    [0, 1],
    [10, 2],
    [1010, 3],
    [2010, 4],
  ]);
  stop.abort();
  await again;
});

test('a silent bus is no failure: it tells every five seconds that there is nothing', async () => {
  const { clock, source, samples, end } = await startSource();
  expect(source.note?.()).toBe('listening; no frame on the bus yet');
  await clock.advance(60_000);
  expect(samples('can.body.rate')).toHaveLength(12);
  expect(samples('can.body.load').map(([, v]) => v)).toEqual(Array(12).fill(0));
  expect(samples('can.body.state').map(([, v]) => v)).toEqual(Array(12).fill(3));
  expect(source.silenceMs).toBeGreaterThan(15_000);
  await end();
});

test('rate and load are those of the frames that came', async () => {
  const { clock, source, samples, send, end } = await startSource();
  for (let i = 0; i < 500; i++) {
    await send(frame(1, 0, 0, 0, 0, 0, 0, 0, 0), frame(0x1fff_ffff));
    await clock.advance(10);
  }
  expect(samples('can.body.rate')).toEqual([[5000, 200]]);
  // 47 + 64 bits and half of the 24 that may be stuffed; 67 and half of 13.
  // 3.93 %, told to a tenth.
  const load = Math.round((1000 * ((111 + 12 + 67 + 6.5) * 500)) / 5 / 500_000) / 10;
  expect(samples('can.body.load').map(([, v]) => v)).toEqual([load]);
  expect(source.status()).toMatchObject({
    rate: 200,
    load,
    bitRate: 500_000,
  });
  expect(source.note?.()).toBeUndefined();
  await clock.advance(4_000);
  expect(source.note?.()).toBe('listening; no frame on the bus for 4 s');
  await end();
});

test('what a link does not tell has no value', async () => {
  const { clock, can, source, samples, end } = await startSource();
  can.state = 'unknown';
  can.bitRate = undefined;
  await clock.advance(5_000);
  expect(samples('can.body.rate')).toHaveLength(1);
  expect(samples('can.body.state')).toEqual([]);
  expect(samples('can.body.load')).toEqual([]);
  expect(source.health()).toMatchObject({ state: 'unknown', load: null, bitRate: null });
  await end();
});

test('a bus that is bad says so', async () => {
  const { clock, can, source, samples, send, end } = await startSource();
  await send(frame(1));
  can.state = 'passive';
  expect(source.note?.()).toBe('receiving data; the bus has many errors');
  can.state = 'off';
  expect(source.note?.()).toBe('the controller is off the bus: nothing is received');
  can.fail(3);
  can.loses = () => true;
  await send(frame(1), frame(1));
  await clock.advance(5_000);
  expect(samples('can.body.state').map(([, v]) => v)).toEqual([0]);
  expect(samples('can.body.lost').map(([, v]) => v)).toEqual([2]);
  expect(source.health()).toMatchObject({
    bus: { received: 1, errorFrames: 3, lost: 2 },
    lostBy: 'counted',
  });
  await end();
});

test('identifiers that have stopped are told while the bus goes on, and of a silent bus none', async () => {
  const { clock, source, send, end } = await startSource();
  for (let i = 0; i < 50; i++) {
    await send(frame(0x100), frame(0x18ff_0001));
    await clock.advance(100);
  }
  for (let i = 0; i < 30; i++) {
    await send(frame(0x100));
    await clock.advance(100);
  }
  expect(source.health()).toMatchObject({
    stopped: 1,
    stoppedIds: [{ id: '18FF0001', silentS: 3, everyMs: 100 }],
  });
  await clock.advance(10_000);
  expect(source.health()).toMatchObject({ stopped: 0, stoppedIds: [] });
  await end();
});

test('supervised, a lost bus is opened again, and its counters go on', async () => {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const car = can.node('car', () => undefined);
  const open = can.opener('can0');
  const source = canSource({ id: 'can', name: 'body', device: 'can0', open });
  const { statuses, stop, done: running } = supervised(source, clock);
  await settle();
  await car.send(frame(1));
  await settle();
  can.cut(new LinkError('LINK_LOST', 'can0: unplugged'));
  await settle();
  expect(source.status()).toMatchObject({ isOpen: false, frames: 1 });
  await clock.advance(500);
  // The test's own node was cut off as well.
  await can.node('car', () => undefined).send(frame(1));
  await settle();
  expect(statuses.map(({ state }) => state)).toEqual([
    ...['starting', 'running', 'waiting', 'starting', 'running'],
  ]);
  expect(source.status()).toMatchObject({ isOpen: true, frames: 2 });
  expect(source.health()['bus']).toMatchObject({ received: 2 });
  stop.abort();
  await running;
  expect(clock.sleepers).toBe(0);
});

test('what others have counted on a shared bus is not counted again', async () => {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const car = can.node('car', () => undefined);
  const open = sharedBus(can.opener('can0'));
  const source = canSource({ id: 'can', name: 'body', device: 'can0', open });
  await using other = await open({ clock, signal: new AbortController().signal });
  const send = async (): Promise<void> => {
    await car.send(frame(1));
    await settle();
  };
  for (let times = 1; times <= 3; times++) {
    await send();
    const stop = new AbortController();
    const running = source.run(() => {}, clock, stop.signal);
    await settle();
    await send();
    expect(source.health()['bus']).toMatchObject({ received: times });
    stop.abort();
    await running;
  }
  expect(other.health().received).toBe(6);
});

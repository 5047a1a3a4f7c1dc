import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sample } from '#core/stream.ts';
import { Decoding } from '../../../../src/sources/can/decoding.ts';
import { Pace } from '../../../../src/sources/can/signals.ts';
import { database, frame, startSource } from './body-dbc.ts';

const DOOR = 'can.body.drive.door';
const SPEED = 'can.body.drive.speed';
const COUNT = 'can.body.drive.count';

/** The signals of one message by themselves; times in ms. */
function startSignals() {
  const pace = new Pace();
  const signals = new Decoding('body', [database()], pace).signalsOf(0x100, false);
  if (!signals) throw new Error('the message is not there');
  const told: Sample[] = [];
  const emit = (reading: unknown): void => void told.push(reading as Sample);
  return {
    pace,
    take: (ms: number, ...data: number[]) => signals.take(Uint8Array.from(data), ms * 1000, emit),
    flush: (ms: number) => pace.flush(ms * 1000, emit),
    /** Of a stream since the last call. */
    told: (id: string) => {
      const found = told.filter(({ stream }) => stream.id === id);
      for (const one of found) told.splice(told.indexOf(one), 1);
      return found.map(({ t, v }) => [t / 1000, v]);
    },
  };
}

test('the first value is told, and one that stays the same once a second', () => {
  const { take, told } = startSignals();
  for (let ms = 0; ms <= 3000; ms += 10) take(ms, 0, 0xe8, 0x03, 1);
  expect(told(SPEED)).toEqual([0, 1000, 2000, 3000].map((ms) => [ms, 10]));
});

test('a change is told at once, with the other signals left as they are', () => {
  const { take, told } = startSignals();
  take(0, 0, 0, 0, 0);
  take(60, 0, 0, 0, 1);
  take(120, 0, 0, 0, 0);
  expect(told(DOOR)).toEqual([
    [0, 0],
    [60, 1],
    [120, 0],
  ]);
  expect(told(SPEED)).toEqual([[0, 0]]);
});

test('a signal that changes with every frame is told 20 times a second, the newest value each time', () => {
  const { take, told, pace } = startSignals();
  for (let ms = 0; ms < 1000; ms += 10) take(ms, ms / 10, 0, 0, 0);
  expect(told(COUNT)).toEqual(Array.from({ length: 20 }, (_, i) => [50 * i, 5 * i]));
  expect(pace.merged).toBe(79);
});

test('the last change is told even if no frame follows, with the time at which it came', () => {
  const { take, told, flush } = startSignals();
  take(0, 0, 0, 0, 0);
  take(20, 0, 0, 0, 1);
  flush(49);
  expect(told(DOOR)).toEqual([[0, 0]]);
  flush(50);
  expect(told(DOOR)).toEqual([[20, 1]]);
  // As long as after any other.
  take(80, 0, 0, 0, 0);
  expect(told(DOOR)).toEqual([]);
  take(100, 0, 0, 0, 0);
  expect(told(DOOR)).toEqual([[100, 0]]);
});

test('a change that is taken back before it could be told is not, and is counted', () => {
  const { take, told, flush, pace } = startSignals();
  take(0, 0, 0, 0, 0);
  take(10, 0, 0, 0, 1);
  take(20, 0, 0, 0, 0);
  flush(1000);
  expect(told(DOOR)).toEqual([[0, 0]]);
  expect(pace.merged).toBe(1);
  expect(pace.waiting.size).toBe(0);
});

test('whatever the frames are, times go up, none is told too often and the last value is told', () => {
  const steps = fc.array(fc.tuple(fc.nat(120), fc.nat(2)), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(steps, (frames) => {
      const { take, told, flush } = startSignals();
      let ms = 0;
      for (const [pause, door] of frames) {
        for (let end = ms + pause; ms < end; ms++) if (ms % 25 === 0) flush(ms);
        take(ms, 0, 0, 0, Math.min(door, 1));
      }
      flush(ms + 1000);
      const all = told(DOOR);
      expect(all.at(-1)?.[1]).toBe(Math.min(frames.at(-1)?.[1] ?? 0, 1));
      for (const [i, [t = 0]] of all.slice(1).entries())
        expect(t).toBeGreaterThanOrEqual(all[i]?.[0] ?? 0);
      expect(all.length).toBeLessThanOrEqual(2 + (ms + 50) / 50);
    }),
  );
});

test('where a bus has too much to tell, changes are told less often, and more often again', () => {
  const pace = new Pace();
  const second = (samples: number): number => {
    pace.told += samples;
    pace.adapt();
    return pace.changeUs / 1000;
  };
  expect([5000, 5000, 1500, 5000, 5000, 5000, 5000].map(second)).toEqual([
    ...[100, 200, 200, 400, 800, 800, 800],
  ]);
  expect([1500, 600, 600, 600, 0, 0].map(second)).toEqual([800, 400, 200, 100, 50, 50]);
});

test('a frame that is too short has the signals that fit in, and the others are counted', async () => {
  const { source, samples, send, end } = await startSource();
  await send(frame(0x100, 7, 1), frame(0x200));
  expect(samples(COUNT)).toEqual([[0, 7]]);
  expect(samples(SPEED)).toEqual([]);
  await send(frame(0x100, 7, 1, 0, 1, 0xff, 0xff, 0xff, 0xff));
  expect(samples(DOOR)).toEqual([[0, 1]]);
  expect(source.health()['signals']).toMatchObject({ told: 3, missing: 3 });
  await end();
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT, ALERT_CHANGE } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import { FATIGUE_LEVEL, STORE_STATE, sourceStream } from '#core/gateway-streams.ts';
import type { Stretch } from '#core/session.ts';
import type { Reading, Stream } from '#core/stream.ts';
import type { Columns, EventRow, Frames, Scalars, Waves } from '../../../../src/codec/columns.ts';
import { scaledClock } from '../../../../src/io/scaled-clock.ts';
import type { Recording } from '../../../../src/sources/replay/readings.ts';
import { replaySource } from '../../../../src/sources/replay/replay.ts';
import { supervise } from '../../../../src/sources/supervise.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const EPOCH: Epoch = { id: 1, wallMs: 1.7e12, trust: 'ntp', bootId: 'a', monotonicMs: 5 };

const stream = (id: string, kind: Stream['kind'], hz = 0): Stream => ({
  ...{ id, name: id, unit: '1', kind, hz },
  range: [-1e9, 1e9],
});
const RPM = stream('obd.engine.rpm', 'sample', 20);
const TEMP = stream('obd.coolant', 'sample');
const EEG = stream('eeg.raw', 'wave', 500);
const CAN = stream('can.can0', 'frame');
const MARK = stream('marker', 'event');

const scalars = (t: readonly number[], v: readonly number[]): Scalars => ({
  ...{ kind: 'scalars', seq: 0 },
  t: Float64Array.from(t),
  v: Float64Array.from(v),
});
const wave = (seq: number, t0: number, n: number): Waves => ({
  ...{ kind: 'waves', seq, t0, span: (n - 1) * 2000 },
  v: Int32Array.from({ length: n }, (_, i) => seq + i),
});
const stretch = (from: number, to: number, at = 0): Stretch => ({ epoch: EPOCH, from, to, at });

function recording(
  stretches: readonly Stretch[],
  pieces: ReadonlyMap<Stream, readonly Columns[]>,
  events: readonly EventRow[] = [],
): Recording {
  const within = (t: number, { from, to }: Stretch): boolean => t >= from && t < to;
  return {
    ...{ title: 'session 3', stretches },
    streams: [...pieces.keys(), ...(events.length > 0 ? [MARK] : [])],
    columns: (of, on) =>
      (pieces.get(of) ?? []).filter((piece) =>
        within(piece.kind === 'waves' ? piece.t0 : (piece.t[0] ?? 0), on),
      ),
    events: (on) => events.filter(({ t }) => within(t, on)),
  };
}

/** A replay that runs, and what it has given out, each with the time at which it did. */
function playing(played: Recording, clock = new FakeClock(), speed = 1) {
  const source = replaySource({ id: 'replay', recording: played });
  const stopping = new AbortController();
  const scaled = scaledClock(clock, speed);
  const given: { readonly at: number; readonly reading: Reading }[] = [];
  const states: string[] = [];
  const ended = supervise(source, {
    emit: (reading) => given.push({ at: scaled.now(), reading }),
    ...{ clock: scaled, signal: stopping.signal },
    report: ({ state }) => states.push(state),
  });
  return { source, clock, scaled, given, states, ended, stop: () => stopping.abort() };
}

test('readings of all streams come with their spacing, and with times of now', async () => {
  const clock = new FakeClock();
  await clock.advance(7_000);
  const played = recording(
    [stretch(5e6, 9e6)],
    new Map([
      [RPM, [scalars([5e6, 6e6, 6.5e6], [800, 900, 1000])]],
      [TEMP, [scalars([6e6], [90])]],
    ]),
    [{ stream: MARK, t: 5.5e6, data: { text: 'here' } }],
  );
  const run = playing(played, clock);
  await clock.advance(0);
  expect(run.given.map(({ reading }) => reading.t)).toEqual([7e6]);
  await clock.advance(1_000);
  expect(run.given.map(({ at, reading }) => [at, reading.t, reading.stream.id])).toEqual([
    [7e6, 7e6, 'obd.engine.rpm'],
    [7.5e6, 7.5e6, 'marker'],
    [8e6, 8e6, 'obd.coolant'],
    [8e6, 8e6, 'obd.engine.rpm'],
  ]);
  expect(run.source.note?.()).toBe('session 3, 0:01 of 0:04');
  await clock.advance(3_000);
  expect(run.given).toHaveLength(5);
  expect(run.source.note?.()).toBe('session 3, 0:04 of 0:04: at the end');
  run.stop();
  await run.ended;
  expect(clock.sleepers).toBe(0);
});

test('at the end it stays connected, for days, and gives nothing out twice', async () => {
  const run = playing(recording([stretch(0, 1e6)], new Map([[TEMP, [scalars([0], [90])]]])));
  await run.clock.advance(3 * 86_400_000);
  expect(run.given).toHaveLength(1);
  expect(run.states).toEqual(['starting', 'running']);
  expect(run.source.health()).toMatchObject({ playedS: 1, lengthS: 1, readings: 1 });
  run.stop();
  await run.ended;
});

test('waves come in blocks of 64 when their last sample is there, with what was lost', async () => {
  const pieces = [wave(1000, 0, 100), wave(1110, 220_000, 10)];
  const run = playing(recording([stretch(0, 1e6)], new Map([[EEG, pieces]])));
  await run.clock.advance(1_000);
  const waves = run.given.map(({ at, reading }) => {
    if (reading.kind !== 'wave') throw new Error(`a ${reading.kind}`);
    const { t, seq, lost, hz, v } = reading;
    return { late: at - t, t, seq, lost, hz, first: v[0], n: v.length };
  });
  expect(waves).toEqual([
    { late: 126_000, t: 0, seq: 0, lost: 0, hz: 500, first: 1000, n: 64 },
    { late: 70_000, t: 128_000, seq: 64, lost: 0, hz: 500, first: 1064, n: 36 },
    { late: 18_000, t: 220_000, seq: 110, lost: 10, hz: 500, first: 1110, n: 10 },
  ]);
  run.stop();
  await run.ended;
});

test('frames have their identifiers and as many bytes as they had', async () => {
  const frames: Frames = {
    ...{ kind: 'frames', seq: 0, t: Float64Array.of(1, 2) },
    id: Uint32Array.of(0x123, 0x98da_f110),
    length: Uint8Array.of(2, 0),
    data: Uint8Array.of(0xca, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  };
  const run = playing(recording([stretch(0, 10)], new Map([[CAN, [frames]]])));
  await run.clock.advance(30);
  expect(run.given.map(({ reading }) => reading)).toEqual([
    {
      kind: 'frame',
      stream: CAN,
      t: 1,
      id: 0x123,
      extended: false,
      data: Uint8Array.of(0xca, 0xfe),
    },
    { kind: 'frame', stream: CAN, t: 2, id: 0x18da_f110, extended: true, data: new Uint8Array() },
  ]);
  run.stop();
  await run.ended;
});

test('a gap of an hour is played as 10 s, one of 3 s as it was, and a wave goes on over it', async () => {
  const stretches = [stretch(0, 1e6), stretch(4e6, 5e6, 4e6), stretch(3605e6, 3606e6, 3605e6)];
  const pieces = [wave(0, 0, 4), wave(900, 4e6, 4), wave(90_000, 3605e6, 4)];
  const run = playing(recording(stretches, new Map([[EEG, pieces]])));
  await run.clock.advance(60_000);
  expect(run.given.map(({ reading }) => reading.t)).toEqual([0, 4e6, 15e6]);
  const positions = run.given.map(({ reading }) =>
    reading.kind === 'wave' ? [reading.seq, reading.lost] : [],
  );
  expect(positions).toEqual([
    [0, 0],
    [4, 0],
    [8, 0],
  ]);
  expect(run.source.health()).toMatchObject({ lengthS: 16, gapsShortenedS: 3590 });
  run.stop();
  await run.ended;
});

test('whatever is stored comes once, in order and never early, at any speed', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(times, times, fc.integer({ min: 1, max: 200 }), async (a, b, speed) => {
      const of = (ms: readonly number[]) => {
        const t = ms.toSorted((x, y) => x - y).map((each) => each * 1000);
        return [scalars(t, t)];
      };
      const pieces = new Map([
        [RPM, a.length > 0 ? of(a) : []],
        [TEMP, b.length > 0 ? of(b) : []],
      ]);
      const run = playing(recording([stretch(0, 20_001_000)], pieces), new FakeClock(), speed);
      await run.clock.advance(25_000 / speed + 100);
      const expected = [...a, ...b].toSorted((x, y) => x - y).map((ms) => ms * 1000);
      expect(run.given.map(({ reading }) => reading.t)).toEqual(expected);
      // A tick, and what one microsecond of the fake clock is on the scaled one.
      const late = run.given.map(({ at, reading }) => at - reading.t);
      expect(Math.min(0, ...late)).toBe(0);
      expect(Math.max(0, ...late)).toBeLessThanOrEqual(20_000 + 2 * speed);
      run.stop();
      await run.ended;
    }),
    { numRuns: 30 },
  );
});

test('what the gateway told of itself is left out: its alerts, and how its parts were', async () => {
  const pieces = [RPM, sourceStream('obd'), STORE_STATE, FATIGUE_LEVEL].map(
    (one) => [one, [scalars([1_000], [1])]] as const,
  );
  const events = [ALERT, ALERT_CHANGE, MARK].map((one) => ({ stream: one, t: 2_000, data: {} }));
  const run = playing(recording([stretch(0, 1e6)], new Map(pieces), events));
  await run.clock.advance(1_000);
  const ids = [RPM.id, FATIGUE_LEVEL.id, MARK.id];
  expect(run.given.map(({ reading }) => reading.stream.id)).toEqual(ids);
  expect(run.source.streams.map(({ id }) => id)).toEqual(ids);
  run.stop();
  await run.ended;
});

test('a burst larger than a turn lets others have their turn', async () => {
  const t = Array.from({ length: 10_000 }, () => 0);
  const run = playing(recording([stretch(0, 1e6)], new Map([[RPM, [scalars(t, t)]]])));
  expect(run.given.length).toBeLessThan(5_000);
  await run.clock.advance(1);
  expect(run.given).toHaveLength(10_000);
  run.stop();
  await run.ended;
});

test('a stop in the middle ends the iterators of the recording', async () => {
  let left = false;
  const played: Recording = {
    ...recording([stretch(0, 10e6)], new Map([[RPM, []]])),
    *columns() {
      try {
        for (let t = 0; ; t += 1e6) yield scalars([t], [1]);
      } finally {
        left = true;
      }
    },
  };
  const run = playing(played);
  await run.clock.advance(2_500);
  run.stop();
  await run.ended;
  expect(left).toBe(true);
});

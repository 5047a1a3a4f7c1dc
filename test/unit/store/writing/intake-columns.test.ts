/** What comes out of the intake is what went in; what it refuses is in intake.test.ts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Event,
  EXTENDED_FLAG,
  type Frame,
  type Sample,
  type Stream,
  type Wave,
} from '#core/stream.ts';
import { type Columns, countOf } from '../../../../src/codec/columns.ts';
import { joinPieces } from '../../../../src/codec/join.ts';
import { slotOf } from '../../../../src/codec/slot.ts';
import { Intake } from '../../../../src/store/writing/intake.ts';
import { StreamRegistry } from '../../../../src/store/writing/registry.ts';
import { streamOf } from '../../codec/columns-arbitrary.ts';

const RPM = streamOf('sample', { id: 'obd.rpm' });
const EEG = streamOf('wave', { id: 'eeg.raw', hz: 512, lsb: 1 });
const BUS = streamOf('frame', { id: 'can.bus' });
const MARKS = streamOf('event', { id: 'marks' });

const sample = (t: number, v: number, stream = RPM): Sample => ({ kind: 'sample', stream, t, v });
const mark = (t: number): Event => ({ kind: 'event', stream: MARKS, t, data: { t } });

function wave(t: number, seq: number, n: number, hz = 512): Wave {
  const v = Int16Array.from({ length: n }, (_, i) => (seq + i) & 0x7fff);
  return { kind: 'wave', stream: EEG, t, hz, v, seq, lost: 0 };
}

/** What a new intake gives back of these. */
function taken(
  readings: readonly (Sample | Wave | Frame | Event)[],
  registry = new StreamRegistry(),
) {
  const intake = new Intake();
  for (const reading of readings) intake.add(reading);
  return intake.drain(registry);
}

describe('samples', () => {
  test('keep their order and values; their times lose what is below a millisecond', () => {
    const rows = fc.array(fc.tuple(fc.nat(1e12), fc.double()), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(rows, (all) => {
        const [one] = taken(all.map(([t, v]) => sample(t, v)));
        const pieces = (one?.columns ?? []).flatMap((piece) =>
          piece.kind === 'scalars' ? [piece] : [],
        );
        expect(pieces.flatMap(({ t }) => [...t])).toEqual(
          all.map(([at]) => Math.floor(at / 1000) * 1000),
        );
        expect(pieces.flatMap(({ v }) => [...v])).toEqual(all.map(([, value]) => value));
        let seq = 0;
        for (const piece of pieces) {
          expect(piece.seq).toBe(seq);
          seq += piece.t.length;
          // However long the readings have waited, a piece stays within its slot.
          expect(new Set([...piece.t].map(slotOf)).size).toBe(1);
        }
      }),
    );
  });

  test('go on counting where the last record ended, each stream for itself', () => {
    const registry = new StreamRegistry();
    const other: Stream = { ...RPM, id: 'obd.speed' };
    taken([sample(0, 1), sample(0, 2), sample(0, 3, other)], registry);
    const next = taken([sample(0, 4), sample(0, 5, other)], registry);
    expect(next.map(({ number, columns: [one] }) => [number, one?.seq])).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });
});

test('frames keep identifier, flag, length and bytes, and nothing of one behind another', () => {
  const rows = fc.array(
    fc.record({
      id: fc.nat(0x1fff_ffff),
      extended: fc.boolean(),
      data: fc.uint8Array({ maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(rows, (all) => {
      const [one] = taken(all.map((row, t): Frame => ({ kind: 'frame', stream: BUS, t, ...row })));
      const [frames] = one?.columns ?? [];
      if (frames?.kind !== 'frames') throw new Error('no frames');
      for (const [i, { id, extended, data }] of all.entries()) {
        expect(frames.t[i]).toBe(i);
        expect(frames.id[i]).toBe(extended ? id + EXTENDED_FLAG : id);
        expect(frames.length[i]).toBe(data.length);
        const padded = Uint8Array.from({ length: 8 }, (_, k) => data[k] ?? 0);
        expect(frames.data.slice(8 * i, 8 * i + 8)).toEqual(padded);
      }
      expect([countOf(frames), frames.data.length]).toEqual([all.length, 8 * all.length]);
    }),
  );
});

type Told = ReadonlyMap<number, { readonly t: number; readonly v: number }>;

/** The furthest that a time is off, in microseconds. */
function errorOf(pieces: readonly Columns[], told: Told): number {
  const seen: number[] = [];
  let us = 0;
  for (const piece of pieces) {
    if (piece.kind !== 'waves') throw new Error('no wave');
    const period = piece.v.length > 1 ? piece.span / (piece.v.length - 1) : 0;
    for (const [i, v] of piece.v.entries()) {
      const one = told.get(piece.seq + i);
      expect(v).toBe(one?.v);
      us = Math.max(us, Math.abs(piece.t0 + i * period - (one?.t ?? 0)));
      seen.push(piece.seq + i);
    }
  }
  expect(seen).toEqual([...told.keys()]);
  return us;
}

describe('waves', () => {
  const deliveries = fc.array(
    fc.record({
      n: fc.integer({ min: 1, max: 80 }),
      jitter: fc.oneof(fc.constant(0), fc.integer({ min: -900, max: 900 }), fc.nat(20_000)),
      lost: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(2000)),
      hz: fc.double({ min: 505, max: 519, noNaN: true }),
      /** Whether a record of the journal ends behind it. */
      ends: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  );

  test('every sample is within 2 ms of when it was told, before and after pieces are joined', () => {
    fc.assert(
      fc.property(fc.nat(400_000_000), deliveries, (start, all) => {
        const told = new Map<number, { t: number; v: number }>();
        const registry = new StreamRegistry();
        const intake = new Intake();
        const pieces: Columns[] = [];
        let seq = 0;
        for (const { n, jitter, lost, hz, ends } of all) {
          seq += lost;
          // The clock begins at 0, and nothing is told of before.
          const one = wave(1000 + start + Math.round((seq * 1e6) / 512) + jitter, seq, n, hz);
          for (const [i, v] of one.v.entries()) told.set(seq + i, { t: one.t + (i * 1e6) / hz, v });
          intake.add(one);
          seq += n;
          if (ends) pieces.push(...intake.drain(registry).flatMap(({ columns }) => columns));
        }
        pieces.push(...intake.drain(registry).flatMap(({ columns }) => columns));
        expect(errorOf(pieces, told)).toBeLessThanOrEqual(1001);
        expect(errorOf(joinPieces(pieces), told)).toBeLessThanOrEqual(2001);
      }),
    );
  });

  test('that follow each other are one stretch; a hole or a step begins another', () => {
    const stretches = (...waves: Wave[]) =>
      (taken(waves)[0]?.columns ?? []).map((one) => [one.seq, countOf(one)]);
    expect(stretches(wave(0, 0, 64), wave(125_000, 64, 64))).toEqual([[0, 128]]);
    const hole = [
      [0, 64],
      [128, 64],
    ];
    expect(stretches(wave(0, 0, 64), wave(250_000, 128, 64))).toEqual(hole);
    const step = [
      [0, 64],
      [64, 64],
    ];
    expect(stretches(wave(0, 0, 64), wave(130_000, 64, 64))).toEqual(step);
    expect(stretches(wave(0, 0, 0))).toEqual([]);
  });
});

test('events of one time have keys of their own, over records and streams', () => {
  const registry = new StreamRegistry();
  const intake = new Intake();
  const other = { ...MARKS, id: 'alerts' };
  const events = [1, 2, 3].flatMap(() => {
    for (const reading of [mark(5), { ...mark(5), stream: other }, mark(5)]) intake.add(reading);
    return intake.drain(registry).flatMap(({ events }) => events);
  });
  expect(events).toHaveLength(9);
  expect(new Set(events.map(({ t, seq }) => `${t}/${seq}`)).size).toBe(9);
  expect(new Set(events.map(({ stream }) => stream))).toEqual(new Set([1, 2]));
});

test('64 MB wait, what comes then is dropped and counted, and a drain makes room', () => {
  const intake = new Intake();
  const long = { ...wave(0, 0, 1), v: new Int16Array(4 * 2 ** 20) }; // 8 MB each.
  for (let k = 0; k < 8; k++) intake.add(long);
  expect(intake.dropped).toBe(0);
  expect(intake.bytes).toBeGreaterThanOrEqual(64 * 2 ** 20);
  intake.add(long);
  intake.add(mark(0));
  expect(intake.dropped).toBe(2);
  const full = new StreamRegistry();
  full.restore({ number: 0xffff, stream: RPM }, 0);
  expect(intake.drain(full)).toEqual([]);
  expect([full.refused, intake.bytes, intake.isEmpty]).toEqual([1, 0, true]);
  intake.add(mark(0));
  expect([intake.dropped, intake.isEmpty]).toEqual([2, false]);
});

import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Session, Stretch } from '#core/session.ts';
import { estimateBytes } from '../../../src/reading/estimate.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { blink, eeg, raw, rpm } from '../http/fakes.ts';

const EPOCH: Epoch = { id: 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 };
const KNOWN = [rpm, eeg, blink, raw];
/** 100 s, and after a gap of 100 s another 100. */
const STRETCHES: readonly Stretch[] = [
  { epoch: EPOCH, from: 0, to: 100e6, at: 0 },
  { epoch: EPOCH, from: 200e6, to: 300e6, at: 200e6 },
];
const quality = (n: number) => ({ n, lost: 0, coverage: 1 });
const SESSION: Session = {
  ...NO_NOTES,
  ...{ id: 1, startedBy: 'manual', endedBy: 'manual', spans: [] },
  stats: {
    ...{ durationS: 200, distanceKm: null, alerts: 0 },
    streams: { [rpm.id]: quality(2_000), [eeg.id]: quality(102_400), [raw.id]: quality(100) },
  },
};
const OPEN: Session = { ...SESSION, endedBy: null, stats: null };
const of = (request: Parameters<typeof estimateBytes>[0], session = SESSION) =>
  estimateBytes(request, session, STRETCHES, KNOWN) - 1_000;

test('it is what was counted, or else what is usual, by the format', () => {
  expect(of({ format: 'csv' })).toBe(2_000 * 75 + 102_400 * 70 + 100 * 75);
  expect(of({ format: 'csv', streams: [rpm.id] })).toBe(150_000);
  expect(of({ format: 'csv', streams: [rpm.id] }, OPEN)).toBe(150_000);
  expect(of({ format: 'candump' })).toBe(4_500);
  expect(of({ format: 'candump' }, OPEN)).toBe(500 * 200 * 45);
  expect(of({ format: 'csv-wide', streams: [blink.id] }, OPEN)).toBe(0);
  expect(of({ format: 'parquet' })).toBeLessThan(of({ format: 'csv' }) / 5);
});

test('a part of a session is a part of it, and a gap is nothing', () => {
  const whole = of({ format: 'csv' });
  expect(of({ format: 'csv', from: 50e6 })).toBe(whole * 0.75);
  expect(of({ format: 'csv', from: 100e6, to: 200e6 })).toBe(0);
  expect(of({ format: 'csv', to: 250e6 })).toBe(whole * 0.75);
  expect(estimateBytes({ format: 'csv' }, SESSION, [], KNOWN)).toBe(1_000);
});

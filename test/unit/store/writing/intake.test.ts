import { expect, test } from 'vitest';
import type { Reading, Stream, StreamKind } from '#core/stream.ts';
import { countOf } from '../../../../src/codec/columns.ts';
import { EPOCH_US_MAX } from '../../../../src/store/keys.ts';
import { Intake } from '../../../../src/store/writing/intake.ts';
import { StreamRegistry } from '../../../../src/store/writing/registry.ts';

function stream(kind: StreamKind): Stream {
  return { id: `test.${kind}`, name: kind, unit: '1', range: [0, 1], hz: 1, kind };
}

const [samples, waves] = [stream('sample'), stream('wave')];
const [frames, events] = [stream('frame'), stream('event')];
const wave = { kind: 'wave', stream: waves, hz: 1, v: new Int16Array(2), seq: 0, lost: 0 } as const;
const frame = { kind: 'frame', stream: frames, id: 1, extended: false } as const;
const bytes = (n: number) => new Uint8Array(n);

/** One of each kind. */
function readingsAt(t: number): Reading[] {
  return [
    { kind: 'sample', stream: samples, t, v: 1 },
    { ...wave, t },
    { ...frame, t, data: bytes(8) },
    { kind: 'event', stream: events, t, data: {} },
  ];
}

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, EPOCH_US_MAX])(
  'readings at %d are refused and counted',
  (t) => {
    const intake = new Intake();
    for (const reading of readingsAt(t)) intake.add(reading);
    expect([intake.refused, intake.isEmpty, intake.bytes]).toEqual([4, true, 0]);
  },
);

test.each<Reading>([
  { ...frame, t: 0, data: bytes(9) },
  { ...wave, t: EPOCH_US_MAX - 1 },
  { ...wave, t: 0, hz: 0 },
  { ...wave, t: 0, hz: Number.NaN },
  { ...wave, t: 0, hz: -1 },
  { ...wave, t: 0, seq: 0.5 },
  { ...wave, t: 0, seq: -1 },
])('what no block can hold is refused: %o', (reading) => {
  const intake = new Intake();
  intake.add(reading);
  expect([intake.refused, intake.isEmpty]).toEqual([1, true]);
});

test('the first and the last time of an epoch are taken', () => {
  const intake = new Intake();
  for (const reading of readingsAt(0)) intake.add(reading);
  for (const reading of readingsAt(EPOCH_US_MAX - 2e6)) intake.add(reading);
  expect(intake.refused).toBe(0);
});

test('a time between two microseconds is that of the first', () => {
  const intake = new Intake();
  for (const reading of readingsAt(1234.5)) intake.add(reading);
  const taken = intake.drain(new StreamRegistry());
  expect(taken.flatMap((one) => one.columns)).toMatchObject([
    { t: Float64Array.of(1000) },
    { t0: 1234 },
    { t: Float64Array.of(1234) },
  ]);
  expect(taken.flatMap((one) => one.events)).toMatchObject([{ t: 1234 }]);
});

test('a batch is kept as a whole, and counts once when the bus brings it too', () => {
  const intake = new Intake();
  const batch = readingsAt(1000);
  expect(intake.keep(batch)).toBe(true);
  for (const reading of [...batch, ...readingsAt(2000)]) intake.add(reading);
  const taken = intake.drain(new StreamRegistry());
  expect(taken.flatMap(({ columns }) => columns.map(countOf))).toEqual([2, 2, 2, 2]);
  expect(taken.flatMap((one) => one.events.map(({ t }) => t))).toEqual([1000, 2000]);
});

test('of a batch in which one cannot be kept none is', () => {
  const intake = new Intake();
  const batch = [...readingsAt(1000), ...readingsAt(-1)];
  expect(intake.keep(batch)).toBe(false);
  expect(intake.isEmpty).toBe(true);
  for (const reading of batch) intake.add(reading);
  expect([intake.isEmpty, intake.refused]).toEqual([false, 4]);
});

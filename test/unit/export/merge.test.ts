import { expect, test } from 'vitest';
import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import type { EventRow, Scalars } from '../../../src/codec/columns.ts';
import { merge } from '../../../src/export/merge.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import { ALL, EEG, exampleSource, expectedRows, MARKS, RPM } from '../../support/example-export.ts';

const STRETCH: Stretch = {
  epoch: { id: 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 },
  from: 0,
  to: 1e9,
  at: 0,
};

/** `t` and value of each stream, which is called by its place. */
function sourceOf(...series: (readonly [t: number, v: number][])[]): ExportSource {
  const streams = series.map((_, i): Stream => ({ ...RPM, id: `s${i}` }));
  return {
    title: 'test',
    streams,
    stretches: [STRETCH],
    *columns(stream): Generator<Scalars> {
      for (const [t, v] of series[streams.indexOf(stream)] ?? []) {
        yield { kind: 'scalars', seq: 0, t: Float64Array.of(t), v: Float64Array.of(v) };
      }
    },
    events: () => [],
  };
}

function merged(source: ExportSource, stretch = STRETCH): [stream: number, t: number, v: number][] {
  return Array.from(merge(source, stretch), ({ n, stream, t, v }) =>
    Array.from(t.subarray(0, n), (time, i): [number, number, number] => [
      stream[i] ?? -1,
      time,
      v[i] ?? Number.NaN,
    ]),
  ).flat();
}

test('nothing gives nothing', () => {
  expect(merged(sourceOf())).toEqual([]);
  expect(merged(sourceOf([], []))).toEqual([]);
});

test('equal times are in the order of the streams, those of a stream in their own', () => {
  const source = sourceOf(
    [[5, 1]],
    [[5, 2]],
    [
      [5, 3],
      [5, 4],
    ],
    [[5, 5]],
  );
  expect(merged(source)).toEqual([
    [0, 5, 1],
    [1, 5, 2],
    [2, 5, 3],
    [2, 5, 4],
    [3, 5, 5],
  ]);
});

test('a late sample keeps its place in its stream and moves no other', () => {
  const source = sourceOf(
    [
      [10, 1],
      [30, 2],
      [20, 3],
      [40, 4],
    ],
    [
      [15, 5],
      [25, 6],
      [35, 7],
    ],
  );
  expect(merged(source).map(([, t]) => t)).toEqual([10, 15, 25, 30, 20, 35, 40]);
});

test('events of one time are in the order of the streams', () => {
  const face = { ...MARKS, id: 'face' };
  const events: EventRow[] = [
    { stream: MARKS, t: 1, data: { n: 1 } },
    { stream: face, t: 1, data: { n: 2 } },
    { stream: MARKS, t: 2, data: { n: 3 } },
  ];
  const source = {
    ...sourceOf(),
    streams: [face, EEG, MARKS],
    columns: () => [],
    events: () => events,
  };
  const rows = Array.from(merge(source, STRETCH), ({ event, n }) => event.slice(0, n)).flat();
  expect(rows).toEqual([{ n: 2 }, { n: 1 }, { n: 3 }]);
});

test('an event of a stream that is not exported is a bug of the source', () => {
  const events = () => [{ stream: MARKS, t: 1, data: {} }];
  const source = { ...sourceOf(), streams: [{ ...MARKS, id: 'face' }], events };
  expect(() => merged(source)).toThrow('marks has events, but is not exported');
});

test.each([1, 2, 3, 4, 5])(
  'recording %i comes out as a plain search for the earliest says',
  (seed) => {
    const source = exampleSource(seed, ALL);
    const rows = source.stretches.flatMap((stretch) => merged(source, stretch));
    const expected = expectedRows(source).map(({ stream, t, value, frame }) => [
      ALL.indexOf(stream),
      t,
      frame ? frame.id + (frame.extended ? 0x8000_0000 : 0) : (value ?? Number.NaN),
    ]);
    expect(rows).toEqual(expected);
  },
);

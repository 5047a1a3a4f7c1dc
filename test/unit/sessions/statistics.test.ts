import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Columns } from '../../../src/codec/columns.ts';
import {
  type Recorded,
  type StreamSummary,
  sessionStats,
} from '../../../src/sessions/statistics.ts';

const epoch: Epoch = { id: 1, wallMs: 0, trust: 'none', bootId: 'b', monotonicMs: 0 };

type Speed = readonly [s: number, kmh: number];

function piece(speeds: readonly Speed[]): Columns {
  return {
    kind: 'scalars',
    seq: 0,
    t: Float64Array.from(speeds, ([s]) => s * 1e6),
    v: Float64Array.from(speeds, ([, kmh]) => kmh),
  };
}

function stretch(from: number, to: number): Stretch {
  return { epoch, from: from * 1e6, to: to * 1e6, at: from * 1e6 };
}

interface Part {
  readonly stretch: Stretch;
  readonly pieces?: readonly (readonly Speed[])[];
  readonly summary?: readonly StreamSummary[];
}

function recorded(parts: readonly Part[]): Recorded {
  const of = (one: Stretch): Part | undefined => parts.find((part) => part.stretch === one);
  return {
    stretches: parts.map((part) => part.stretch),
    columns: (id, one) =>
      id === 'obd.vehicle.speed' ? (of(one)?.pieces ?? []).map((speeds) => piece(speeds)) : [],
    summary: (one) => of(one)?.summary ?? [],
  };
}

const whole = stretch(0, 3600);
const distance = (...pieces: readonly (readonly Speed[])[]): number | null =>
  sessionStats(recorded([{ stretch: whole, pieces }])).distanceKm;

/** Once a second. */
function steady(from: number, to: number, kmh: number): Speed[] {
  return Array.from({ length: to - from + 1 }, (_, i) => [from + i, kmh]);
}

test.each<[name: string, pieces: readonly (readonly Speed[])[], km: number | null]>([
  ['no speed is no distance', [], null],
  ['nor are pieces without samples', [[]], null],
  ['one speed is a car that has not moved', [[[0, 50]]], 0],
  ['an hour at 90 km/h', [steady(0, 3600, 90)], 90],
  ['over the border of two pieces', [steady(0, 1800, 90), steady(1801, 3600, 90)], 90],
  [
    'a trapezoid',
    [
      [
        [0, 0],
        [4, 90],
      ],
    ],
    (45 * 4) / 3600,
  ],
  [
    '5 s apart',
    [
      [
        [0, 72],
        [5, 72],
      ],
    ],
    0.1,
  ],
  [
    'more than 5 s apart',
    [
      [
        [0, 72],
        [5.001, 72],
      ],
    ],
    0,
  ],
  ['a gap of ten minutes adds nothing', [[...steady(0, 600, 60), ...steady(1200, 1800, 60)]], 20],
  ['pieces that hold the same', [steady(0, 1800, 90), steady(1000, 3600, 90)], 90],
  [
    'a value that is none',
    [
      [
        [0, 72],
        [1, Number.NaN],
        [5, 72],
      ],
    ],
    0.1,
  ],
])('distance: %s', (_, pieces, km) => {
  const got = distance(...pieces);
  if (km === null) expect(got).toBeNull();
  else expect(got).toBeCloseTo(km, 9);
});

test('no kilometre is driven between two stretches, also when their clocks meet', () => {
  const parts = [
    { stretch: stretch(0, 100), pieces: [steady(0, 99, 36)] },
    { stretch: stretch(100, 200), pieces: [steady(100, 199, 36)] },
  ];
  const stats = sessionStats(recorded(parts));
  expect(stats.distanceKm).toBeCloseTo(0.99 * 2, 9);
  expect(stats.durationS).toBe(200);
  // A later epoch counts from 0 again.
  const again = { stretch: stretch(0, 100), pieces: [steady(0, 99, 36)] };
  expect(
    sessionStats(recorded([again, { ...again, stretch: stretch(0, 100) }])).distanceKm,
  ).toBeCloseTo(1.98, 9);
});

test('waves under the name of the speed are no speeds', () => {
  const wave: Columns = { kind: 'waves', seq: 0, t0: 0, span: 1e6, v: Int32Array.of(50, 50) };
  const source = { ...recorded([{ stretch: whole }]), columns: () => [wave] };
  expect(sessionStats(source).distanceKm).toBeNull();
});

test('the streams of all stretches are added up, and coverage is a share of the whole', () => {
  const speed = { stream: { id: 'obd.vehicle.speed', kind: 'sample' } } as const;
  const raw = { stream: { id: 'eeg.raw', kind: 'wave' } } as const;
  const stats = sessionStats(
    recorded([
      {
        stretch: stretch(0, 60),
        summary: [
          { ...speed, n: 600, lost: 0, coveredUs: 60e6 },
          { ...raw, n: 512 * 30, lost: 512, coveredUs: 30e6 },
        ],
      },
      { stretch: stretch(10, 50), summary: [{ ...speed, n: 200, lost: 1, coveredUs: 15e6 }] },
    ]),
  );
  expect(stats).toEqual({
    durationS: 100,
    distanceKm: null,
    alerts: 0,
    streams: {
      'obd.vehicle.speed': { n: 800, lost: 1, coverage: 0.75 },
      'eeg.raw': { n: 15360, lost: 512, coverage: 0.3 },
    },
  });
});

test('alerts are the events of all alert streams in all stretches, and nothing else', () => {
  const count = (id: string, kind: StreamSummary['stream']['kind'], n: number): StreamSummary => ({
    ...{ stream: { id, kind }, n, lost: 0, coveredUs: 0 },
  });
  const parts = [
    {
      stretch: stretch(0, 60),
      summary: [count('alert', 'event', 2), count('marker', 'event', 40)],
    },
    {
      stretch: stretch(70, 80),
      summary: [count('alert.drowsy', 'event', 1), count('alert.level', 'sample', 500)],
    },
  ];
  expect(sessionStats(recorded(parts)).alerts).toBe(3);
});

test('coverage is at most 1, and 0 in a session without duration', () => {
  const summary: StreamSummary[] = [
    { stream: { id: 'eeg.raw', kind: 'wave' }, n: 512, lost: 0, coveredUs: 1_000_001 },
  ];
  const coverage = (one: Stretch): number | undefined =>
    sessionStats(recorded([{ stretch: one, summary }])).streams['eeg.raw']?.coverage;
  expect(coverage(stretch(0, 1))).toBe(1);
  expect(coverage(stretch(1, 1))).toBe(0);
});

test('the distance is never more than the highest speed for the time that is covered', () => {
  const gap = fc.integer({ min: 1, max: 20_000 }).map((ms) => ms / 1000);
  const speeds = fc.array(fc.tuple(gap, fc.integer({ min: 0, max: 255 })), { minLength: 1 });
  fc.assert(
    fc.property(speeds, fc.nat(), (steps, cut) => {
      let s = 0;
      let coveredS = 0;
      const samples = steps.map(([gapS, kmh], i): Speed => {
        if (i > 0 && gapS <= 5) coveredS += gapS;
        s += gapS;
        return [s, kmh];
      });
      const max = Math.max(...samples.map(([, kmh]) => kmh));
      const at = cut % samples.length;
      const km = distance(samples.slice(0, at), samples.slice(at)) ?? Number.NaN;
      expect(km).toBeGreaterThanOrEqual(0);
      expect(km).toBeLessThanOrEqual((max * coveredS) / 3600 + 1e-6);
      // Where the pieces are cut does not matter.
      expect(km).toBe(distance(samples));
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Alert, AlertRule } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Reading } from '#core/stream.ts';
import {
  type BacktestParts,
  backtest,
  type Came,
} from '../../../../src/alerts/backtest/backtest.ts';
import type { Backtest, RuleBacktest } from '../../../../src/alerts/backtest/findings.ts';
import { neededBy } from '../../../../src/alerts/backtest/lead.ts';
import {
  CODES,
  COOLANT,
  drive,
  liveAlerts,
  RULES,
  SPEED,
  STREAMS,
  type Start,
} from '../../../support/live-alerts.ts';

const streamOf = (id: string) => STREAMS.find((stream) => stream.id === id);

/** Of one boot; the second one begins when the first has been there for so long. */
const SECOND_S = 460;
function epochOf(id: number): Epoch {
  const monotonicMs = (id - 1) * SECOND_S * 1000;
  return { id, wallMs: 0, trust: 'ntp', bootId: 'boot', monotonicMs };
}

function stretch(epoch: number, fromS: number, toS: number, atS = 0): Stretch {
  return { epoch: epochOf(epoch), from: fromS * 1e6, to: toS * 1e6, at: atS * 1e6 };
}

/** As a store gives them back: cut to the stretch, and only of the streams that are asked for. */
function recordingOf(starts: readonly Start[]): BacktestParts['readings'] {
  return function* ({ epoch, from, to }, streams): Generator<Came> {
    const wanted = [...streams].map((id) => id.replace('*', ''));
    for (const reading of starts.find((one) => one.epoch.id === epoch.id)?.readings ?? []) {
      const { t } = reading;
      if (t < from || t >= to) continue;
      if (wanted.some((id) => reading.stream.id.startsWith(id))) yield { at: t, reading };
    }
  };
}

function run(starts: readonly Start[], more: Partial<BacktestParts>): Backtest {
  const parts = {
    ...{ rules: RULES, versions: false, studies: [], streamOf },
    stretches: starts.map(({ epoch, end }) => stretch(epoch.id, 0, end / 1e6)),
    ...{ localTime: () => undefined, readings: recordingOf(starts) },
    ...more,
  };
  const steps = backtest(parts);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** One rule, and what was found by it. */
function runOne(rule: AlertRule, readings: readonly Reading[], more: Partial<BacktestParts> = {}) {
  const starts = [{ epoch: epochOf(1), readings, end: 600e6 }];
  const result = run(starts, { rules: [rule], ...more });
  return { result, ...firstOf(result.rules) };
}

function firstOf([first]: readonly RuleBacktest[]): RuleBacktest {
  if (!first) throw new Error('no rule was tried');
  return first;
}

/** What both have to agree on: everything that the rules decide. */
function decided(alerts: readonly Alert[], rule: string, shifts: ReadonlyMap<number, number>) {
  const at = ({ epoch, t }: Alert['startedAt']): number => t + (shifts.get(epoch) ?? Number.NaN);
  return alerts
    .filter((alert) => alert.rule.id === rule)
    .map(({ cause, severity, startedAt, endedAt, endedBy, evidence }) => {
      const { stream, value, unit, text } = evidence;
      const times = { startedAt: at(startedAt), endedAt: endedAt && at(endedAt) };
      return { cause, severity, ...times, endedBy, stream, value, unit, text };
    });
}

const sorted = <T extends { readonly startedAt: number; readonly cause: string }>(
  alerts: readonly T[],
): T[] => alerts.toSorted((a, b) => a.startedAt - b.startedAt || (a.cause < b.cause ? -1 : 1));

const found = ({ alerts }: RuleBacktest) => sorted(alerts).map(({ readings, ...rest }) => rest);

describe('a backtest finds what was found live', () => {
  test('alert for alert, over a restart', async () => {
    const seeds = fc.integer({ min: 0, max: 1e6 });
    const property = fc.asyncProperty(seeds, seeds, async (one, two) => {
      const starts = [
        { epoch: epochOf(1), readings: drive(one, 400), end: 400e6 },
        { epoch: epochOf(2), readings: drive(two, 300), end: 300e6 },
      ];
      const live = await liveAlerts(RULES, starts);
      const stretches = [stretch(1, 0, 400), stretch(2, 0, 300, SECOND_S)];
      const shifts = new Map([
        [1, 0],
        [2, SECOND_S * 1e6],
      ]);
      const { rules } = run(starts, { stretches });
      expect(rules.map(({ rule }) => rule.id)).toEqual(RULES.map(({ id }) => id));
      for (const each of rules) {
        expect(found(each)).toEqual(sorted(decided(live, each.rule.id, shifts)));
      }
      expect(live.length).toBeGreaterThan(0);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  test('an alert that lasts over a restart escalates by the time since it began', async () => {
    const escalate = [{ afterMs: 500_000, severity: 'alarm' as const }];
    const rule = { ...HOT, when: { op: '>' as const, value: 100 }, escalate, enabled: true };
    const readings = [...Array(300).keys()].map((s): Reading => {
      return { kind: 'sample', stream: COOLANT, t: s * 1e6, v: 101 };
    });
    const starts = [1, 2].map((id) => ({ epoch: epochOf(id), readings, end: 300e6 }));
    const [live] = await liveAlerts([rule], starts);
    expect(live).toMatchObject({ severity: 'alarm', startedAt: { epoch: 1, t: 0 } });
    const [reading] = live?.evidence.readings ?? [];
    // It had been on for 460 s when the second start began: 40 s more, just before the reading then.
    expect(reading?.t).toBe(39e6);
    const stretches = [stretch(1, 0, 300), stretch(2, 0, 300, SECOND_S)];
    const { alerts } = firstOf(run(starts, { rules: [rule], stretches }).rules);
    expect(alerts).toMatchObject([{ severity: 'alarm', startedAt: 0, endedAt: null }]);
    const other = starts.map(({ epoch, ...start }) => ({
      ...start,
      epoch: { ...epoch, bootId: String(epoch.id) },
    }));
    const [apart] = await liveAlerts([rule], other);
    expect(apart).toMatchObject({ severity: 'warn', startedAt: { epoch: 1, t: 0 } });
  });

  test('in the midst of a start, but for what began too long before', async () => {
    const starts = [{ epoch: epochOf(1), readings: drive(7, 1_500), end: 1_500e6 }];
    const live = await liveAlerts(RULES, starts);
    const { rules } = run(starts, { stretches: [stretch(1, 700, 1_500)] });
    const shifts = new Map([[1, -700e6]]);
    let compared = 0;
    for (const each of rules) {
      const all = sorted(decided(live, each.rule.id, shifts));
      const expected = all.filter(({ endedAt }) => endedAt === null || endedAt > 0);
      expect(found(each), each.rule.name).toEqual(expected);
      compared += expected.length;
    }
    expect(compared).toBeGreaterThan(20);
    const codes = rules.find(({ rule }) => rule.id === 'codes');
    expect(codes?.alerts.some(({ startedAt }) => startedAt < 0)).toBe(true);
  });
});

const HOT: AlertRule = {
  ...{ id: 'hot', name: 'Hot', stream: COOLANT.id, when: { op: '>', value: 110 } },
  ...{ holdMs: 0, cooldownMs: 0, severity: 'warn', escalate: [], while: {}, actions: [] },
  enabled: false,
};
const coolant = (s: number, v: number): Reading => {
  return { kind: 'sample', stream: COOLANT, t: s * 1e6, v };
};
/** Hot from 100 s to 200 s, told every second. */
const HUMP = Array.from({ length: 600 }, (_, s) => coolant(s, s >= 100 && s < 200 ? 112 : 90));

test('totals tell how many, how long and how much of the session; the rule need not be enabled', () => {
  const { totals, truncated, rule } = runOne(HOT, HUMP);
  expect(rule).toEqual({ id: 'hot', name: 'Hot' });
  expect(totals).toEqual({ count: 1, onS: 100, share: 100 / 600 });
  expect(truncated).toBe(0);
});

test('what was over before the session is not of it; what lasts at its end has no end', () => {
  const before = runOne(HOT, HUMP, { stretches: [stretch(1, 200, 600)] });
  expect(before.alerts).toEqual([]);
  const on = runOne(HOT, HUMP, { stretches: [stretch(1, 150, 190)] });
  expect(on.alerts).toMatchObject([{ startedAt: -50e6, endedAt: null, endedBy: null }]);
  expect(on.totals).toEqual({ count: 1, onS: 40, share: 1 });
});

test('a pause within a start is gone through, and counts for nothing', () => {
  const stretches = [stretch(1, 50, 120), stretch(1, 160, 300, 110)];
  const { alerts, totals, result } = runOne(HOT, HUMP, { stretches });
  expect(alerts).toMatchObject([{ startedAt: 50e6, endedAt: 150e6 }]);
  expect(totals.onS).toBe(20 + 40);
  expect(result.durationS).toBe(70 + 140);
});

test('an alert that came and went in a pause is none of the session', () => {
  const stretches = [stretch(1, 0, 90), stretch(1, 210, 300, 210)];
  expect(runOne(HOT, HUMP, { stretches }).totals).toMatchObject({ count: 0, onS: 0 });
});

test('a start comes with what its streams said around it, picked from more', () => {
  const fast = Array.from({ length: 6_000 }, (_, i) => coolant(i / 10, i >= 1_000 ? 112 : i / 100));
  const [alert] = runOne(HOT, fast).alerts;
  const [series, ...others] = alert?.readings ?? [];
  expect(others).toEqual([]);
  expect(series?.stream).toBe(COOLANT.id);
  expect(series?.t).toHaveLength(50);
  expect([series?.t.at(0), series?.t.at(-1)]).toEqual([90e6, 110e6]);
  expect([series?.v.at(0), series?.v.at(-1)]).toEqual([9, 112]);
  expect(series?.t.toSorted((a, b) => a - b)).toEqual(series?.t);
  const all = runOne(HOT, HUMP).alerts[0]?.readings[0];
  expect(all?.t).toEqual(Array.from({ length: 21 }, (_, i) => (90 + i) * 1e6));
});

test('of a pattern only the stream that the alert is about is told', () => {
  const lost = RULES.find(({ id }) => id === 'lost');
  if (!lost) throw new Error('no rule of a pattern');
  const { alerts } = runOne(lost, drive(3, 600));
  expect(alerts.length).toBeGreaterThan(1);
  for (const { cause, readings } of alerts) {
    expect(readings.map(({ stream }) => stream)).toEqual([cause]);
  }
});

test('alerts beyond a thousand are counted', () => {
  const flicker: AlertRule = {
    ...{ ...HOT, id: 'codes', name: 'Codes', stream: CODES.id },
    when: { op: 'event', key: ['n'], lastS: 1 },
  };
  // As many causes as there may be, each five times a minute, which is no storm.
  const readings = Array.from({ length: 3_200 }, (_, i): Reading => {
    return { kind: 'event', stream: CODES, t: i * 187_500, data: { n: i % 64 } };
  });
  const { alerts, truncated, totals } = runOne(flicker, readings);
  expect(alerts).toHaveLength(1_000);
  expect([totals.count, truncated]).toEqual([3_200, 2_200]);
});

test('two versions are told apart by overlap, up to where not all alerts are known', () => {
  const second: AlertRule = { ...HOT, stream: COOLANT.id, when: { op: '>', value: 120 } };
  const values = HUMP.map((one, s) => (s >= 300 && s < 310 ? coolant(s, 125) : one));
  const one = run([{ epoch: epochOf(1), readings: values, end: 600e6 }], {
    rules: [HOT, second],
    versions: true,
  });
  expect(one.versions).toEqual({ both: [[1, 0]], onlyFirst: [0], onlySecond: [] });
  expect(run([], { rules: [HOT, second], versions: false }).versions).toBeNull();
});

test('a study counts while a session of it is open', () => {
  const rule: AlertRule = { ...HOT, while: { study: 'night' } };
  const study = { study: 'night', epoch: 1, from: 120e6, to: 180e6 };
  const others = [
    { ...study, study: 'day', from: 0 },
    { ...study, epoch: 2, from: 0 },
  ];
  const { alerts } = runOne(rule, HUMP, { studies: [study, ...others] });
  expect(alerts).toMatchObject([{ startedAt: 120e6, endedAt: 180e6, endedBy: 'cleared' }]);
});

test('a schedule goes by the wall clock, and counts always where that cannot be believed', () => {
  const rule: AlertRule = { ...HOT, while: { schedule: { from: '00:02', to: '00:03' } } };
  const localTime: BacktestParts['localTime'] = (_, t) => {
    const minute = Math.floor(t / 60e6);
    return { weekday: 1, minute, msToNextMinute: ((minute + 1) * 60e6 - t) / 1000 };
  };
  const { alerts } = runOne(rule, HUMP, { localTime });
  expect(alerts).toMatchObject([{ startedAt: 120e6, endedAt: 180e6 }]);
  expect(runOne(rule, HUMP).alerts).toMatchObject([{ startedAt: 100e6, endedAt: 200e6 }]);
});

test('only the streams of the rules are read, those of their `while` included', () => {
  const asked: string[][] = [];
  const readings: BacktestParts['readings'] = (_, streams) => {
    asked.push([...streams].sort());
    return [];
  };
  runOne({ ...HOT, while: { moving: true } }, [], { readings });
  expect(asked).toEqual([[COOLANT.id, SPEED.id]]);
  expect(neededBy({ ...HOT, while: { moving: true } }).toSorted()).toEqual(asked[0]);
});

test('it begins as long before the session as its rules look back, but not before the start', () => {
  const begins: number[] = [];
  const readings: BacktestParts['readings'] = ({ from }) => {
    begins.push(from / 1e6);
    return [];
  };
  const stretches = [stretch(1, 5_000, 6_000)];
  runOne(HOT, [], { readings, stretches });
  runOne({ ...HOT, holdMs: 300_000 }, [], { readings, stretches });
  runOne({ ...HOT, cooldownMs: 3_600_000 }, [], { readings, stretches });
  runOne({ ...HOT, holdMs: 86_400_000 }, [], { readings, stretches });
  expect(begins).toEqual([5_000 - 120, 5_000 - 360, 5_000 - 3_660, 0]);
});

test('the work is done in pieces', () => {
  const many = Array.from({ length: 50_000 }, (_, i) => coolant(i / 100, 90));
  const starts = [{ epoch: epochOf(1), readings: many, end: 500e6 }];
  const steps = backtest({
    ...{ rules: [HOT], versions: false, studies: [], streamOf, localTime: () => undefined },
    stretches: [stretch(1, 0, 500)],
    readings: recordingOf(starts),
  });
  expect([...steps]).toHaveLength(5);
});

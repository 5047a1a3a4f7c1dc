/** What holds for any rule and any readings. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertChange, AlertRule, Comparison, Condition, When } from '#core/alert.ts';
import { STARTS_PER_MINUTE_MAX } from '../../../../src/alerts/watch/machine.ts';
import { begins, type Level, lasts } from '../../../../src/alerts/watch/threshold.ts';
import { inputOf, type Line, play, playInputs, rule } from './play.ts';

const small = fc.integer({ min: -10, max: 10 });
const clear = fc.option(small, { nil: undefined });
const range = fc.tuple(small, small).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const windowS = fc.integer({ min: 1, max: 30 });
const few = fc.integer({ min: 1, max: 5 });

const levels: fc.Arbitrary<Level> = fc.oneof(
  fc.record({ op: fc.constantFrom('>', '<'), value: small, clear }),
  fc.record({
    op: fc.constantFrom('outside', 'inside'),
    value: range,
    clear: fc.option(range, { nil: undefined }),
  }),
);
const rates: fc.Arbitrary<When> = fc.record({
  op: fc.constantFrom('rate>', 'rate<'),
  value: small,
  clear,
  windowS,
});
const data = fc.record({ k: fc.constantFrom('x', 'y'), on: fc.boolean() });
const events: fc.Arbitrary<When> = fc.oneof(
  fc.record({ op: fc.constant('count'), value: few, clear, windowS }),
  fc.record({
    op: fc.constant('event'),
    match: fc.constant({ on: true }),
    key: fc.constantFrom(undefined, ['k']),
    until: fc.constantFrom(undefined, { on: false }),
    lastS: fc.option(few, { nil: undefined }),
  }),
);
const comparisons: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({ stream: fc.constantFrom('a', 'b'), when: fc.oneof(levels, rates) }),
  fc.record({ stream: fc.constant('face'), when: events }),
);
const conditions: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition }>((tie) => {
  const list = fc.array(tie('node'), { minLength: 1, maxLength: 3 });
  return {
    node: fc.oneof(
      { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
      comparisons,
      fc.record({ all: list }),
      fc.record({ any: list }),
      fc.record({ not: list }),
    ),
  };
}).node;
const patterns: fc.Arbitrary<Condition> = fc.record({
  stream: fc.constant('part.*'),
  when: fc.oneof(levels, rates),
});
const silences: fc.Arbitrary<Condition> = fc.record({
  stream: fc.constantFrom('a', 'part.*'),
  when: fc.record({ op: fc.constant('stale'), value: few }),
});
const terms = fc.record({
  holdMs: fc.constantFrom(0, 0, 1_500, 20_000),
  cooldownMs: fc.constantFrom(0, 0, 10_000),
  escalate: fc.constantFrom<AlertRule['escalate'][]>(
    [],
    [{ value: 7, severity: 'alarm' }],
    [{ afterMs: 12_000, severity: 'alarm' }],
  ),
  while: fc.constantFrom<AlertRule['while'][]>({}, {}, { moving: true }),
});

function rulesOf(of: fc.Arbitrary<Condition>): fc.Arbitrary<AlertRule> {
  return fc.tuple(of, terms).map(([condition, rest]) => rule(condition, rest));
}
const rules = rulesOf(fc.oneof(conditions, patterns, comparisons));
const allRules = rulesOf(fc.oneof(conditions, patterns, comparisons, silences));

/** Mostly forward, in steps from none to some minutes; some of it late. */
const lines: fc.Arbitrary<readonly Line[]> = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -5_000, max: 100_000 }) },
      ),
      fc.oneof(
        fc.tuple(
          fc.constantFrom('a', 'b', 'part.x', 'part.y', 'obd.vehicle.speed'),
          fc.oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: fc.constant(NaN) }),
        ),
        fc.tuple(fc.constant('face'), data),
      ),
    ),
    { maxLength: 120, size: 'max' },
  )
  .map((steps) => {
    let ms = 10_000;
    return steps.map(([gap, [id, what]]): Line => {
      ms = Math.max(0, ms + gap);
      return [ms / 1000, id, what];
    });
  });

const RUNS = { numRuns: 600 };

/** One stream in order, each reading at a time of its own. */
const inOrder = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 20_000 }), small), { maxLength: 120, size: 'max' })
  .map((steps) => {
    let ms = 0;
    return steps.map(([gap, v]) => {
      ms += gap;
      return [ms / 1000, 'a', v] as const;
    });
  });

test('nothing starts or ends where only the past decides', () => {
  fc.assert(
    fc.property(levels, terms, inOrder, (when, rest, all) => {
      const of = rule({ stream: 'a', when }, { ...rest, while: {} });
      const { changes } = play(of, [...all, [9_999, null]]);
      for (const [i, change] of changes.entries()) {
        // A timer that is due just when a reading comes goes before it.
        const by = [change.t, change.t - 1].map(
          (t) => all.findLast(([s]) => Math.round(s * 1e6) <= t)?.[2] ?? Number.NaN,
        );
        if (change.kind === 'started') expect(by.some((v) => begins(when, v))).toBe(true);
        if (change.kind !== 'ended' || change.by !== 'cleared') continue;
        // One that is latched ends by time; a storm needs more changes than these.
        if (i < 2 * STARTS_PER_MINUTE_MAX) expect(by.every((v) => lasts(when, v))).toBe(false);
      }
    }),
    RUNS,
  );
});

/** Changes of each cause. */
function byCause(changes: readonly AlertChange[]): readonly (readonly AlertChange[])[] {
  const causes = Map.groupBy(changes, ({ cause }) => cause);
  return [...causes.values()];
}

test('every alert that starts ends once nothing comes any more, and never starts twice', () => {
  fc.assert(
    fc.property(rules, lines, (of, all) => {
      const { changes, state } = play(of, [...all, [100_000, null]]);
      for (const own of byCause(changes)) {
        const sides = own.filter(({ kind }) => kind !== 'escalated').map(({ kind }) => kind);
        expect(sides).toEqual(sides.map((_, i) => (i % 2 === 0 ? 'started' : 'ended')));
        expect(sides.length % 2).toBe(0);
      }
      expect(state.causes.every(({ life }) => life.phase !== 'active')).toBe(true);
    }),
    RUNS,
  );
});

test('a silence that was told ends with the next reading', () => {
  fc.assert(
    fc.property(rulesOf(silences), lines, (of, all) => {
      const end: Line[] = ['a', 'part.x', 'part.y'].map((id) => [100_000, id, 1]);
      const { state } = play(of.while.moving ? { ...of, while: {} } : of, [...all, ...end]);
      const lasting = state.causes.filter(({ life }) => life.phase === 'active' && !life.latched);
      expect(lasting).toEqual([]);
    }),
    RUNS,
  );
});

test('times never go back, and severity rises within an alert', () => {
  const ranks = ['info', 'warn', 'alarm'];
  fc.assert(
    fc.property(allRules, lines, (of, all) => {
      const { changes } = play(of, [...all, [9_999, null]]);
      for (const [i, { t }] of changes.entries())
        expect(t).toBeGreaterThanOrEqual(changes[i - 1]?.t ?? 0);
      for (const own of byCause(changes)) {
        for (const [i, change] of own.entries()) {
          const before = own[i - 1];
          if (change.kind !== 'escalated' || !before || before.kind === 'ended') continue;
          expect(ranks.indexOf(change.severity)).toBeGreaterThan(ranks.indexOf(before.severity));
        }
      }
    }),
    RUNS,
  );
});

test('however often time is looked at, the changes are the same', () => {
  const looks = fc.array(fc.tuple(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true })));
  fc.assert(
    fc.property(allRules, lines, looks, (of, all, extra) => {
      const inputs = [[0, null] as const, ...all, [9_999, null] as const].map(inputOf);
      const timeOf = (i: number): number => {
        const input = inputs[i];
        if (input === undefined) return 0;
        return input.kind === 'reading' ? input.reading.t : input.t;
      };
      const more = inputs.flatMap((input, i) => {
        const before = timeOf(i - 1);
        const ts = extra
          .filter(([n]) => n % inputs.length === i)
          .map(([, share]) => Math.floor(before + (timeOf(i) - before) * share));
        const looked = ts.sort((a, b) => a - b).filter((t) => t <= timeOf(i) && i > 0);
        return [...looked.map((t) => ({ kind: 'advance', t }) as const), input];
      });
      expect(playInputs(of, more).changes).toEqual(playInputs(of, inputs).changes);
    }),
    RUNS,
  );
});

test('what is late for its stream changes nothing, however often it comes', () => {
  const late = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 9_000 }), small, few));
  fc.assert(
    fc.property(allRules, lines, late, (of, all, extra) => {
      const newest = new Map<string, number>();
      const more = all.flatMap((line, i): readonly Line[] => {
        const [s, id, what] = line;
        if (id === null) return [line];
        const usable = typeof what !== 'number' || Number.isFinite(what);
        if (usable) newest.set(id, Math.max(s, newest.get(id) ?? 0));
        const at = newest.get(id);
        if (at === undefined) return [line];
        const behind = extra.filter(([n]) => n % all.length === i);
        const lines = behind.flatMap(([, ms, v, times]): Line[] => {
          const one = id === 'face' ? { k: 'x', on: v > 0 } : v;
          return Array.from({ length: times }, () => [Math.max(0, at - ms / 1000), id, one]);
        });
        return [line, ...lines.filter(([t]) => t < at)];
      });
      const end: Line = [9_999, null];
      expect(play(of, [...more, end]).changes).toEqual(play(of, [...all, end]).changes);
    }),
    RUNS,
  );
});

test('a cause never begins more alerts in a minute than the limit and one', () => {
  const fast = fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.boolean()), {
    minLength: 30,
    maxLength: 200,
    size: 'max',
  });
  const storms = fc.constantFrom<Condition[]>(
    { stream: 'a', when: { op: '>', value: 1 } },
    {
      all: [
        { stream: 'a', when: { op: '>', value: 1 } },
        { not: [{ stream: 'b', when: { op: '>', value: 1 } }] },
      ],
    },
  );
  fc.assert(
    fc.property(rulesOf(storms), fast, (of, steps) => {
      let ms = 0;
      const all: Line[] = [[0, 'b', 0]];
      for (const [gap, high] of steps) {
        ms += gap;
        all.push([ms / 1000, 'a', high ? 9 : 0], [ms / 1000, 'b', 0]);
      }
      const starts = play({ ...of, while: {} }, all).changes.filter(
        ({ kind }) => kind === 'started',
      );
      for (const [i, { t }] of starts.entries()) {
        const other = starts[i + STARTS_PER_MINUTE_MAX + 1];
        if (other) expect(other.t - t).toBeGreaterThanOrEqual(60e6);
      }
    }),
    RUNS,
  );
});

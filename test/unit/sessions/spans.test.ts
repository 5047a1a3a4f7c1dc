import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Session, Span } from '#core/session.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { closed, lastSpan, uncovered } from '../../../src/sessions/spans.ts';

function session(spans: readonly Span[]): Session {
  return { ...NO_NOTES, id: 1, startedBy: 'manual', endedBy: null, spans, stats: null };
}

test('the last span is closed, never before it began', () => {
  const open = [
    { epoch: 1, from: 0, to: 5 },
    { epoch: 2, from: 3, to: null },
  ];
  expect(closed(session(open), 9)).toEqual([open[0], { epoch: 2, from: 3, to: 9 }]);
  expect(closed(session(open), 3), 'an empty one says nothing').toEqual([open[0]]);
  expect(closed(session(open.slice(1)), 1), 'but the only one is kept').toEqual([
    { epoch: 2, from: 3, to: 3 },
  ]);
  expect(closed(session(open.slice(0, 1)), 1), 'a closed one stays').toEqual([open[0]]);
  expect(() => lastSpan(session([]))).toThrow('session 1 has no span');
});

test('what others cover stays', () => {
  const span = { epoch: 1, from: 10, to: 20 };
  const rest = (...others: Span[]) => uncovered([span], others);
  expect(rest()).toEqual([span]);
  expect(rest({ epoch: 2, from: 0, to: 99 })).toEqual([span]);
  expect(rest({ epoch: 1, from: 20, to: 30 })).toEqual([span]);
  expect(rest({ epoch: 1, from: 12, to: 15 })).toEqual([
    { epoch: 1, from: 10, to: 12 },
    { epoch: 1, from: 15, to: 20 },
  ]);
  expect(rest({ epoch: 1, from: 12, to: null })).toEqual([{ epoch: 1, from: 10, to: 12 }]);
  expect(rest({ epoch: 1, from: 0, to: 12 }, { epoch: 1, from: 12, to: 20 })).toEqual([]);
});

test('point by point: what is left is what was in the spans and in no other', () => {
  const point = fc.integer({ min: 0, max: 12 });
  const span = fc
    .tuple(fc.integer({ min: 1, max: 2 }), point, fc.option(point))
    .map(([epoch, from, to]): Span => ({ epoch, from, to: to === null ? null : from + to }));
  const covers = (spans: readonly Span[], epoch: number, t: number): boolean =>
    spans.some((s) => s.epoch === epoch && s.from <= t && t < (s.to ?? Number.POSITIVE_INFINITY));
  fc.assert(
    fc.property(fc.array(span), fc.array(span), (spans, others) => {
      const rest = uncovered(spans, others);
      const own = spans.filter(({ to }) => to !== null);
      for (const epoch of [1, 2]) {
        for (let t = 0; t < 26; t++) {
          const left = covers(own, epoch, t) && !covers(others, epoch, t);
          expect(covers(rest, epoch, t), `${epoch}:${t}`).toBe(left);
        }
      }
      expect(rest.every(({ from, to }) => to > from)).toBe(true);
    }),
  );
});

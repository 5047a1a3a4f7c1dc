import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IDS_MAX, IdTable, KnownId } from '../../../../src/sources/can/ids.ts';

/** Frames of one identifier at these times, ms. */
function known(times: readonly number[]): KnownId<never> {
  const id = new KnownId<never>(1, false, undefined);
  for (const ms of times) id.seen(ms * 1000);
  return id;
}

const every = (ms: number, n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => from + ms * i);

test('a rhythm is known after ten frames that kept it', () => {
  expect(known(every(20, 10)).periodUs).toBeUndefined();
  expect(known(every(20, 11)).periodUs).toBeCloseTo(20_000);
  const jittery = every(100, 200).map((ms, i) => ms + (i % 2 === 0 ? 30 : 0));
  expect(Math.abs((known(jittery).periodUs ?? 0) - 100_000)).toBeLessThan(10_000);
});

test('one that has been silent for ten periods, and a second at least, has stopped', () => {
  const fast = known(every(10, 100));
  const slow = known(every(500, 20));
  expect([1_980, 1_990].map((ms) => fast.hasStopped(ms * 1000))).toEqual([false, true]);
  expect([14_490, 14_500].map((ms) => slow.hasStopped(ms * 1000))).toEqual([false, true]);
});

test('of one that comes now and then nobody says that it has stopped', () => {
  expect(known([0]).hasStopped(1e12)).toBe(false);
  const bursts = Array.from({ length: 50 }, (_, i) => every(1, 3, 5000 * i)).flat();
  expect(known(bursts).hasStopped(1e12)).toBe(false);
});

test('after a pause the rhythm is learnt anew, and the pause is no part of it', () => {
  const id = known([...every(10, 50), ...every(10, 5, 100_000)]);
  expect(id.periodUs).toBeUndefined();
  for (const ms of every(10, 10, 100_050)) id.seen(ms * 1000);
  expect(id.periodUs).toBeCloseTo(10_000);
  // The same where the pause was the first thing that it did.
  expect(known([0, ...every(10, 30, 28_800_000)]).periodUs).toBeCloseTo(10_000);
});

test('whatever the times, a period is one that was between two frames', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 12, maxLength: 100 }), (gaps) => {
      let ms = 0;
      const id = known([0, ...gaps.map((gap) => (ms += gap))]);
      const { periodUs } = id;
      if (periodUs === undefined) return;
      expect(periodUs).toBeGreaterThanOrEqual(Math.min(...gaps) * 1000 - 1);
      expect(periodUs).toBeLessThanOrEqual(Math.max(...gaps) * 1000 + 1);
    }),
  );
});

test('11 and 29 bits of the same number are two', () => {
  const table = new IdTable((id, extended) => `${id} ${extended}`);
  expect(table.take(1, false, 0)?.signals).toBe('1 false');
  expect(table.take(1, true, 0)?.signals).toBe('1 true');
  expect(table.take(1, true, 5)?.frames).toBe(2);
  expect([...table.all()].map(({ id, extended }) => [id, extended])).toEqual([
    [1, false],
    [1, true],
  ]);
});

test('a flood of identifiers takes no more room than there is, and those that were there stay', () => {
  const table = new IdTable(() => undefined);
  table.take(7, false, 0);
  for (let id = 0; id < 3 * IDS_MAX; id++) table.take(id, true, id);
  expect(table.size).toBe(IDS_MAX);
  expect(table.untracked).toBe(2 * IDS_MAX + 1);
  expect(table.take(7, false, 1)?.frames).toBe(2);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrowingCounter, Reckoning, StallWatch } from '../../../../src/io/can/loss.ts';

/** What is reckoned after each look at a pair of expected and reached frames. */
function losses(looks: readonly (readonly [number, number])[]): number[] {
  const reckoning = new Reckoning();
  return looks.map(([expected, reached]) => {
    reckoning.look(expected, reached);
    return reckoning.lost;
  });
}

test('a loss is told exactly once it has stood for five looks', () => {
  const before = Array.from({ length: 5 }, () => [100, 100] as const);
  const after = Array.from({ length: 5 }, () => [10_100, 379] as const);
  expect(losses([...before, ...after])).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 9_721]);
});

test('frames that wait at a look are not lost', () => {
  const looks = [5, 40, 3, 0, 17, 8, 100, 1, 0, 9].map(
    (waiting, i) => [i * 4_500, i * 4_500 - waiting] as const,
  );
  expect(losses(looks).at(-1)).toBe(0);
});

test('it never tells more than was lost, however many wait, and never less than before', () => {
  const look = fc.record({ came: fc.nat(5_000), dropped: fc.nat(300), waiting: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
      const reckoning = new Reckoning();
      let expected = 0;
      let dropped = 0;
      let last = 0;
      const behind: number[] = [];
      for (const { came, dropped: more, waiting } of looks) {
        expected += came + more;
        dropped += more;
        behind.push(waiting);
        reckoning.look(expected, expected - dropped - waiting);
        const least = behind.length < 5 ? 0 : Math.min(...behind.slice(-5));
        expect(reckoning.lost).toBeGreaterThanOrEqual(last);
        expect(reckoning.lost).toBeLessThanOrEqual(dropped + Math.max(least, ...behind));
        last = reckoning.lost;
      }
    }),
  );
});

test('where the socket is empty at one look of five, nothing that waits is ever told as lost', () => {
  const look = fc.record({ dropped: fc.nat(50), waiting: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
      const reckoning = new Reckoning();
      let expected = 0;
      let dropped = 0;
      looks.forEach(({ dropped: more, waiting }, i) => {
        expected += 1_000 + more;
        dropped += more;
        reckoning.look(expected, expected - dropped - (i % 5 === 0 ? 0 : waiting));
        expect(reckoning.lost).toBeLessThanOrEqual(dropped);
      });
    }),
  );
});

test('frames that came while the socket was opened hide no later loss', () => {
  const start = Array.from({ length: 5 }, () => [90, 100] as const);
  const loss = Array.from({ length: 5 }, () => [190, 180] as const);
  expect(losses([...start, ...loss]).at(-1)).toBe(20);
});

test('one look that counts a frame too early is no loss afterwards', () => {
  const looks = [0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0].map((off) => [100 + off, 100] as const);
  expect(losses(looks).at(-1)).toBe(0);
});

test('a channel stalls where the interface goes on receiving and nothing comes, over two seconds', () => {
  const watch = new StallWatch();
  const looks = [
    [0, 0],
    [50, 50],
    [100, 50],
    [150, 50],
  ] as const;
  expect(looks.map(([expected, reached]) => watch.look(expected, reached))).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test.each([
  ['a frame reached us', 10, 100, 1],
  ['too few came', 10, 89, 0],
  // The process was busy in between: what came is about to be read.
  ['all came since the last look', 0, 10_000, 0],
  ['none came since the last look', 10_000, 0, 0],
])('no stall where %s', (_, first, second, reached) => {
  const watch = new StallWatch();
  watch.look(0, 7);
  watch.look(first, 7);
  expect(watch.look(first + second, 7 + reached)).toBe(false);
});

test('a counter that begins again goes on growing', () => {
  const counter = new GrowingCounter();
  expect(counter.grown).toBe(0);
  for (const value of [1_000, 1_010, 0, 5, 5, 7]) counter.see(value);
  expect(counter.grown).toBe(17);
});

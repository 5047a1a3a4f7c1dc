import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from '#core/ring.ts';

test('keeps what fits, oldest first', () => {
  const ring = new Ring<number>(3);
  for (const item of [1, 2, 3]) ring.push(item);
  expect([ring.size, ring.dropped]).toEqual([3, 0]);
  expect(ring.drain()).toEqual([1, 2, 3]);
  expect([ring.size, ring.drain()]).toEqual([0, []]);
});

test('the oldest makes room when it is full, and is counted', () => {
  const ring = new Ring<number>(2);
  for (const item of [1, 2, 3, 4, 5]) ring.push(item);
  expect([ring.size, ring.dropped]).toEqual([2, 3]);
  expect(ring.drain()).toEqual([4, 5]);
});

test('the drop counter survives a drain', () => {
  const ring = new Ring<number>(1);
  for (const item of [1, 2]) ring.push(item);
  ring.drain();
  for (const item of [3, 4]) ring.push(item);
  expect([ring.dropped, ring.drain()]).toEqual([2, [4]]);
});

test('what was drained is the caller’s: later pushes do not change it', () => {
  const ring = new Ring<number>(2);
  ring.push(1);
  const drained = ring.drain();
  ring.push(2);
  expect(drained).toEqual([1]);
});

test('behaves like a list cut to its last items, whatever is done to it', () => {
  const drain = fc.constant('drain' as const);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.integer() }, drain), { maxLength: 200 }),
      (capacity, steps) => {
        const ring = new Ring<number>(capacity);
        let model: number[] = [];
        let dropped = 0;
        for (const step of steps) {
          if (step === 'drain') {
            expect(ring.drain()).toEqual(model);
            model = [];
            continue;
          }
          ring.push(step);
          model.push(step);
          if (model.length > capacity) dropped++;
          model = model.slice(-capacity);
          expect([ring.size, ring.dropped]).toEqual([model.length, dropped]);
        }
        expect(ring.drain()).toEqual(model);
      },
    ),
  );
});

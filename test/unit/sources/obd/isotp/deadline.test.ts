import { expect, test } from 'vitest';
import { Deadline } from '../../../../../src/sources/obd/isotp/deadline.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

function watched() {
  const clock = new FakeClock();
  const missed: number[] = [];
  return { clock, missed, deadline: new Deadline(clock, () => missed.push(clock.now() / 1000)) };
}

test('is missed once, at its time, and so is the next', async () => {
  const { clock, missed, deadline } = watched();
  deadline.set(75);
  await clock.advance(74);
  expect(missed).toEqual([]);
  await clock.advance(500);
  expect(missed).toEqual([75]);
  deadline.set(26);
  await clock.advance(26);
  expect(missed).toEqual([75, 600]);
  expect(clock.sleepers).toBe(0);
});

test('put off again and again it never comes', async () => {
  const { clock, missed, deadline } = watched();
  for (let i = 0; i < 100; i++) {
    deadline.set(10);
    expect(clock.sleepers).toBeLessThanOrEqual(1);
    await clock.advance(9);
  }
  expect(missed).toEqual([]);
  await clock.advance(10);
  expect(missed).toEqual([901]);
});

test('can be put forward, cleared and set again', async () => {
  const { clock, missed, deadline } = watched();
  deadline.set(1000);
  deadline.set(5);
  await clock.advance(6);
  expect(missed).toEqual([5]);
  deadline.set(5);
  deadline.clear();
  deadline.clear();
  await clock.advance(100);
  expect(missed).toEqual([5]);
  expect(clock.sleepers).toBe(0);
  deadline.set(1);
  await clock.advance(1);
  expect(missed).toEqual([5, 107]);
});

test('what is read in the turn after it was in time', async () => {
  const { clock, missed, deadline } = watched();
  deadline.set(10);
  // A stall: the timer and the frame that puts it off are both due when the process goes on.
  const frame = clock.sleep(10).then(() => deadline.set(10));
  await clock.advance(10);
  await frame;
  await clock.advance(9);
  expect(missed).toEqual([]);
  await clock.advance(1);
  expect(missed).toEqual([20]);
});

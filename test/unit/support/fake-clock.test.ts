/** The clock of the tests is itself what many of them rest on. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { FakeClock, settle } from '../../support/fake-clock.ts';

test('sleeps end in the order of their times, equal times in the order they began', async () => {
  const clock = new FakeClock();
  const woken: [name: string, at: number][] = [];
  const sleep = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    woken.push([name, clock.now()]);
  };
  const all = [sleep('late', 30), sleep('early', 10), sleep('also early', 10), sleep('soon', 0.5)];
  await clock.advance(10);
  expect(woken).toEqual([
    ['soon', 500],
    ['early', 10_000],
    ['also early', 10_000],
  ]);
  expect([clock.now(), clock.sleepers]).toEqual([10_000, 1]);
  await clock.advance(20);
  await Promise.all(all);
  expect(woken.at(-1)).toEqual(['late', 30_000]);
});

test('a sleep begun by what another one woke ends in the same advance', async () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const loop = (async () => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(10);
      times.push(clock.now());
    }
  })();
  await clock.advance(30);
  await loop;
  expect(times).toEqual([10_000, 20_000, 30_000]);
});

test('an abort ends a sleep with its reason, before or while it lasts, and leaves nothing', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sleep = clock.sleep(10, stop.signal);
  const reason = new Error('stop');
  stop.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  await expect(clock.sleep(10, stop.signal)).rejects.toBe(reason);
  expect(clock.sleepers).toBe(0);
});

test('a sleep that has ended leaves no listener on its signal', async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const sleep = clock.sleep(1, signal);
  await clock.advance(1);
  await sleep;
  await settle();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

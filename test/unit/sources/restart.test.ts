import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { Source } from '../../../src/sources/source.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { simulatedCar } from '../../support/simulated-car.ts';
import { supervised } from '../../support/supervised.ts';

/** A supervised source that opens when `isThere`, and stays open then. */
function start(isThere: () => boolean) {
  const clock = new FakeClock();
  let connections = 0;
  const source: Source = {
    id: 'fake',
    streams: [],
    silenceMs: 60_000,
    run: (_emit, _clock, signal) => {
      connections++;
      if (!isThere()) return Promise.reject(new LinkError('OPEN_FAILED', 'not there'));
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      );
    },
    health: () => ({}),
  };
  const { statuses, restart, stop: stopping, done } = supervised(source, clock);
  const states = () => statuses.map(({ state }) => state);
  return { clock, restart, stopping, done, states, statuses, connections: () => connections };
}

test('a link that is open is closed and opened anew at once, and that is no failure', async () => {
  const { clock, restart, states, connections, stopping, done } = start(() => true);
  await settle();
  restart.now();
  await settle();
  expect([connections(), clock.now()]).toEqual([2, 0]);
  expect(states()).toEqual(['starting', 'starting']);
  expect(restart.count).toBe(1);
  stopping.abort();
  await done;
});

test('a pause before the next try ends, and the pauses begin anew', async () => {
  const { clock, restart, statuses, connections, stopping, done } = start(() => false);
  await clock.advance(3_600);
  const before = connections();
  restart.now();
  await settle();
  expect(connections()).toBe(before + 1);
  expect(statuses.at(-1)).toMatchObject({ state: 'waiting', retryMs: 500 });
  stopping.abort();
  await done;
  expect(clock.sleepers).toBe(0);
});

test('a thousand of them leave no listener and no timer behind, and a stop still ends it', async () => {
  const { clock, restart, stopping, done, connections } = start(() => true);
  for (let n = 0; n < 1_000; n++) {
    restart.now();
    await settle();
  }
  expect(connections()).toBe(1_001);
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(1);
  stopping.abort();
  await done;
  expect(clock.sleepers).toBe(0);
  restart.now();
  await settle();
  expect(connections()).toBe(1_001);
});

test('a car is read again after its adapter was restarted', async () => {
  const { clock, restart, readings, statuses } = await simulatedCar();
  await clock.advance(10_000);
  restart.now();
  const from = readings.length;
  await clock.advance(10_000);
  expect(readings.length - from).toBeGreaterThan(100);
  expect(statuses.map(({ state }) => state)).toEqual([
    'starting',
    'running',
    'starting',
    'running',
  ]);
});

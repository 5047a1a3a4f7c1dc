import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const nothing = (): void => {};

function unopened(): Store {
  return new Store({
    directory: path.join(tmpdir(), 'vigil-is-not-there'),
    quotaBytes: 2 ** 24,
    epoch: { id: 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 },
    clock: new FakeClock(),
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    pinned: () => [],
  });
}

test('a store that never opens has settled when it stops', async () => {
  const stop = new AbortController();
  const store = unopened();
  const running = store.run(stop.signal);
  stop.abort(new Error('stopped'));
  await Promise.all([running, store.settled]);
  expect(store.isOpen).toBe(false);
});

test('who waits for it to open is told of a stop, one that came before included', async () => {
  const store = unopened();
  const stop = new AbortController();
  const waiting = store.opened(stop.signal);
  stop.abort(new Error('stopped'));
  expect([await waiting, await store.opened(stop.signal)]).toEqual([false, false]);
});

import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Machine } from '../../../src/io/machine.ts';

/** Keeps the event loop from everything else. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('an event loop that was held up is told, and for how long', async () => {
  using machine = new Machine();
  machine.start();
  await delay(200);
  const before = await machine.state(tmpdir());
  block(300);
  await delay(100);
  const { eventLoop } = await machine.state(tmpdir());
  expect(before.eventLoop.p50Ms).toBeLessThan(100);
  expect(eventLoop.maxMs).toBeGreaterThan(200);
  expect(eventLoop.maxMs).toBeGreaterThan(before.eventLoop.maxMs);
  expect(eventLoop.p50Ms).toBeLessThanOrEqual(eventLoop.p99Ms);
});

test('before anything was seen nothing is late', async () => {
  using machine = new Machine();
  const { eventLoop, kernel, node } = await machine.state(tmpdir());
  expect(eventLoop).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
  expect([kernel, node]).toEqual([expect.stringMatching(/^\d+\./), process.versions.node]);
});

test('a disk that cannot be asked is left out, and the rest is told', async () => {
  using machine = new Machine();
  const { disk, memory } = await machine.state('/there/is/no/such/directory');
  expect(disk).toBeNull();
  expect(memory.rssMB).toBeGreaterThan(0);
});

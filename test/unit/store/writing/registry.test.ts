import { expect, test } from 'vitest';
import { numberKey } from '../../../../src/store/keys.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { StreamRegistry } from '../../../../src/store/writing/registry.ts';
import { streamOf } from '../../codec/columns-arbitrary.ts';

/** A registry, and what it would find at the next start. */
function restarted(registry: StreamRegistry): StreamRegistry {
  const next = new StreamRegistry();
  const entries = registry
    .changes()
    .map(({ key, value }) => ({ key, value: value ?? new Uint8Array() }));
  expect(next.load(entries)).toEqual([]);
  return next;
}

function known(registry: StreamRegistry, ...args: Parameters<typeof streamOf>) {
  const found = registry.of(streamOf(...args));
  if (found === undefined) throw new Error('no number');
  return found;
}

test('numbers and seq go on over a restart', () => {
  const first = new StreamRegistry();
  expect(first.take(known(first, 'sample'), 5)).toBe(0);
  const second = restarted(first);
  expect(known(second, 'sample').number).toBe(1);
  expect(second.take(known(second, 'sample'), 3)).toBe(5);
  expect(known(second, 'sample', { id: 'test.two' }).number).toBe(2);
});

test('a changed unit is another number, and what it was before keeps its own', () => {
  const registry = new StreamRegistry();
  expect(known(registry, 'sample').number).toBe(1);
  expect(known(registry, 'sample', { unit: 'Cel' }).number).toBe(2);
  expect(known(registry, 'sample', { unit: 'Cel', name: 'Renamed' }).number).toBe(2);
  expect(registry.byNumber(1)?.stream.unit).toBe('1');
});

test('a wave counts what was lost, goes on over a restart, and over one of its source', () => {
  const registry = new StreamRegistry();
  expect(registry.takeWave(known(registry, 'wave'), 0, 10)).toBe(0);
  expect(registry.takeWave(known(registry, 'wave'), 15, 10)).toBe(15);
  // Its source counts from 0 again.
  expect(registry.takeWave(known(registry, 'wave'), 0, 10)).toBe(25);
  const next = restarted(registry);
  expect(next.takeWave(known(next, 'wave'), 0, 10)).toBe(35);
  expect(next.takeWave(known(next, 'wave'), 12, 10)).toBe(47);
});

test('a store that is opened again within the process goes on counting its waves', () => {
  const registry = new StreamRegistry();
  registry.takeWave(known(registry, 'wave'), 0, 100);
  const again = restarted(registry);
  again.resume(registry);
  expect(again.takeWave(known(again, 'wave'), 100, 10)).toBe(100);
});

test('the number of a damaged record is told and not given out again', () => {
  const key = numberKey(7);
  const registry = new StreamRegistry();
  const problems = registry.load([{ key, value: encodeRecord(numberKey(8), {}) }]);
  expect(problems).toEqual([expect.stringContaining('stream 7')]);
  expect(known(registry, 'sample').number).toBe(8);
});

test('there are 65,535 numbers, and a stream beyond them is counted', () => {
  const registry = new StreamRegistry();
  registry.restore({ number: 0xffff, stream: streamOf('sample', { id: 'test.last' }) }, 0);
  expect(registry.of(streamOf('sample'))).toBeUndefined();
  expect(registry.refused).toBe(1);
});

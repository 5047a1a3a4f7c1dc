import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extendWithZeros } from '../../../../src/io/data-file.ts';
import { numberKey } from '../../../../src/store/keys.ts';
import { openDatabase } from '../../../../src/store/lmdb.ts';
import {
  DISK_FREE_BYTES_MIN,
  nextStep,
  Preallocation,
  ringBytes,
} from '../../../../src/store/opening/preallocation.ts';
import { decodeRecord, encodeRecord } from '../../../../src/store/record.ts';

const MB = 2 ** 20;
const plenty = 1e12;
const state = {
  quotaBytes: 100 * MB,
  fileBytes: 0,
  endBytes: 0,
  freeBytes: plenty,
  lowBytes: DISK_FREE_BYTES_MIN,
};

test('a file grows by steps of 16 MB to 1.4 of its quota, rounded up', () => {
  expect(nextStep(state)).toEqual({ kind: 'extend', to: 16 * MB });
  expect(nextStep({ ...state, fileBytes: 3 * MB })).toEqual({ kind: 'extend', to: 16 * MB });
  expect(nextStep({ ...state, fileBytes: 128 * MB })).toEqual({ kind: 'extend', to: 144 * MB });
  expect(nextStep({ ...state, fileBytes: 144 * MB })).toEqual({ kind: 'done' });
});

test('a file that LMDB has filled grows on, whatever its quota', () => {
  const full = { ...state, fileBytes: 144 * MB, endBytes: 144 * MB };
  expect(nextStep(full)).toEqual({ kind: 'extend', to: 160 * MB });
  expect(nextStep({ ...full, fileBytes: 160 * MB })).toEqual({ kind: 'done' });
});

test('the disk keeps its free bytes', () => {
  const just = { ...state, freeBytes: DISK_FREE_BYTES_MIN + 16 * MB };
  expect(nextStep(just).kind).toBe('extend');
  expect(nextStep({ ...just, freeBytes: just.freeBytes - 1 })).toEqual({
    kind: 'held',
    text: expect.stringMatching(/271 MB are free, 256 MB have to stay so; it has 0 MB of 144 MB/),
  });
});

test('of any state the steps lead to an end that is enough, and never over the disk', () => {
  const bytes = fc.integer({ min: 0, max: 500 * MB });
  fc.assert(
    fc.property(bytes, bytes, bytes, bytes, (quotaBytes, size, endBytes, freeBytes) => {
      let fileBytes = size;
      let free = freeBytes;
      for (let steps = 0; ; steps++) {
        expect(steps).toBeLessThan(100);
        const now = { quotaBytes, fileBytes, endBytes, freeBytes: free, lowBytes: 8 * MB };
        const step = nextStep(now);
        if (step.kind === 'done')
          expect(ringBytes(fileBytes, quotaBytes)).toBeGreaterThanOrEqual(
            Math.floor(0.98 * quotaBytes),
          );
        if (step.kind === 'done') expect(fileBytes).toBeGreaterThan(endBytes);
        if (step.kind !== 'extend') return;
        expect(step.to).toBeGreaterThan(fileBytes);
        expect(step.to - fileBytes).toBeLessThanOrEqual(16 * MB);
        free -= step.to - fileBytes;
        fileBytes = step.to;
        expect(free).toBeGreaterThanOrEqual(8 * MB);
      }
    }),
  );
});

test('the ring has 70 % of the file, and never more than its quota', () => {
  expect(ringBytes(100 * MB, 100 * MB)).toBe(70 * MB);
  expect(ringBytes(400 * MB, 100 * MB)).toBe(100 * MB);
  expect(ringBytes(0, 100 * MB)).toBe(0);
});

function files(size: number, failure?: string) {
  const calls: number[] = [];
  let bytes = size;
  return {
    calls,
    free: () => Promise.resolve(plenty),
    extend: (_: string, upTo: number, { piece }: { readonly piece: number }) => {
      calls.push(upTo);
      if (upTo > bytes && failure !== undefined) {
        return Promise.reject(Object.assign(new Error(failure), { code: failure }));
      }
      bytes = Math.max(bytes, Math.min(upTo, bytes + piece));
      return Promise.resolve(bytes);
    },
  };
}

test('a call is one piece', async () => {
  const disk = files(2.5 * MB);
  const growing = new Preallocation('data.mdb', disk, { quotaBytes: 2 * MB, lowBytes: 0 });
  const sizes: number[] = [];
  for (;;) {
    const { step, fileBytes } = await growing.step(0);
    sizes.push(fileBytes / MB);
    if (step.kind === 'done') break;
  }
  expect(sizes.slice(0, 3)).toEqual([3.5, 4.5, 5.5]);
  expect(sizes.slice(-3)).toEqual([15.5, 16, 16]);
});

test('a disk that fills up meanwhile holds it; what else goes wrong is thrown', async () => {
  const options = { quotaBytes: 10 * MB, lowBytes: 0 };
  const full = new Preallocation('data.mdb', files(MB, 'ENOSPC'), options);
  expect(await full.step(0)).toMatchObject({ step: { kind: 'held' }, fileBytes: MB });
  const broken = new Preallocation('data.mdb', files(MB, 'EIO'), options);
  await expect(broken.step(0)).rejects.toThrow('EIO');
});

test('commits and zeros take turns, and nothing is lost', { timeout: 60_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-zeros-'));
  const file = join(directory, 'data.mdb');
  const sizes = { fileBytes: MB, readOnly: false };
  let database = openDatabase(file, sizes);
  const written = new Map<number, string>();
  try {
    for (let round = 0; round < 2000; round++) {
      const numbers = Array.from({ length: 5 }, (_, i) => (round * 31 + i * 97) % 400);
      const changes = numbers.map((number) => {
        const text = `${round} `.repeat((round * number) % 900);
        written.set(number, text);
        const key = numberKey(number);
        return { table: 'samples' as const, key, value: encodeRecord(key, text) };
      });
      await database.commit(changes);
      // Small odd pieces, so that LMDB's end and the zeros' meet often and not at a page.
      const target = database.use().end + ((round * 7919) % 100_000);
      await extendWithZeros(file, target, { piece: 1 + ((round * 613) % 20_000) });
      if (round % 500 !== 499) continue;
      await database.close();
      database = openDatabase(file, sizes);
      for (const [number, text] of written) {
        const key = numberKey(number);
        expect(decodeRecord(key, database.get('samples', key) ?? new Uint8Array())).toBe(text);
      }
    }
    expect(statSync(file).size).toBeGreaterThanOrEqual(database.use().end);
  } finally {
    await database.close();
    rmSync(directory, { recursive: true });
  }
});

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptFiles, readAtMost } from '../../../src/io/kept-files.ts';

let top: string;

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-kept-'));
});

afterEach(() => rmSync(top, { recursive: true }));

test('files are kept below directories that are made for them, and nobody else sees', async () => {
  const files = keptFiles(top, ['dbc', 'can0']);
  expect(await files.names()).toEqual([]);
  await files.write('b.dbc', Uint8Array.of(2));
  await files.write('a.dbc', Uint8Array.of(1));
  await files.write('b.dbc', Uint8Array.of(3));
  expect(await files.names()).toEqual(['a.dbc', 'b.dbc']);
  expect(await files.read('b.dbc', 10)).toEqual(Buffer.of(3));
  expect(statSync(path.join(top, 'dbc')).mode & 0o777).toBe(0o700);
  await files.remove('b.dbc');
  await files.remove('b.dbc');
  expect(await files.names()).toEqual(['a.dbc']);
  await expect(files.read('b.dbc', 10)).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each([
  [99, 99],
  [100, 100],
  [101, undefined],
])('a file of %i bytes is read where it may have 100', async (size, read) => {
  const file = path.join(top, 'one');
  writeFileSync(file, Buffer.alloc(size, 7));
  const bytes = await readAtMost(file, 100);
  expect(bytes?.length).toBe(read);
});

test('of what has no end no more is read than may be', async () => {
  expect(await readAtMost('/dev/zero', 100_000)).toBeUndefined();
});

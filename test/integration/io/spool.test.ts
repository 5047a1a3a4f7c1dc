import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spoolAt } from '../../../src/io/spool.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'spool-'));
});

afterAll(() => rm(directory, { recursive: true }));

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

test('a file is written from the front to the end and read in parts', async () => {
  const spool = spoolAt(path.join(directory, 'a'));
  await spool.clear();
  const writer = await spool.create('one');
  await writer.write(Buffer.from('hello '));
  await writer.write(Buffer.from('x'.repeat(200_000)));
  await writer.close();
  expect(await textOf(spool.read('one', 0, 8))).toBe('hello xx');
  expect(await textOf(spool.read('one', 6, 200_006))).toBe('x'.repeat(200_000));
  expect(await textOf(spool.read('one', 200_000, 300_000))).toBe('xxxxxx');
  await expect(spool.create('one')).rejects.toMatchObject({ code: 'EEXIST' });
  const { mode } = await stat(path.join(directory, 'a', 'one'));
  expect(mode & 0o777).toBe(0o600);
  expect((await stat(path.join(directory, 'a'))).mode & 0o777).toBe(0o700);
  expect(await spool.free()).toBeGreaterThan(0);
});

test('a file that is removed while it is read goes on to its end, and is then gone', async () => {
  const spool = spoolAt(path.join(directory, 'b'));
  await spool.clear();
  const writer = await spool.create('one');
  await writer.write(Buffer.from('y'.repeat(150_000)));
  await writer.close();
  let read = 0;
  for await (const piece of spool.read('one', 0, 150_000)) {
    if (read === 0) await spool.remove('one');
    read += piece.length;
  }
  expect(read).toBe(150_000);
  await spool.remove('one');
  await expect(textOf(spool.read('one', 0, 1))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('clearing removes what an earlier start has left, whatever it is', async () => {
  const place = path.join(directory, 'c');
  await mkdir(path.join(place, 'nested'), { recursive: true });
  await writeFile(path.join(place, 'nested', 'x'), 'x');
  await spoolAt(place).clear();
  expect(await readdir(place)).toEqual([]);
  const nowhere = spoolAt(path.join(directory, 'no', 'such'));
  await expect(nowhere.clear()).rejects.toMatchObject({ code: 'ENOENT' });
});

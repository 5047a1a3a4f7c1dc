import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { extendWithZeros, freeBytes, openDataFile } from '../../../src/io/data-file.ts';

const BYTES = (2 << 20) + 100;
const DATA_FILE = path.resolve(import.meta.dirname, '../../../src/io/data-file.ts');
let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-data-'));
  file = path.join(directory, 'j0');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a missing file is made of zeros that are there, for its owner only', async () => {
  const data = await openDataFile(file, { bytes: BYTES, create: true });
  expect([data.path, data.size]).toEqual([file, BYTES]);
  await data.close();
  const { size, mode, blocks } = statSync(file);
  expect([size, mode & 0o777]).toEqual([BYTES, 0o600]);
  expect(blocks * 512).toBeGreaterThanOrEqual(BYTES); // Not a hole.
  expect(readFileSync(file).every((byte) => byte === 0)).toBe(true);
});

test('a missing file is an error where it is not to be made', async () => {
  const opened = openDataFile(file, { bytes: BYTES, create: false });
  await expect(opened).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a short file is filled up, a long one stays, and neither loses anything', async () => {
  writeFileSync(file, 'abc');
  for (const [bytes, size] of [
    [BYTES, BYTES],
    [10, BYTES],
  ] as const) {
    const data = await openDataFile(file, { bytes, create: false });
    expect(data.size).toBe(size);
    expect(Buffer.from(await data.read(0, 5)).toString()).toBe('abc\0\0');
    await data.close();
  }
  expect(statSync(file).size).toBe(BYTES);
});

test('bytes are written in place and read back, short at the end', async () => {
  const data = await openDataFile(file, { bytes: 100, create: true });
  await data.write(95, Buffer.from('12345'));
  await data.write(0, Buffer.from('ab'));
  await data.sync();
  expect(Buffer.from(await data.read(94, 50)).toString()).toBe('\x0012345');
  expect(await data.read(100, 5)).toHaveLength(0);
  expect(await data.read(200, 5)).toHaveLength(0);
  await data.close();
  expect(readFileSync(file, 'latin1').slice(0, 3)).toBe('ab\0');
});

test('no write makes the file grow', async () => {
  const data = await openDataFile(file, { bytes: 100, create: true });
  await expect(data.write(96, Buffer.from('12345'))).rejects.toThrow(
    `${file}: 5 bytes at 96 are not within its 100`,
  );
  await expect(data.write(-1, Buffer.from('1'))).rejects.toThrow(RangeError);
  await data.close();
  expect(statSync(file).size).toBe(100);
});

test('what was cut off meanwhile reads as the end of the file', async () => {
  const data = await openDataFile(file, { bytes: 100, create: true });
  writeFileSync(file, 'abc');
  expect(await data.read(1, 50)).toHaveLength(2);
  await data.close();
});

test('errors of the system come as they are', async () => {
  const missing = path.join(directory, 'missing', 'j0');
  await expect(openDataFile(missing, { bytes: 1, create: true })).rejects.toMatchObject({
    code: 'ENOENT',
  });
  await expect(openDataFile(directory, { bytes: 1, create: true })).rejects.toMatchObject({
    code: 'EISDIR',
  });
});

test('a disk that is full in the middle of the zeros is an error, and the next start goes on', async () => {
  const script = `
    const { openDataFile } = await import(${JSON.stringify(DATA_FILE)});
    try {
      await openDataFile(${JSON.stringify(file)}, { bytes: ${BYTES}, create: true });
    } catch (error) {
      process.stdout.write(error.code);
    }`;
  // A limit on the size of files stands in for a full disk: it also cuts a write short at first.
  const command = 'trap "" XFSZ; ulimit -f 1500; exec "$0" "$@"';
  const args = ['-c', command, process.execPath, '--input-type=module', '-e', script];
  const child = spawn('bash', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await once(child.stdout, 'data');
  expect(String(output)).toBe('EFBIG');
  expect(statSync(file).size).toBe(1500 * 1024);
  const data = await openDataFile(file, { bytes: BYTES, create: true });
  await data.close();
  expect(statSync(file).size).toBe(BYTES);
});

test('a file grows by one step of zeros a call, up to its size', async () => {
  writeFileSync(file, 'abc');
  const options = { piece: 1_500_000 };
  expect(await extendWithZeros(file, BYTES, options)).toBe(1_500_003);
  expect(await extendWithZeros(file, BYTES, options)).toBe(BYTES);
  expect(await extendWithZeros(file, BYTES, options)).toBe(BYTES);
  expect(await extendWithZeros(file, 10, options)).toBe(BYTES);
  const content = readFileSync(file);
  expect(content.subarray(0, 3).toString()).toBe('abc');
  expect(content.subarray(3).every((byte) => byte === 0)).toBe(true);
  await expect(extendWithZeros(`${file}x`, 10, options)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the zeros never go over what somebody else appends meanwhile', async () => {
  writeFileSync(file, '');
  const other = await openFile(file, 'a');
  const extended = extendWithZeros(file, 8 << 20, { piece: 8 << 20 });
  for (let i = 0; i < 200; i++) await other.write('x');
  await extended;
  await other.close();
  expect(readFileSync(file).filter((byte) => byte === 0x78)).toHaveLength(200);
});

test('free space is what an ordinary user may use', async () => {
  const { bavail, bsize } = statfsSync(directory);
  const free = await freeBytes(directory);
  expect(Math.abs(free - bavail * bsize)).toBeLessThan(1 << 30); // Others use the disk, too.
  expect(free).toBeGreaterThan(0);
});

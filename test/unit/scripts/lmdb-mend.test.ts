import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mendInstalled } from '../../../scripts/lmdb-mend.ts';

const INSTALLED = `node_modules/@lmdb/lmdb-linux-${process.arch}/node.napi.glibc.node`;
const CUT = 'Attempting to write page at position %u, size %u, blocks %u';
const WHOLE = `${CUT}, buffer sizes %i %i %i`;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mend-'));
});

afterAll(() => rm(directory, { recursive: true }));

/** As it is published. */
async function published(file: string): Promise<void> {
  const bytes = await readFile(INSTALLED);
  bytes[bytes.indexOf(`${CUT}\0`) + CUT.length] = ','.charCodeAt(0);
  await writeFile(file, bytes);
}

test('the installed binary is the mended one', async () => {
  expect(mendInstalled(INSTALLED, process.arch)).toBeUndefined();
});

test('the published binary is mended, and a second run does nothing', async () => {
  const file = join(directory, 'lmdb.node');
  await published(file);
  expect((await readFile(file)).includes(WHOLE)).toBe(true);
  expect(mendInstalled(file, process.arch)).toContain('was mended');
  expect((await readFile(file)).includes(WHOLE)).toBe(false);
  expect(mendInstalled(file, process.arch)).toBeUndefined();
});

test('another binary is refused and never written', async () => {
  const file = join(directory, 'other.node');
  await copyFile(INSTALLED, file);
  await writeFile(file, Buffer.concat([await readFile(file), Buffer.of(0)]));
  const before = await readFile(file);
  expect(() => mendInstalled(file, process.arch)).toThrow(/expected sha256 \w{64}, found \w{64}$/);
  expect((await readFile(file)).equals(before)).toBe(true);
  expect(() => mendInstalled(file, 'riscv64')).toThrow(/riscv64/);
});

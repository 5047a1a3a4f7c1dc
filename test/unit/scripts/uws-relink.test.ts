import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { relinkInstalled } from '../../../scripts/uws-relink.ts';

/** Set-up never touches the binary of the other architecture, so that one is as published. */
const ARCH = process.arch === 'x64' ? 'arm64' : 'x64';
const PUBLISHED = `node_modules/uWebSockets.js/uws_linux_${ARCH}_137.node`;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'relink-'));
});

afterAll(() => rm(directory, { recursive: true }));

test('an old glibc gets the known result, and a second run does nothing', async () => {
  const file = join(directory, 'old.node');
  await copyFile(PUBLISHED, file);
  expect(relinkInstalled(file, ARCH, '2.36')).toBe(`${file} was relinked for glibc 2.36`);
  const relinked = await readFile(file);
  expect(relinked.length).toBe((await readFile(PUBLISHED)).length);
  expect(relinked.includes('__isoc23_strtol')).toBe(true); // The string stays; nobody asks for it.
  expect(relinkInstalled(file, ARCH, '2.36')).toBeUndefined();
  expect((await readFile(file)).equals(relinked)).toBe(true);
});

test('a glibc that is new enough takes the published binary and the relinked one', async () => {
  const file = join(directory, 'new.node');
  await copyFile(PUBLISHED, file);
  for (const glibc of ['2.38', '2.41', '3.0']) {
    expect(relinkInstalled(file, ARCH, glibc)).toBeUndefined();
  }
  expect((await readFile(file)).equals(await readFile(PUBLISHED))).toBe(true);
  relinkInstalled(file, ARCH, '2.36');
  expect(relinkInstalled(file, ARCH, '2.41')).toBeUndefined();
});

test('a binary that is not the published one is refused on every glibc, and never written', async () => {
  const file = join(directory, 'other.node');
  const bytes = Buffer.concat([await readFile(PUBLISHED), Buffer.of(0)]);
  await writeFile(file, bytes);
  for (const glibc of ['2.36', '2.41']) {
    expect(() => relinkInstalled(file, ARCH, glibc)).toThrow(
      /expected sha256 \w{64}, found \w{64}$/,
    );
  }
  expect((await readFile(file)).equals(bytes)).toBe(true);
});

test('another libc and another processor are refused in words', () => {
  expect(() => relinkInstalled(PUBLISHED, ARCH, undefined)).toThrow(/another libc/);
  expect(() => relinkInstalled(PUBLISHED, 'riscv64', '2.36')).toThrow(/riscv64/);
});

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wholeFile } from '../../../src/io/whole-file.ts';

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-whole-'));
  file = path.join(directory, 'accounts.json');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('what is written is there twice, for nobody else to read', async () => {
  const whole = wholeFile(file);
  expect(await whole.read()).toEqual([]);
  await whole.write('one');
  await whole.write('zwei ü');
  expect(await whole.read()).toEqual(['zwei ü', 'zwei ü']);
  expect(readdirSync(directory).sort()).toEqual(['accounts.json', 'accounts.json.copy']);
  for (const name of readdirSync(directory)) {
    expect(statSync(path.join(directory, name)).mode & 0o777, name).toBe(0o600);
  }
});

test('what a cut-off write has left is not looked at, and is no hindrance', async () => {
  const whole = wholeFile(file);
  await whole.write('one');
  writeFileSync(`${file}.new`, 'half of');
  chmodSync(`${file}.new`, 0o644);
  expect(await whole.read()).toEqual(['one', 'one']);
  await whole.write('two');
  expect(await whole.read()).toEqual(['two', 'two']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('where one is gone or cannot be read the other is what there is', async () => {
  const whole = wholeFile(file);
  await whole.write('one');
  rmSync(file);
  expect(await whole.read()).toEqual(['one']);
  // A directory in its place: the read fails with EISDIR, as it may with EIO.
  mkdirSync(file);
  expect(await whole.read()).toEqual(['one']);
});

test('where nothing can be read that is told, and is not taken for nothing there', async () => {
  mkdirSync(file);
  await expect(wholeFile(file).read()).rejects.toMatchObject({ code: 'EISDIR' });
  mkdirSync(`${file}.copy`);
  await expect(wholeFile(file).read()).rejects.toMatchObject({ code: 'EISDIR' });
});

test('a write that fails half-way leaves one of the two as it was', async () => {
  const whole = wholeFile(file);
  await whole.write('one');
  // The copy cannot be put in place.
  rmSync(`${file}.copy`);
  mkdirSync(`${file}.copy`);
  await expect(whole.write('two')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(readFileSync(file, 'utf8')).toBe('two');
  rmSync(`${file}.copy`, { recursive: true });
  rmSync(directory, { recursive: true });
  await expect(whole.write('three')).rejects.toMatchObject({ code: 'ENOENT' });
  mkdirSync(directory);
});

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { nextEpoch } from '../../../src/io/files.ts';

const EPOCH_MAX = 0xffff_ffff;
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-files-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function put(name: string, content: string | Buffer): void {
  writeFileSync(path.join(directory, name), content);
}

test('epochs count from 1, in a directory that is made for its owner only', () => {
  const data = path.join(directory, 'a', 'b');
  expect([nextEpoch(data), nextEpoch(data), nextEpoch(data)]).toEqual([1, 2, 3]);
  expect(statSync(data).mode & 0o777).toBe(0o700);
});

test('the count goes on where one of its files is gone, empty, damaged or behind', () => {
  const damages = ['', '\0\0\0', '41', 'x', '9'.repeat(11), '-5', '42.5', Buffer.from([0xff])];
  for (const name of ['epoch', 'epoch.copy']) {
    for (const damage of damages) {
      put('epoch', '42\n');
      put('epoch.copy', '42\n');
      put(name, damage);
      expect(nextEpoch(directory), `${name} ${JSON.stringify(damage)}`).toBe(43);
      expect(nextEpoch(directory)).toBe(44);
    }
    rmSync(path.join(directory, name));
    expect(nextEpoch(directory)).toBe(45);
  }
});

test('a number is written over in place, in files that stay as long as they were', () => {
  put('epoch', '9\n');
  put('epoch.copy', '9\n');
  nextEpoch(directory);
  const inode = statSync(path.join(directory, 'epoch')).ino;
  expect(nextEpoch(directory)).toBe(11);
  const after = statSync(path.join(directory, 'epoch'));
  expect([after.ino, after.size]).toEqual([inode, 11]);
});

test('a power cut between the two writes uses no number twice', () => {
  put('epoch', '43\n');
  put('epoch.copy', '42\n');
  expect(nextEpoch(directory)).toBe(44);
});

test('a count that is lost altogether is refused instead of beginning again', () => {
  for (const [first, second] of [
    ['x', 'y'],
    ['', ''],
    [String(EPOCH_MAX), String(EPOCH_MAX)],
  ] as const) {
    put('epoch', first);
    put('epoch.copy', second);
    expect(() => nextEpoch(directory)).toThrow(ConfigError);
    expect(readFileSync(path.join(directory, 'epoch'), 'utf8')).toBe(first);
  }
  rmSync(path.join(directory, 'epoch.copy'));
  put('epoch', 'x');
  expect(() => nextEpoch(directory)).toThrow(
    `${path.join(directory, 'epoch')} and ${path.join(directory, 'epoch.copy')}: expected the number of the last epoch, below 4294967295, found ["x"]; write one there that is higher than any recorded`,
  );
});

test('a directory that cannot be used is a setting that cannot be used', () => {
  put('file', '');
  const [file, below] = [path.join(directory, 'file'), path.join(directory, 'file', 'x')];
  const dangling = path.join(directory, 'link');
  symlinkSync(path.join(directory, 'gone', 'x'), dangling);
  for (const [data, reason] of [
    [file, 'it is a file'],
    [below, 'there is a file in its path'],
    [dangling, 'it cannot be made there'],
    ['/proc/nope', 'it cannot be made there'],
    ['/proc/nope/deeper', 'it cannot be made there'],
    [path.join(directory, 'x'.repeat(300)), 'a name in its path is too long'],
  ] as const) {
    const start = (): number => nextEpoch(data);
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(`data: expected a directory to write to, found "${data}": ${reason}`);
  }
});

test('a disk that fails is no setting', () => {
  // What is not a regular file stands in for one that cannot be read: EISDIR.
  mkdirSync(path.join(directory, 'epoch'));
  expect(() => nextEpoch(directory)).toThrow(
    expect.objectContaining({ name: 'Error', code: 'EISDIR' }),
  );
});

test('the last number there is can be used', () => {
  put('epoch', String(EPOCH_MAX - 1));
  expect(nextEpoch(directory)).toBe(EPOCH_MAX);
});

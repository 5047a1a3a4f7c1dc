import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSecret, removeSecret, writeSecret } from '../../../src/io/secret-file.ts';

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-secret-'));
  file = path.join(directory, 'claim-code');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a secret is kept for us alone until it is removed', () => {
  expect(readSecret(file)).toBeUndefined();
  writeSecret(file, 'one');
  writeSecret(file, 'two');
  expect(readSecret(file)).toBe('two');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  removeSecret(file);
  removeSecret(file);
  expect(readSecret(file)).toBeUndefined();
});

test('one that others could read is theirs no more when it is written', () => {
  writeFileSync(file, 'old\n');
  chmodSync(file, 0o644);
  writeSecret(file, 'new');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readSecret(file)).toBe('new');
});

test('what cannot be read is told', () => {
  mkdirSync(file);
  expect(() => readSecret(file)).toThrow('EISDIR');
  expect(() => writeSecret(file, 'x')).toThrow('EISDIR');
});

/** The accounts in real files: cut off at any byte, damaged at any, and the start that follows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wholeFile } from '../../../src/io/whole-file.ts';
import { AccountWorld, idOf } from '../../support/account-world.ts';

const BOSS = { who: 'admin', remote: { address: '', isLocal: true, isSecure: false } };

let directory = '';
let file = '';
let world: AccountWorld;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-accounts-'));
  file = path.join(directory, 'accounts.json');
  world = new AccountWorld();
  world.storage = wholeFile(file);
  await world.startClaimed();
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('a file of which any byte is another, or the rest is gone, is told by its hash', async () => {
  const sound = readFileSync(file);
  for (let at = 0; at < sound.length; at += 97) {
    const flipped = Buffer.from(sound);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    for (const bytes of [flipped, sound.subarray(0, at)]) {
      writeFileSync(file, bytes);
      const accounts = await world.start();
      expect(accounts.members.list(), String(at)).toHaveLength(5);
      // Both are as they were: what was damaged is mended.
      expect(readFileSync(file, 'utf8')).toBe(sound.toString());
    }
  }
});

test('with both of them damaged the gateway is shut, and the next sound file opens it', async () => {
  const sound = readFileSync(file);
  for (const one of [file, `${file}.copy`]) writeFileSync(one, sound.subarray(0, 100));
  await expect(world.start()).rejects.toMatchObject({ code: 'DAMAGED' });
  expect(readFileSync(file)).toEqual(sound.subarray(0, 100));
  writeFileSync(`${file}.copy`, sound);
  expect((await world.start()).members.list()).toHaveLength(5);
});

test('whatever a power cut leaves of a change, it was made or it was not', async () => {
  const before = readFileSync(file);
  const accounts = await world.start();
  await accounts.members.change(idOf('viewer'), { enabled: false }, BOSS);
  const after = readFileSync(file);
  const half = after.subarray(0, after.length / 2);
  // The four places at which it may have come: before either, between, behind, and in the writing.
  for (const [one, copy, left] of [
    [before, before, half],
    [before, before, after],
    [after, before, half],
    [after, after, undefined],
  ] as const) {
    writeFileSync(file, one);
    writeFileSync(`${file}.copy`, copy);
    if (left) writeFileSync(`${file}.new`, left);
    const next = await world.start();
    expect(next.members.get(idOf('viewer')).enabled).toBe(one === before);
    expect(readFileSync(`${file}.copy`)).toEqual(one);
  }
});

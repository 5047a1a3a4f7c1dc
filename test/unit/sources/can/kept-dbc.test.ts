import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptDbc } from '../../../../src/gateway/canning.ts';
import { FILE_BYTES_MAX } from '../../../../src/sources/can/dbc/text.ts';

let data: string;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'kept-dbc-'));
});

afterEach(() => rm(data, { recursive: true }));

const file = (bus: string, name: string, text = `${bus} ${name}`) => {
  return { bus, name, bytes: Buffer.from(text) };
};

test('all files of all buses, and nothing that was not sent', async () => {
  const kept = keptDbc(data);
  expect(await kept.all()).toEqual([]);
  const files = [file('body', 'a'), file('body', 'b'), file('drive', 'a')];
  await kept.replace(files.toReversed());
  await writeFile(path.join(data, 'dbc', 'note'), 'a file with the name of a bus');
  await writeFile(path.join(data, 'dbc', 'body', 'a.dbc.new'), 'what a power cut left');
  await writeFile(path.join(data, 'dbc', 'body', 'large.dbc'), '');
  await truncate(path.join(data, 'dbc', 'body', 'large.dbc'), FILE_BYTES_MAX + 1);
  expect(await kept.all()).toEqual(files);
  const { mode } = await stat(path.join(data, 'dbc', 'body', 'a.dbc'));
  expect(mode & 0o777).toBe(0o600);
});

test('those that come in place of others leave none of them', async () => {
  const kept = keptDbc(data);
  await kept.replace([file('body', 'a'), file('body', 'b'), file('drive', 'a')]);
  await kept.replace([file('body', 'b', 'new'), file('rear', 'c')]);
  expect(await kept.all()).toEqual([file('body', 'b', 'new'), file('rear', 'c')]);
  await kept.replace([]);
  expect(await kept.all()).toEqual([]);
  expect(await readdir(path.join(data, 'dbc'))).toEqual(['body', 'drive', 'rear']);
});

test.each([
  ['../body', 'car', /no name of a bus/],
  ['body', '../../car', /no name of a bus/],
  ['body', 'Car', /no name of a bus/],
  ['', 'car', /no name of a bus/],
])('%j and %j are no names', (bus, name, text) => {
  expect(keptDbc(data).problemOf([file('body', 'a'), file(bus, name)])).toMatch(text);
});

test('what a bus could not have is told', () => {
  const kept = keptDbc(data);
  const many = Array.from({ length: 17 }, (_, i) => file('body', `f${i}`));
  expect(kept.problemOf(many)).toBe('body has 17 files, and 16 at most count');
  expect(kept.problemOf([...many.slice(1), file('drive', 'a')])).toBeUndefined();
  const large = { ...file('body', 'a'), bytes: new Uint8Array(FILE_BYTES_MAX + 1) };
  expect(kept.problemOf([large])).toMatch(/^body\/a has 4194305 bytes, at most 4194304/);
});

test('a disk that fails is told of', async () => {
  await mkdir(path.join(data, 'dbc', 'body', 'car.dbc'), { recursive: true });
  const kept = keptDbc(data);
  await expect(kept.all()).rejects.toMatchObject({ code: 'UNREADABLE' });
  await expect(kept.replace([file('body', 'car')])).rejects.toMatchObject({ code: 'UNWRITABLE' });
});

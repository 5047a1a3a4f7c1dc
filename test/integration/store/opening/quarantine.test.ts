import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { numberKey } from '../../../../src/store/keys.ts';
import { openDatabase } from '../../../../src/store/lmdb.ts';
import { setAside } from '../../../../src/store/opening/quarantine.ts';

let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-aside-'));
  file = join(directory, 'data.mdb');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('the file gets another name, its lock file goes, and others stay', async () => {
  writeFileSync(file, 'damaged');
  for (const name of ['data.mdb-lock', 'j0', 'data.mdb.bad-x', 'data.mdb.bad-01']) {
    writeFileSync(join(directory, name), name);
  }
  expect(await setAside(file)).toBe(`${file}.bad-1`);
  expect(readFileSync(`${file}.bad-1`, 'utf8')).toBe('damaged');
  expect(readdirSync(directory).sort()).toEqual(
    ['data.mdb.bad-01', 'data.mdb.bad-1', 'data.mdb.bad-x', 'j0'].sort(),
  );
});

test('the newest three are kept, and their numbers count on', async () => {
  for (let n = 1; n <= 12; n++) {
    writeFileSync(file, `damage ${n}`);
    expect(await setAside(file)).toBe(`${file}.bad-${n}`);
  }
  expect(readdirSync(directory).sort()).toEqual(
    ['data.mdb.bad-10', 'data.mdb.bad-11', 'data.mdb.bad-12'].sort(),
  );
  expect(readFileSync(`${file}.bad-10`, 'utf8')).toBe('damage 10');
});

test('more than there should be, as after a power cut, are cleared with the next', async () => {
  for (const n of [2, 3, 4, 9]) writeFileSync(`${file}.bad-${n}`, '');
  writeFileSync(file, '');
  expect(await setAside(file)).toBe(`${file}.bad-10`);
  expect(readdirSync(directory).sort()).toEqual(
    ['data.mdb.bad-10', 'data.mdb.bad-4', 'data.mdb.bad-9'].sort(),
  );
});

test('where it cannot be renamed, nothing is removed and the error is told as it comes', async () => {
  writeFileSync(`${file}-lock`, '');
  for (const n of [1, 2, 3]) writeFileSync(`${file}.bad-${n}`, '');
  await expect(setAside(file)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(existsSync(`${file}.bad-1`) && existsSync(`${file}-lock`)).toBe(true);
});

test('a new store begins where a bad one was', async () => {
  writeFileSync(file, Buffer.alloc(8192, 1));
  writeFileSync(`${file}-lock`, Buffer.alloc(8272, 1));
  await setAside(file);
  const database = openDatabase(file, { fileBytes: 2 ** 20, readOnly: false });
  await database.commit([{ table: 'samples', key: numberKey(1), value: numberKey(2) }]);
  expect(database.get('samples', numberKey(1))).toEqual(numberKey(2));
  await database.close();
});

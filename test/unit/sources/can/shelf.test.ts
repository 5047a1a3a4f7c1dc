import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptFiles } from '../../../../src/io/kept-files.ts';
import { FILE_BYTES_MAX } from '../../../../src/sources/can/dbc/text.ts';
import { DbcShelf, type FixedFile } from '../../../../src/sources/can/shelf.ts';
import { BODY } from './body-dbc.ts';

const BYTES = new TextEncoder().encode(BODY);
const NO_DBC = new TextEncoder().encode('<html>not here</html>\n');

let data: string;

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'shelf-'));
});

afterEach(() => rm(data, { recursive: true }));

/** A shelf as after a start, and what the sources were told since: `bus: names of the files`. */
async function start(fixed: readonly FixedFile[] = []) {
  const told: string[] = [];
  const shelf = new DbcShelf({
    buses: ['body', 'drive'],
    fixed,
    filesOf: (bus) => keptFiles(data, ['dbc', bus]),
    changed: async (bus, databases) => {
      told.push(`${bus}: ${databases.map(({ name }) => name).join(', ')}`);
    },
    rest: turn,
  });
  await shelf.open();
  return { shelf, told };
}

const kept = (bus = 'body') => readdir(path.join(data, 'dbc', bus));

test('without a file there is nothing, and no directory is made', async () => {
  const { shelf, told } = await start();
  expect(shelf.list('body')).toEqual([]);
  expect(shelf.problems).toEqual([]);
  expect(told).toEqual(['body: ', 'drive: ']);
  expect(await readdir(data)).toEqual([]);
});

test('a file that is sent counts at once, and after a start', async () => {
  const { shelf, told } = await start();
  const file = await shelf.put('body', 'car', BYTES);
  expect(file).toMatchObject({ name: 'car', origin: 'upload', bytes: BYTES.length, problem: '' });
  expect(file.parsed?.database.messages.map(({ name }) => name)).toEqual(['Drive', 'Engine']);
  expect(told.slice(2)).toEqual(['body: car']);
  expect(await shelf.read('body', 'car')).toEqual(Buffer.from(BYTES));
  const again = await start();
  expect(again.told).toEqual(['body: car', 'drive: ']);
  expect(again.shelf.list('body')).toEqual(shelf.list('body'));
  const { mode } = await stat(path.join(data, 'dbc', 'body', 'car.dbc'));
  expect(mode & 0o777).toBe(0o600);
});

test('a file takes the place of one with its name, and of no other', async () => {
  const { shelf } = await start();
  await shelf.put('body', 'car', BYTES);
  await shelf.put('drive', 'car', BYTES);
  const shorter = new TextEncoder().encode('BO_ 1 One: 8 E\n');
  await shelf.put('body', 'car', shorter);
  expect((await start()).shelf.list('body')).toMatchObject([{ bytes: shorter.length }]);
  expect((await start()).shelf.list('drive')).toMatchObject([{ bytes: BYTES.length }]);
});

test('a file that is removed counts no more', async () => {
  const { shelf, told } = await start();
  await shelf.put('body', 'car', BYTES);
  await shelf.remove('body', 'car');
  expect(told.at(-1)).toBe('body: ');
  expect(await kept()).toEqual([]);
  await expect(shelf.read('body', 'car')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(shelf.remove('body', 'car')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('what is no DBC file is refused with its first line, and what was there stays', async () => {
  const { shelf } = await start();
  await shelf.put('body', 'car', BYTES);
  await expect(shelf.put('body', 'car', NO_DBC)).rejects.toMatchObject({
    code: 'UNREADABLE',
    message: expect.stringMatching(/no message in the file; line 1/),
  });
  const large = new Uint8Array(FILE_BYTES_MAX + 1);
  await expect(shelf.put('body', 'car', large)).rejects.toMatchObject({ code: 'UNREADABLE' });
  expect(await shelf.read('body', 'car')).toEqual(Buffer.from(BYTES));
});

test.each(['', '.', '..', 'a/b', '../x', 'A', 'a.dbc', 'ä', 'x'.repeat(41)])(
  'no file is called %j',
  async (name) => {
    const { shelf } = await start();
    await expect(shelf.put('body', name, BYTES)).rejects.toMatchObject({ code: 'BAD_NAME' });
    await expect(shelf.read('body', name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(data)).toEqual([]);
  },
);

test('a bus that is not there has no files', async () => {
  const { shelf } = await start();
  for (const bus of ['other', '..', '']) {
    const wanted = { code: 'NOT_FOUND', message: expect.stringContaining('body, drive') };
    await expect(shelf.put(bus, 'car', BYTES)).rejects.toMatchObject(wanted);
    expect(() => shelf.list(bus)).toThrow(expect.objectContaining(wanted));
  }
});

test('a bus has 16 files at most, and one of them can still be replaced', async () => {
  const { shelf } = await start();
  // All at once: each is counted in its turn.
  const sent = Array.from({ length: 18 }, (_, i) => shelf.put('body', `f${i}`, BYTES));
  const settled = await Promise.allSettled(sent);
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
  expect(settled.at(-1)).toMatchObject({ reason: { code: 'TOO_MANY' } });
  await shelf.put('body', 'f3', BYTES);
  expect(await kept()).toHaveLength(16);
});

test('a broken file is told of at the start, and keeps no other from counting', async () => {
  const directory = path.join(data, 'dbc', 'body');
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'good.dbc'), BODY);
  await writeFile(path.join(directory, 'broken.dbc'), NO_DBC);
  await writeFile(path.join(directory, 'large.dbc'), '');
  await truncate(path.join(directory, 'large.dbc'), FILE_BYTES_MAX + 1);
  await mkdir(path.join(directory, 'folder.dbc'));
  // What a power cut has left, and what is none of ours.
  await writeFile(path.join(directory, 'half.dbc.new'), BODY);
  await writeFile(path.join(directory, 'Read me.dbc'), BODY);
  const { shelf, told } = await start();
  expect(told).toEqual(['body: good', 'drive: ']);
  expect(shelf.list('body').map(({ name }) => name)).toEqual(['broken', 'folder', 'good', 'large']);
  expect(shelf.problems).toEqual([
    expect.stringMatching(/^body\/broken\.dbc: there is no message in the file/),
    expect.stringMatching(/^body\/folder\.dbc: EISDIR/),
    expect.stringMatching(/^body\/large\.dbc: the file has more than 4194304 bytes$/),
  ]);
  await shelf.put('body', 'broken', BYTES);
  expect(shelf.problems).toHaveLength(2);
});

test('a directory that cannot be read is told of', async () => {
  await writeFile(path.join(data, 'dbc'), 'a file in its place');
  const { shelf, told } = await start();
  expect(told).toEqual(['body: ', 'drive: ']);
  expect(shelf.problems[0]).toMatch(/^the DBC files of body: ENOTDIR/);
  await expect(shelf.put('body', 'car', BYTES)).rejects.toMatchObject({
    code: 'UNWRITABLE',
    message: expect.stringContaining('ENOTDIR'),
  });
  expect(shelf.list('body')).toEqual([]);
});

test('files of the setting count, under what of their names fits, and are not changed from here', async () => {
  const file = path.join(data, 'Body CAN (2019).DBC');
  await writeFile(file, BODY);
  const missing = path.join(data, 'missing.dbc');
  const { shelf, told } = await start([
    { bus: 'drive', file, origin: 'setting' },
    { bus: 'drive', file: missing, origin: 'setting' },
  ]);
  expect(told).toEqual(['body: ', 'drive: body-can-2019-']);
  expect(shelf.problems).toEqual([expect.stringMatching(/^drive\/missing\.dbc: ENOENT/)]);
  expect(shelf.list('drive')).toMatchObject([
    { name: 'body-can-2019-', origin: 'setting', problem: '' },
    { name: 'missing', origin: 'setting', parsed: undefined },
  ]);
  expect(await shelf.read('drive', 'body-can-2019-')).toEqual(Buffer.from(BYTES));
  await expect(shelf.read('drive', 'missing')).rejects.toMatchObject({ code: 'UNREADABLE' });
  const refused = { code: 'FROM_SETTING' };
  await expect(shelf.put('drive', 'body-can-2019-', BYTES)).rejects.toMatchObject(refused);
  await expect(shelf.remove('drive', 'missing')).rejects.toMatchObject(refused);
  expect(await readFile(file, 'utf8')).toBe(BODY);
});

test('of two files of the setting with one name the first counts, and the other is told of', async () => {
  const [first, second] = ['a', 'b'].map((directory) => path.join(data, directory, 'car.dbc'));
  if (first === undefined || second === undefined) throw new Error('there are two');
  for (const file of [first, second]) await mkdir(path.dirname(file));
  await writeFile(first, BODY);
  await writeFile(second, 'BO_ 1 One: 8 E\n');
  const { shelf } = await start([
    { bus: 'body', file: first, origin: 'setting' },
    { bus: 'body', file: second, origin: 'simulator' },
  ]);
  expect(shelf.list('body')).toMatchObject([
    { name: 'car', origin: 'setting', bytes: BYTES.length },
  ]);
  expect(await shelf.read('body', 'car')).toEqual(Buffer.from(BYTES));
  expect(shelf.problems).toEqual([
    expect.stringMatching(/^body\/car\.dbc: another file is called so/),
  ]);
});

test('a bus has no more files than it may have, whoever brings them', async () => {
  const fixed = Array.from({ length: 17 }, (_, i): FixedFile => {
    return { bus: 'body', file: path.join(data, `f${i}.dbc`), origin: 'setting' };
  });
  for (const { file } of fixed) await writeFile(file, BODY);
  const { shelf } = await start(fixed);
  expect(shelf.list('body')).toHaveLength(16);
  expect(shelf.problems).toEqual(['body/f16.dbc: a bus has 16 files at most']);
});

test('the file of a simulated bus is not changed, and no setting is said to name it', async () => {
  const file = path.join(data, 'car.dbc');
  await writeFile(file, BODY);
  const { shelf } = await start([{ bus: 'body', file, origin: 'simulator' }]);
  expect(shelf.list('body')).toMatchObject([{ name: 'car', origin: 'simulator' }]);
  expect(await shelf.read('body', 'car')).toEqual(Buffer.from(BYTES));
  const refused = {
    code: 'FROM_SETTING',
    message: 'car comes with the simulated bus, and says what its frames mean',
  };
  await expect(shelf.put('body', 'car', BYTES)).rejects.toMatchObject(refused);
  await expect(shelf.remove('body', 'car')).rejects.toMatchObject(refused);
});

test('a disk that takes nothing changes nothing', async () => {
  const full = () => Promise.reject(Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' }));
  const before = await start();
  await before.shelf.put('body', 'car', BYTES);
  const told: string[] = [];
  const shelf = new DbcShelf({
    buses: ['body'],
    fixed: [],
    filesOf: (bus) => ({ ...keptFiles(data, ['dbc', bus]), write: full, remove: full }),
    changed: async (bus) => void told.push(bus),
    rest: turn,
  });
  await shelf.open();
  const refused = { code: 'UNWRITABLE', message: expect.stringContaining('ENOSPC') };
  await expect(shelf.put('body', 'other', BYTES)).rejects.toMatchObject(refused);
  await expect(shelf.remove('body', 'car')).rejects.toMatchObject(refused);
  expect(shelf.list('body').map(({ name }) => name)).toEqual(['car']);
  expect(told).toEqual(['body']);
});

test('files beyond those that a bus may have are told of, as is one that a setting hides', async () => {
  const { shelf } = await start();
  for (let i = 0; i < 16; i++) await shelf.put('body', `f${i}`, BYTES);
  const file = path.join(data, 'f3.dbc');
  await writeFile(file, BODY);
  await writeFile(path.join(data, 'dbc', 'body', 'g.dbc'), BODY);
  const again = await start([{ bus: 'body', file, origin: 'setting' }]);
  expect(again.shelf.list('body')).toHaveLength(16);
  expect(again.shelf.problems).toEqual([
    'body/f3.dbc: another file is called so, which the setting dbc names or the simulated bus brings',
    'body/g.dbc: a bus has 16 files at most',
  ]);
});

/** The program on a store that a gateway, in this process, has open. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordInto, sessionOf } from '../../support/recorded-store.ts';

const TOP = path.resolve(import.meta.dirname, '../../..');
const PROGRAM = path.join(TOP, 'scripts/vigil.ts');
let top = '';
let data = '';
let gateway: { close(): Promise<void> };

beforeAll(async () => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-program-'));
  data = path.join(top, 'data');
  mkdirSync(data);
  const ended = sessionOf(1, 1, 0, 20e6);
  await (await recordInto(data, { epoch: 1, seconds: 30, sessions: [ended] })).close();
  const lasting = { ...sessionOf(2, 2, 0, null), driver: 'Eve\u001b[31m', vehicle: 'B-XY 1' };
  gateway = await recordInto(data, { epoch: 2, seconds: 41, sessions: [lasting] });
});

afterAll(async () => {
  await gateway.close();
  rmSync(top, { recursive: true });
});

function vigil(...args: string[]) {
  // The cache that scripts/vigil uses.
  const cache = path.join(TOP, 'node_modules/.cache/node');
  const env = { VIGIL_DATA: data, TZ: 'UTC', NODE_COMPILE_CACHE: cache };
  const run = spawnSync(process.execPath, [PROGRAM, ...args], { cwd: top, env, encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

const lines = (text: string): string[] => text.trimEnd().split(/\r?\n/);

test('sessions are a table, with what is computed of one that lasts', () => {
  const { status, out } = vigil('sessions');
  expect(out).toBe(
    [
      'ID  START               DURATION   KM  ENDED     DRIVER    VEHICLE  TAGS      PINNED',
      ' 1  2026-11-01 12:00        0:20  0.2  ignition  Ada       -        test,wet  yes',
      ' 2  2026-11-02 12:00 ?      0:40  0.4  open      Eve?[31m  B-XY 1   test,wet  -',
      '? nobody had set the clock',
      '',
    ].join('\n'),
  );
  expect(status).toBe(0);
});

test('sessions are JSON for programs', () => {
  const [first, second] = JSON.parse(vigil('sessions', '--json').out);
  expect(first).toMatchObject({ id: 1, start: '2026-11-01T12:00:00.000Z', trust: 'ntp' });
  expect(second.stats).toMatchObject({ streams: { 'eeg.raw': { n: 4100, lost: 0 } } });
});

test('an export goes to a file that is not written over', () => {
  const name = 'vigil-session-1.csv';
  const first = vigil('export', '1', '--format', 'csv');
  expect(first).toMatchObject({ status: 0, out: '' });
  expect(first.err).toMatch(/^vigil-session-1\.csv: \d+\.\d KB\n$/);
  const file = path.join(top, name);
  const text = readFileSync(file, 'utf8');
  expect(lines(text)).toHaveLength(1 + 20 * 102);
  writeFileSync(file, 'mine');
  const second = vigil('export', '1', '--format', 'csv');
  expect(second).toMatchObject({
    status: 2,
    err: `vigil: ${name} is there already; --force writes over it\n`,
  });
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect(vigil('export', '1', '--format', 'csv', '--force').status).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(top).toSorted()).toEqual(['data', name]);
});

test('a window and some streams of the last session go to standard output', () => {
  const args = ['--streams', 'obd,marker', '--from', '10s', '--to', '0m15s', '-o', '-'];
  const { out, status } = vigil('export', 'last', '--format', 'csv', ...args);
  expect(status).toBe(0);
  const [, ...rows] = lines(out);
  expect(rows).toHaveLength(10);
  expect(rows.slice(0, 2)).toEqual([
    '2026-11-02T12:00:10.000000Z,10000000,obd.vehicle.speed,36,km/h,,none',
    '2026-11-02T12:00:10.000000Z,10000000,marker,,1,"{""second"":10}",none',
  ]);
});

test('all is every start of the gateway, also outside of sessions', () => {
  const { out } = vigil('export', 'all', '--format', 'jsonl', '--streams', 'marker', '-o', '-');
  expect(lines(out).filter((line) => line.includes('"second"'))).toHaveLength(30 + 41);
});

test('who reads an export may leave', async () => {
  const args = ['export', 'all', '--format', 'csv', '-o', '-', `--data=${data}`];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  expect({ code, err }).toEqual({ code: 0, err: '' });
});

test('verify says that a store is good, and what of one is not', () => {
  const good = vigil('verify');
  expect(good.status).toBe(0);
  expect(good.out).toMatch(/^TABLE +ENTRIES +BYTES +DAMAGED\nmeta/);
  expect(good.out).toMatch(/\nsessions +2 .* -\n/);
  expect(good.out).toMatch(/\njournal: \d+ records beyond these, with 4182 values\n/);
  expect(lines(good.out).at(-1)).toBe(`${data}: good`);
  const copy = path.join(top, 'copy');
  cpSync(data, copy, { recursive: true });
  const file = path.join(copy, 'data.mdb');
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf('"Ada"'); at >= 0; at = bytes.indexOf('"Ada"', at)) {
    bytes.write('"Eda"', at);
  }
  writeFileSync(file, bytes);
  const bad = vigil('verify', '--data', copy);
  rmSync(copy, { recursive: true });
  expect(bad.status).toBe(1);
  expect(bad.out).toMatch(/\nsessions +2 .* 1\n/);
  expect(bad.out).toMatch(/ {2}sessions 00000001: record 00000001: its \d+ bytes are damaged\n/);
});

test('a file says what people said of the session, whichever part of it it holds', () => {
  const about = (...args: string[]) => {
    const { out } = vigil('export', ...args, '--format', 'jsonl', '--streams', 'marker', '-o', '-');
    return JSON.parse(lines(out)[0] ?? '');
  };
  expect(about('1', '--from', '5s')).toMatchObject({
    title: 'session 1',
    about: { session: 1, driver: 'Ada', tags: ['test', 'wet'], clockTrust: 'ntp' },
  });
  expect(about('1', '--from', '5s').about).toMatchObject({
    startedAt: '2026-11-01T12:00:00.000Z',
    endedAt: '2026-11-01T12:00:20.000Z',
  });
  expect(about('2').about).toMatchObject({ vehicle: 'B-XY 1', endedAt: null });
  expect(about('all')).not.toHaveProperty('about');
});

test('what the system refuses is told in a sentence', () => {
  const loop = path.join(top, 'loop');
  symlinkSync(loop, loop);
  const { err, status } = vigil('sessions', '--data', loop);
  rmSync(loop);
  expect(err).toBe(
    `vigil: ${loop}/data.mdb cannot be opened: too many symbolic links encountered\n`,
  );
  expect(status).toBe(1);
});

test.each([
  [
    [],
    2,
    /^vigil: expected a command: one of sessions, export, backtest, verify, replay; see --help\n$/,
  ],
  [['list'], 2, /^vigil: expected a command, .* found "list"; see --help\n$/],
  [
    ['sessions', '--jsno'],
    2,
    /^vigil: there is no option --jsno, did you mean --json\? --help lists them\n$/,
  ],
  [['sessions', '--speed', '1'], 2, /^vigil: there is no option --speed; --help lists them\n$/],
  [['export', '1'], 2, /^vigil: expected --format; see --help\n$/],
  [['export', '9', '--format', 'csv'], 2, /^vigil: no session "9"; there are 1 to 2\n$/],
  [['export', '1', '--format', 'xls'], 2, /^vigil: no format "xls": one of csv, .*\n$/],
  [['export', '1', '--format', 'csv', '--from', 'x'], 2, /^vigil: --from: .* found "x"\n$/],
  [
    ['export', '1', '--format', 'csv', '--streams', 'can', '-o', 'x'],
    1,
    /^vigil: nothing was ever stored of "can"\n$/,
  ],
  [['export', '1', '--format', 'csv', '-o', 'no/x.csv'], 2, /^vigil: no: no folder is there\n$/],
  [['export', '1', '--format', 'csv', '-o', 'data'], 2, /^vigil: data: expected a file, .*\n$/],
  [['export', '1', '--format', 'candump'], 2, /^vigil: session 1 has no CAN frames\n$/],
  [['export', 'all', '--format', 'candump'], 2, /^vigil: the recording has no CAN frames\n$/],
  [
    [
      'export',
      '1',
      '--format',
      'csv',
      '--streams',
      'obd',
      '--from',
      '5m',
      '--to',
      '10m',
      '-o',
      'x',
    ],
    2,
    /^vigil: nothing of session 1 lies in 5:00 to 10:00: it lasts 0:20\n$/,
  ],
  [
    ['export', '2', '--format', 'csv', '--from', '1h', '-o', 'x'],
    2,
    /^vigil: nothing of session 2 lies in 1:00:00 to its end: it lasts 0:40\n$/,
  ],
  [
    ['export', '1', '--format', 'csv', '--from', '9s', '--to', '5s', '-o', 'x'],
    2,
    /^vigil: --from: expected at most --to, 0:05, found 0:09\n$/,
  ],
  [['replay', '9'], 2, /^vigil: no session "9"; there are 1 to 2\n$/],
  [['sessions', '--data', '/nowhere'], 1, /^vigil: \/nowhere: no store is there\n$/],
  [['verify', '--data', '/nowhere'], 1, /^vigil: \/nowhere: no store is there\n$/],
])('%j is refused in a sentence', (args, status, err) => {
  const run = vigil(...args);
  expect(run.err).toMatch(err);
  expect(run).toMatchObject({ status, out: '' });
  expect(readdirSync(top).filter((name) => /log$|^x/.test(name))).toEqual([]);
});

test('replay becomes the gateway, with the session, the data and what else was given', () => {
  // One setting that the gateway refuses shows that it was the gateway.
  const { status, err } = vigil('replay', 'last', '--speed', '0');
  expect(err).toMatch(/^vigil: flag --speed: expected .*, found "?0"?\n$/);
  expect(status).toBe(78);
});

test('an export that is interrupted leaves nothing behind', async () => {
  const file = path.join(top, 'cut.csv');
  const args = ['export', 'all', '--format', 'csv', '-o', file, `--data=${data}`];
  // Stops itself at its first write, as Ctrl-C would.
  const interrupt =
    'data:text/javascript,process.on("newListener",(name)=>name==="SIGINT"&&setImmediate(()=>process.kill(process.pid,"SIGINT")))';
  const child = spawn(process.execPath, ['--import', interrupt, PROGRAM, ...args]);
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  expect({ code, err }).toEqual({
    code: 130,
    err: 'vigil: interrupted; nothing was left behind\n',
  });
  expect(readdirSync(top).filter((name) => name.startsWith('cut'))).toEqual([]);
});

test('the command tells how it is used', () => {
  const { stdout, status } = spawnSync(path.join(TOP, 'scripts/vigil'), ['--help'], {
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^usage: scripts\/vigil COMMAND/);
  expect(status).toBe(0);
});

/** A configuration file in every state that a power cut or a person can leave it in. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { keepGood, startingWith } from '../../../src/gateway/last-good.ts';

const GOOD = '# my car\nobd: "sim:"\nspeed: 2\n';
let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-last-good-'));
  file = path.join(directory, 'vigil.yaml');
  writeFileSync(file, GOOD);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function start(...flags: readonly string[]) {
  const argv = ['--config', file, '--data', directory, ...flags];
  return startingWith(argv, {}, (name) => readFileSync(name, 'utf8'));
}

/** A start that went well with what the file has. */
async function startWell(): Promise<void> {
  const starting = await start();
  expect(starting.fault).toBeUndefined();
  await keepGood(starting);
}

function write(text: string | Uint8Array): void {
  writeFileSync(file, text);
}

const FAULTS: readonly (readonly [name: string, leave: () => void, fault: object])[] = [
  ['empty', () => write(''), { expected: expect.stringContaining('its end is missing') }],
  [
    'half, at the end of a line',
    () => write(GOOD.slice(0, GOOD.indexOf('\nspeed'))),
    { expected: expect.stringContaining('its end is missing') },
  ],
  ['half, within a word', () => write(GOOD.slice(0, -6)), { line: 3, key: null }],
  ['of zeros', () => write(new Uint8Array(GOOD.length)), { line: 1 }],
  ['a wrong type', () => write('log: [1]\n'), { line: 1, key: 'log', found: '[1]' }],
  ['a wrong value', () => write('\nspeed: 0\n'), { line: 2, key: 'speed', found: '0' }],
  ['settings that do not go together', () => write('speed: 2\n'), { key: null }],
  ['UTF-16 with its mark', () => write(Buffer.from(`\ufeff${GOOD}`, 'utf16le')), { line: 1 }],
  ['1 MB', () => write(`#${'x'.repeat(2 ** 20)}\n`), { line: null, found: null }],
  [
    'no YAML',
    () => write('log: info\nobd: [1\n'),
    { expected: expect.stringMatching(/^not YAML/) },
  ],
  ['removed', () => rmSync(file), { expected: 'no such file' }],
  [
    'a directory',
    () => {
      rmSync(file);
      mkdirSync(file);
    },
    { expected: 'a directory, not a file' },
  ],
];

test.each(FAULTS)(
  '%s: the last good one is used, and the fault is told',
  async (_, leave, fault) => {
    await startWell();
    leave();
    const starting = await start();
    expect(starting.invocation.config).toMatchObject({ obd: { kind: 'sim' }, speed: 2 });
    expect(starting.fault).toMatchObject(fault);
    expect(starting.fault?.text).toMatch(/^(speed: |.*vigil\.yaml)/);
  },
);

test.each(FAULTS.filter(([name]) => name !== 'empty' && name !== 'half, at the end of a line'))(
  '%s: the first start of all is refused',
  async (_, leave) => {
    leave();
    await expect(start()).rejects.toThrow(ConfigError);
  },
);

test.each(FAULTS)('%s: --check says so', async (_, leave) => {
  await startWell();
  leave();
  await expect(start('--check')).rejects.toThrow(ConfigError);
});

test('no permission to read it', async () => {
  await startWell();
  const denied = () => {
    throw Object.assign(new Error('denied'), { code: 'EACCES' });
  };
  const { fault, invocation } = await startingWith(
    ['--config', file, '--data', directory],
    {},
    denied,
  );
  expect(fault).toMatchObject({ expected: 'no permission to read it', file });
  expect(invocation.config.speed).toBe(2);
});

test('a byte order mark of UTF-8, a file of remarks and a shorter one are no faults', async () => {
  await startWell();
  for (const text of [`\ufeff${GOOD}`, '# nothing\n', GOOD.split('speed')[0] ?? '']) {
    write(text);
    expect((await start()).fault).toBeUndefined();
  }
});

test('what was mended is used again, and is good from then on', async () => {
  await startWell();
  write('speed: x\n');
  await keepGood(await start());
  write(GOOD.replace('2', '3'));
  await startWell();
  rmSync(file);
  expect((await start()).invocation.config.speed).toBe(3);
});

test('what is kept is nobody else’s to read, and is read from its copy where it is damaged', async () => {
  await startWell();
  const kept = path.join(directory, 'settings.good');
  expect(statSync(kept).mode & 0o777).toBe(0o600);
  writeFileSync(kept, 'x');
  write('speed: x\n');
  expect((await start()).fault).toBeDefined();
  writeFileSync(`${kept}.copy`, '{}');
  await expect(start()).rejects.toThrow('vigil.yaml line 1');
});

test('of another file nothing is good', async () => {
  await startWell();
  const other = path.join(directory, 'other.yaml');
  writeFileSync(other, 'speed: x\n');
  const argv = ['--config', other, '--data', directory];
  const starting = startingWith(argv, {}, (name) => readFileSync(name, 'utf8'));
  await expect(starting).rejects.toThrow('other.yaml line 1');
});

test('a wrong flag is no fault of the file', async () => {
  await startWell();
  await expect(start('--log', 'loud')).rejects.toThrow('flag --log');
});

test('a start that fails with the file has the last good one to go on with', async () => {
  await startWell();
  write(`${GOOD}http: 192.0.2.1:80\n`);
  const starting = await start();
  expect(starting.fault).toBeUndefined();
  const other = starting.instead(new ConfigError('http: 192.0.2.1: not ours'));
  expect(other).toMatchObject({
    fault: { text: 'http: 192.0.2.1: not ours' },
    refused: `${GOOD}http: 192.0.2.1:80\n`,
  });
  expect(other?.invocation.config.http.host).toBe('127.0.0.1');
  expect(other?.instead(new ConfigError('again'))).toBeUndefined();
  write(GOOD);
  expect((await start()).instead(new ConfigError('no other'))).toBeUndefined();
});

test('a directory that cannot be read has no last good one', async () => {
  await startWell();
  rmSync(path.join(directory, 'settings.good.copy'));
  rmSync(path.join(directory, 'settings.good'));
  mkdirSync(path.join(directory, 'settings.good'));
  write('speed: x\n');
  await expect(start()).rejects.toThrow('vigil.yaml line 1');
});

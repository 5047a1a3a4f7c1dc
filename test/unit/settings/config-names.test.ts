/** Where settings are written, and by which names. */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/settings/config.ts';
import { type Input, read, refusal } from './read-config.ts';

test('one setting has one name in each place', () => {
  const inputs: Input[] = [
    { file: 'requireTls: false' },
    { file: 'requireTls: "false"' },
    { env: { VIGIL_REQUIRE_TLS: 'false' } },
    { flags: ['--require-tls', 'false'] },
    { flags: ['--require-tls=false'] },
  ];
  for (const input of inputs) expect(read(input).config.requireTls).toBe(false);
  expect(refusal({ file: 'require-tls: false' })).toContain('did you mean requireTls?');
  expect(refusal({ env: { VIGIL_REQUIRETLS: 'no' } })).toContain('called "requiretls", did you');
  expect(refusal({ flags: ['--requireTls', 'no'] })).toContain('did you mean --require-tls?');
  expect(refusal({ flags: ['--require-tls'] })).toBe('flag --require-tls: its value is missing');
  expect(refusal({ flags: ['--require-tls', '-1'] })).toMatch(/: expected true or false, found/);
});

test('what was written says where, and the defaults are in no place', () => {
  const { written, file } = read({ file: '#\nlog: warn\neeg: []', env: { VIGIL_SPEED: '1' } });
  const origins = [...written].map(([key, { origin }]) => [key, origin]);
  expect(origins).toEqual([
    ['log', { kind: 'file', name: 'vigil.yaml', line: 2 }],
    ['eeg', { kind: 'file', name: 'vigil.yaml', line: 3 }],
    ['speed', { kind: 'variable', name: 'VIGIL_SPEED', line: null }],
  ]);
  expect(file).toMatchObject({ path: 'vigil.yaml', isNamed: true });
});

test('without a file that somebody names, one in the data directory is read, if there is one', () => {
  const asked: string[] = [];
  const readFile = (name: string): string => {
    asked.push(name);
    return 'log: warn';
  };
  const { config, file } = readConfig(['--data', '/var/x'], {}, readFile);
  expect(config.log).toBe('warn');
  expect(asked).toEqual(['/var/x/settings.yaml']);
  expect(file).toMatchObject({ isNamed: false, data: '/var/x', text: 'log: warn' });
  expect(read({ flags: ['--data', '/var/x'] })).toMatchObject({ file: { text: undefined } });
  const denied = (): string => {
    throw Object.assign(new Error('denied'), { code: 'EACCES' });
  };
  expect(() => readConfig(['--data', '/x'], {}, denied)).toThrow('no permission to read it');
});

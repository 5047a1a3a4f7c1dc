/** What the code depends on in the unit that starts it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { exitCodeOf } from '../../src/gateway/exit.ts';
import { settingsFile } from '../../src/settings/config.ts';

const text = readFileSync(new URL('../../systemd/vigil.service', import.meta.url), 'utf8');

/** The values of a key, in the order of its lines; see systemd.syntax(7). */
function valuesOf(key: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`${key}=`));
  return lines.map((line) => line.slice(key.length + 1));
}

function wordsOf(key: string): string[] {
  return valuesOf(key).flatMap((value) => value.split(' '));
}

test('a child of the process may notify, because Node itself cannot', () => {
  expect(valuesOf('Type')).toEqual(['notify']);
  expect(valuesOf('NotifyAccess')).toEqual(['all']);
});

test('only a configuration that cannot be used is not tried again', () => {
  expect(valuesOf('Restart')).toEqual(['always']);
  expect(valuesOf('RestartPreventExitStatus')).toEqual([String(exitCodeOf(new ConfigError('x')))]);
});

test('the settings are where the gateway can write them', () => {
  expect(valuesOf('ProtectSystem')).toEqual(['strict']);
  const [, ...argv] = valuesOf('ExecStart').join(' ').split('/opt/vigil/src/main.ts ');
  const { path: file, data } = settingsFile(argv.join(' ').split(' '), {});
  expect(file).toBe('/var/lib/vigil/settings.yaml');
  expect(valuesOf('StateDirectory').map((name) => `/var/lib/${name}`)).toEqual([data]);
});

test('the boot id of the kernel, below /proc/sys, can be read', () => {
  expect(valuesOf('ProcSubset')).not.toContain('pid');
});

test('V8 may run what it compiles', () => {
  expect(valuesOf('MemoryDenyWriteExecute')).not.toContain('yes');
});

test('serial devices are allowed, and their drivers are loaded before the allowing', () => {
  const kinds = ['ttyUSB', 'ttyACM', 'ttyAMA', 'ttyS', 'rfcomm'];
  expect(valuesOf('DeviceAllow')).toEqual(kinds.map((kind) => `char-${kind} rw`));
  for (const driver of ['usbserial', 'cdc_acm', 'rfcomm']) {
    expect(wordsOf('Wants')).toContain(`modprobe@${driver}.service`);
    expect(wordsOf('After')).toContain(`modprobe@${driver}.service`);
  }
});

test('no group is asked for that a Debian without Bluetooth lacks', () => {
  expect(wordsOf('SupplementaryGroups')).toEqual(['dialout']);
});

test('more threads than ports that could hang in an open', () => {
  expect(wordsOf('Environment')).toContain('UV_THREADPOOL_SIZE=8');
  const start = readFileSync(new URL('../../scripts/start.sh', import.meta.url), 'utf8');
  expect(start).toContain('UV_THREADPOOL_SIZE=8');
});

test('systemd waits for a stop longer than the process does', () => {
  expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(5);
});

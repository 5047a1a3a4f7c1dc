import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemdPower } from '../../../src/io/power.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-power-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** In place of systemctl; nothing else is found. */
function systemctl(script: string) {
  const program = path.join(directory, 'systemctl');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return systemdPower({ PATH: directory, NOTIFY_SOCKET: 'x' }, 1);
}

test('systemd tells in the environment whether it has started the process', () => {
  const isSupervised = (env: Record<string, string>) => systemdPower(env, 42).isSupervised;
  expect(isSupervised({})).toBe(false);
  expect(isSupervised({ NOTIFY_SOCKET: '/run/x' })).toBe(true);
  expect(isSupervised({ INVOCATION_ID: 'abc' })).toBe(true);
  expect(isSupervised({ INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '42' })).toBe(true);
  // A terminal of a desktop, which is a unit itself.
  expect(isSupervised({ INVOCATION_ID: 'abc', SYSTEMD_EXEC_PID: '7' })).toBe(false);
});

test('the computer is switched off by systemd, which asks nobody for a password', async () => {
  const power = systemctl('[ "$*" = "--no-ask-password poweroff" ]');
  await expect(power.off()).resolves.toBeUndefined();
});

test('a refusal is told with what systemd says', async () => {
  const power = systemctl('echo "Call to PowerOff failed: Access denied" >&2; exit 1');
  await expect(power.off()).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('Access denied'),
  });
});

test('a computer without systemd is told', async () => {
  const power = systemdPower({ PATH: directory }, 1);
  await expect(power.off()).rejects.toMatchObject({ code: 'REFUSED' });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-config-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** What the gateway says and how it ends; it has to end by itself. */
function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env['PATH'] },
  });
  return { status, stdout, stderr };
}

test('what cannot be used is told in one line, with the exit code of sysexits(3) for it', () => {
  writeFileSync(path.join(directory, 'vigil.yaml'), 'log: info\nwallpaper: 5\n');
  const { status, stdout, stderr } = run('--config', 'vigil.yaml');
  expect(stderr).toMatch(/^vigil: vigil\.yaml line 2: no setting is called "wallpaper"; .*\n$/);
  expect([status, stdout]).toEqual([78, '']);
});

test('--check says that a configuration is good, or why it is not, and starts nothing', () => {
  expect(run('--check', '--sim', '1')).toMatchObject({ status: 0, stderr: '' });
  expect(run('--check', '--sim', 'x')).toMatchObject({ status: 78, stdout: '' });
});

test('a missing file and an unknown flag are no crash', () => {
  for (const args of [
    ['--config', 'none.yaml'],
    ['--wallpaper', '5'],
  ]) {
    const { status, stderr } = run(...args);
    expect(stderr).toMatch(/^vigil: .*\n$/);
    expect(status).toBe(78);
  }
});

test('an MQTT port that another has is told in one line, and ends the start', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = Object(other.address());
  const { status, stderr } = run(
    ...['--data', directory, '--http', '127.0.0.1:0', '--mqtt', `127.0.0.1:${port}`],
  );
  expect(stderr).toMatch(/^vigil: mqtt: 127\.0\.0\.1:\d+: in use by another process.*\n$/);
  expect(status).toBe(78);
});

test('help and the version are one flag away', () => {
  expect(run('-h').stdout).toBe(run('--help').stdout);
  expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a lost count of epochs stops the start, before anything could be recorded twice', () => {
  writeFileSync(path.join(directory, 'epoch'), 'x');
  const { status, stderr } = run('--data', directory, '--http', '127.0.0.1:0');
  expect(stderr).toContain('expected the number of the last epoch');
  expect(status).toBe(78);
});

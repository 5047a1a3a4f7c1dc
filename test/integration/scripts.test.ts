/** The scripts on a machine that lacks something, played by commands of our own. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPTS = path.resolve(import.meta.dirname, '../../scripts');
let top = '';
let bin = '';

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-scripts-'));
  bin = path.join(top, 'bin');
  mkdirSync(bin);
  mkdirSync(path.join(top, 'scripts'));
  for (const name of ['bash', 'dirname', 'uname', 'cmp', 'cp', 'rm']) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    symlinkSync(stdout.trim(), path.join(bin, name));
  }
});

afterEach(() => {
  rmSync(top, { recursive: true });
});

/** A command of this machine. */
function command(name: string, body: string): void {
  const file = path.join(bin, name);
  writeFileSync(file, `#!${bin}/bash\n${body}\n`);
  chmodSync(file, 0o755);
}

function run(script: string) {
  const file = path.join(top, 'scripts', script);
  copyFileSync(path.join(SCRIPTS, script), file);
  return spawnSync(path.join(bin, 'bash'), [file], { encoding: 'utf8', env: { PATH: bin } });
}

test('without root and without sudo, tests say what to install', () => {
  command('id', 'echo 1000');
  command('apt-get', 'exit 1');
  const { status, stderr } = run('test.sh');
  expect(stderr).toBe('test: sudo is missing: install chromium socat systemd as root\n');
  expect(status).toBe(1);
});

test('a set-up that was interrupted begins again, also with the lock file of before', () => {
  const [lock, stamp] = ['package-lock.json', 'node_modules/.vigil-lock'].map((name) =>
    path.join(top, name),
  );
  mkdirSync(path.join(top, 'node_modules'));
  writeFileSync(stamp ?? '', 'old');
  writeFileSync(lock ?? '', 'new');
  command('node', 'echo 24');
  command('npm', 'exit 1');
  expect(run('setup.sh')).toMatchObject({ status: 1 });
  writeFileSync(lock ?? '', 'old');
  const { status, stdout, stderr } = run('setup.sh');
  expect(stdout).toContain('installing the packages');
  expect(stderr).toContain('npm ci ended with an error');
  expect(status).toBe(1);
});

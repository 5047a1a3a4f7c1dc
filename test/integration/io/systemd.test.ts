import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemd } from '../../../src/io/systemd.ts';

/** Stands in for systemd: a Unix datagram socket and what was received on it. */
async function listen() {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-notify-'));
  const socket = path.join(directory, 'notify');
  const receiver = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-']);
  const gone = once(receiver, 'exit');
  onTestFinished(async () => {
    receiver.kill();
    await gone;
    rmSync(directory, { recursive: true });
  });
  const received: string[] = [];
  receiver.stdout.on('data', (chunk) => received.push(String(chunk)));
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true), { timeout: 5_000 });
  return { env: { ...process.env, NOTIFY_SOCKET: socket }, text: () => received.join('') };
}

test('states arrive at the socket that systemd named', async () => {
  const { env, text } = await listen();
  const onError = vi.fn();
  systemd(env, onError).notify('READY=1', 'STATUS=2 devices');
  await vi.waitFor(() => expect(text()).toContain('STATUS=2 devices'), { timeout: 5_000 });
  expect(text().split('\n')).toContain('READY=1');
  expect(onError).not.toHaveBeenCalled();
});

test('a message that cannot be sent is told to the caller', async () => {
  const env = { ...process.env, NOTIFY_SOCKET: '/nonexistent/notify' };
  const error = await new Promise((resolve) => systemd(env, resolve).notify('READY=1'));
  expect(error).toBeInstanceOf(Error);
  const { promise, resolve } = Promise.withResolvers<Error>();
  systemd({ NOTIFY_SOCKET: '/x', PATH: '/nonexistent' }, resolve).notify('READY=1');
  expect(await promise).toMatchObject({ code: 'ENOENT' });
});

/** A small system may be without it. */
const analyzer = spawnSync('systemd-analyze', ['--version']).error === undefined;

test.runIf(analyzer)('the unit keeps the process away from what it does not need', () => {
  const unit = path.resolve(import.meta.dirname, '../../../systemd/vigil.service');
  const args = ['security', '--offline=yes', '--threshold=20', '--no-pager', unit];
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  expect(stdout + stderr).toContain('Overall exposure level');
  expect(status).toBe(0);
});

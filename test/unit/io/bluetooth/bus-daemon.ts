import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A message bus of its own, by the daemon that the bus of the system is run by too. */
export interface BusDaemon extends AsyncDisposable {
  readonly address: string;
  readonly process: ChildProcess;
}

export async function startBusDaemon(): Promise<BusDaemon> {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-bus-'));
  const address = `unix:path=${path.join(directory, 'bus')}`;
  const args = ['--session', '--nofork', '--nosyslog', '--print-address=1', `--address=${address}`];
  const child = spawn('dbus-daemon', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return {
    address,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.kill('SIGKILL')) await once(child, 'exit');
      rmSync(directory, { recursive: true });
    },
  };
}

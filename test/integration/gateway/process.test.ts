import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, type Gateway, Subscriber, startGateway } from '../../support/gateway.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
/** The gateway gives its parts 5 s to stop; more than that is a hang. */
const STOP_MS_MAX = 7_000;
const SIMULATED = ['--sim', '1'];

/** Tells it to stop and how it ended; fails when that takes too long. */
async function stopped(gateway: Gateway, signal: NodeJS.Signals): Promise<unknown> {
  gateway.kill(signal);
  await eventually(
    'the gateway ends',
    () => ({ done: !gateway.running, seen: gateway.log.join('\n') }),
    STOP_MS_MAX,
  );
  return gateway.exited;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops it with clients and devices, exit code 0',
  async (signal) => {
    await using gateway = await startGateway({ args: SIMULATED });
    using client = new Subscriber(gateway);
    await client.more('eeg.raw', 100);
    expect(await stopped(gateway, signal)).toEqual({ code: 0, signal: null });
    expect(gateway.log.at(-1)).toContain('stopping');
    expect(gateway.errors).toEqual([]);
  },
);

test('it stops while it looks for devices that are not there', async () => {
  const args = ['--obd', 'serial:///nonexistent/elm', '--eeg', 'thinkgear+tcp://127.0.0.1:1'];
  await using gateway = await startGateway({ args });
  await gateway.untilPart('obd', ({ status }) => status === 'waiting');
  expect(await stopped(gateway, 'SIGTERM')).toEqual({ code: 0, signal: null });
});

test('a second start in the same place goes on with the next epoch', async () => {
  const data = mkdtempSync(path.join(tmpdir(), 'vigil-epoch-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  for (const epoch of [1, 2]) {
    await using gateway = await startGateway({ args: [...SIMULATED, '--data', data] });
    expect(await gateway.health()).toMatchObject({ epoch });
  }
});

test('systemd is told of the start, of being alive and of the stop', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-process-'));
  const socket = path.join(directory, 'notify');
  const manager = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-']);
  onTestFinished(async () => {
    const gone = once(manager, 'exit');
    if (manager.kill()) await gone;
    rmSync(directory, { recursive: true });
  });
  let told = '';
  manager.stdout.on('data', (bytes) => {
    told += String(bytes);
  });
  const says = (state: string, times: number) => () => ({
    done: told.split(state).length > times,
    seen: told,
  });
  await eventually('a socket', () => ({ done: existsSync(socket), seen: 'none' }));
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' };
  await using gateway = await startGateway({ args: SIMULATED, env });
  await eventually('READY=1', says('READY=1', 1));
  await eventually('three pings', says('WATCHDOG=1', 3));
  expect(told).not.toContain('STOPPING=1');
  gateway.kill('SIGTERM');
  await eventually('STOPPING=1', says('STOPPING=1', 1));
  // systemd-notify waits until the manager has closed what it was sent; ours never does.
  manager.kill();
  expect(await gateway.exited).toEqual({ code: 0, signal: null });
});

test('a port that is in use is told in one line, with an exit code that systemd starts again after', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const data = mkdtempSync(path.join(tmpdir(), 'vigil-port-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  // Not spawnSync: the server has to answer meanwhile.
  const child = spawn(process.execPath, [MAIN, '--data', data, '--http', `127.0.0.1:${port}`]);
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += String(bytes);
  });
  expect(await once(child, 'close')).toEqual([75, null]);
  expect(said).toMatch(new RegExp(`^vigil: http: 127\\.0\\.0\\.1:${port}: .*\\n$`));
});

test('--help tells every flag and starts nothing', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--help'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  for (const flag of ['--config', '--data', '--http', '--obd', '--eeg', '--sim', '--check']) {
    expect(stdout).toContain(flag);
  }
});

/** Has Node load a module first that plants a fault in the gateway's own process. */
function planted(...faults: readonly string[]): { NODE_OPTIONS: string } {
  const urls = faults.map((name) => new URL(`../../support/faults/${name}.ts`, import.meta.url));
  return { NODE_OPTIONS: urls.map(({ href }) => `--import=${href}`).join(' ') };
}

/** Runs a gateway with faults that end it. */
function runWith(...faults: readonly string[]) {
  const data = mkdtempSync(path.join(tmpdir(), 'vigil-fault-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const args = [MAIN, ...SIMULATED, '--http', '127.0.0.1:0', '--data', data];
  const env = { PATH: process.env['PATH'], ...planted(...faults) };
  return spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 30_000 });
}

test('a bug in a source ends the process, with its message and stack in the log', () => {
  const { status, stdout, stderr } = runWith('buggy-adapter');
  expect(stdout).toMatch(/^error vigil: ended by a bug error="TypeError: planted.* at .*"$/m);
  expect(stdout).toContain('buggy-adapter.ts');
  expect(stdout).not.toContain('SuppressedError');
  expect([status, stderr]).toEqual([70, '']);
});

test('a thread that hangs in a driver does not keep the process after a bug', () => {
  const { signal, stdout } = runWith('buggy-adapter', 'stuck-thread');
  expect(stdout).toContain('TypeError: planted');
  expect(stdout).toMatch(/not stopped in 5 s\n$/);
  expect(signal).toBe('SIGKILL');
});

test('nor does it after SIGTERM', async () => {
  await using gateway = await startGateway({ args: SIMULATED, env: planted('stuck-thread') });
  expect(await stopped(gateway, 'SIGTERM')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(gateway.log.at(-1)).toContain('not stopped in 5 s');
});

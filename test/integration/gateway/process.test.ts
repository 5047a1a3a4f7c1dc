import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from '../../../scripts/simulate/serve.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { quickAdapter } from '../../support/devices.ts';
import { eventually, type Gateway, Subscriber, startGateway } from '../../support/gateway.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
/** The gateway gives its parts 5 s to stop; more than that is a hang. */
const STOP_MS_MAX = 6_000;
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

test('a port that is in use is told in one line, with the exit code for a configuration', async () => {
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
  expect(await once(child, 'close')).toEqual([78, null]);
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

test('a car that is parked is left alone but for a probe now and then, and health says so', async () => {
  const asked: string[] = [];
  const clock = monotonicClock();
  const record = ({ command }: { command: string }): void => {
    if (/^[0-9A-F]+$/.test(command)) asked.push(command);
  };
  const off = { ignitionOffAtS: 10 };
  await using served = await serve('tcp:127.0.0.1:0', quickAdapter(clock, record, off));
  await using gateway = await startGateway({ args: ['--obd', served.url] });
  await gateway.untilPart(
    'obd',
    ({ details }) => details['ignition'] === 'on' || details['ignition'] === 'running',
  );
  const { text } = await gateway.untilPart('obd', ({ details }) => details['ignition'] === 'off');
  expect(text).toBe('the adapter answers, the car does not; is its ignition off?');
  const before = asked.length;
  // Probes come after 2, 4 and 8 s.
  await clock.sleep(10_000);
  expect(asked.slice(before).length).toBeLessThanOrEqual(3);
  expect(new Set(asked.slice(before))).toEqual(new Set(['0100']));
  expect(await gateway.part('obd')).toMatchObject({ status: 'ok' });
});

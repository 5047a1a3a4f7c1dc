import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { PartHealth } from '#core/health.ts';
import { Subscriber, startGateway } from '../../support/gateway.ts';

const SIMULATE = path.resolve(import.meta.dirname, '../../../scripts/simulate.ts');

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-links-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs the simulator until the end of the test; returns the URLs that it tells, in its order. */
async function simulate(...args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [SIMULATE, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => stop(child));
  const wanted = args.filter((arg) => arg === '--elm' || arg === '--thinkgear').length;
  const urls: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^\w+: (\S+)$/.exec(line)?.[1];
    if (url) urls.push(url);
    if (urls.length === wanted) break;
  }
  return urls;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

function isReceiving({ text }: PartHealth): boolean {
  return text === 'receiving data';
}

async function checkBoth(obd: string, eeg: string, baud: number | null): Promise<void> {
  await using gateway = await startGateway({ args: ['--obd', obd, '--eeg', `thinkgear+${eeg}`] });
  using client = new Subscriber(gateway);
  expect(await gateway.untilPart('obd', isReceiving)).toMatchObject({
    status: 'ok',
    details: {
      device: obd.replace(/^\w+:\/\//, ''),
      baud,
      adapter: 'ELM327 v2.1',
      protocol: '6 (can11)',
    },
  });
  expect(await gateway.untilPart('eeg', isReceiving)).toMatchObject({
    status: 'ok',
    details: { device: eeg.replace(/^\w+:\/\//, '') },
  });
  await client.more('obd.engine.rpm', 10);
  await client.more('eeg.raw', 1024);
  await client.more('eeg.attention', 1);
  expect(client.values.get('obd.adapter.voltage')).toBeGreaterThan(9);
  await gateway.untilPart('obd', ({ details }) => Number(details['values']) > 500);
  const { status, consumers } = await gateway.health();
  expect(status).toBe('ok');
  expect(consumers.map(({ name, dropped }) => [name, dropped])).toEqual([
    ['store', 0],
    ['live', 0],
    ['mqtt-publisher', 0],
    ['sessions', 0],
  ]);
  const { details } = await gateway.part('eeg');
  expect(details).toMatchObject({ contact: 'good', badChecksums: 0, outOfRange: 0 });
  expect(gateway.errors).toEqual([]);
}

test('car and headset on serial ports: both are read, and health says what they are', async () => {
  const [elm, head] = [path.join(directory, 'elm'), path.join(directory, 'head')];
  const urls = await simulate('--elm', `pty:${elm}`, '--thinkgear', `pty:${head}`);
  await checkBoth(urls[0] ?? '', urls[1] ?? '', 38_400);
});

test('car and headset on TCP: so they are', async () => {
  const where = ['tcp:127.0.0.1:0', 'tcp:127.0.0.1:0'] as const;
  const urls = await simulate('--elm', where[0], '--thinkgear', where[1]);
  await checkBoth(urls[0] ?? '', urls[1] ?? '', null);
});

test('an adapter at 115200 baud on a car with an older bus is found', async () => {
  const elm = path.join(directory, 'obdlink');
  const args = ['--personality', 'obdlink', '--protocol', '3', '--elm', `pty:${elm}`];
  const [url = ''] = await simulate(...args);
  await using gateway = await startGateway({ args: ['--obd', url] });
  const { details } = await gateway.untilPart('obd', isReceiving);
  expect(details).toMatchObject({ stn: 'STN2100 v5.6.19', protocol: '3 (iso9141)' });
});

/** What becomes of a recording when the process ends, whichever way, and starts again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { get } from '../../support/tokens.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SPEED = '20';

interface Listed {
  readonly id: number;
  readonly state: string;
  readonly endedBy: string | null;
  readonly driver: string | null;
  readonly startedAt: string;
}

let data = '';

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-recording-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

function start(...flags: readonly string[]): Promise<Gateway> {
  return startGateway({ args: ['--data', data, ...flags] });
}

async function sessionsOf(gateway: Gateway): Promise<Listed[]> {
  const response = await get(`${gateway.url}api/v1/sessions`);
  if (response.status === 503) return [];
  const { items } = await response.json();
  return items;
}

/** Samples of a stream in a session, by the statistics of this moment. */
async function samplesOf(gateway: Gateway, id: number, stream: string): Promise<number> {
  const session = await (await get(`${gateway.url}api/v1/sessions/${id}`)).json();
  return session.stats?.streams[stream]?.n ?? 0;
}

/** Waits until a drive is being recorded with so many samples of the EEG. */
async function driving(gateway: Gateway, samples: number): Promise<number> {
  let n = 0;
  await eventually('a drive is recorded', async () => {
    const [drive] = await sessionsOf(gateway);
    n = drive ? await samplesOf(gateway, drive.id, 'eeg.raw') : 0;
    return { done: n >= samples, seen: `${n} samples in ${JSON.stringify(drive)}` };
  });
  return n;
}

test('a drive goes on over a kill and over an orderly stop, and loses a second at most', async () => {
  let before = 0;
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGTERM'] as const) {
    await using gateway = await start('--sim', '1');
    const [drive, ...others] = await eventuallyListed(gateway);
    expect(others).toEqual([]);
    expect(drive).toMatchObject({ id: 1, state: 'active', endedBy: null });
    // A second of this clock, and one more for the flush that was under way.
    expect(await samplesOf(gateway, 1, 'eeg.raw')).toBeGreaterThanOrEqual(before - 2 * 512);
    before = await driving(gateway, before + 2_000);
    process.kill(gateway.pid, signal);
    expect(await gateway.exited).toMatchObject(
      signal === 'SIGKILL' ? { signal } : { code: 0, signal: null },
    );
    expect(gateway.errors.join('\n')).toBe('');
  }
});

async function eventuallyListed(gateway: Gateway): Promise<Listed[]> {
  let listed: Listed[] = [];
  await eventually('a session', async () => {
    listed = await sessionsOf(gateway);
    return { done: listed.length > 0, seen: JSON.stringify(listed) };
  });
  return listed;
}

test('what was recorded at another speed is believed by nobody, and the next start goes on with none of it', async () => {
  {
    await using fast = await start('--sim', '1', '--speed', SPEED);
    const text = `the times of this recording run ${SPEED} times as fast as the wall clock`;
    expect(fast.log.join('\n')).toContain(text);
    await driving(fast, 10_000);
  }
  await using gateway = await start('--sim', '1');
  await eventually('a drive of its own', async () => {
    const listed = await sessionsOf(gateway);
    return { done: listed.length === 2, seen: JSON.stringify(listed) };
  });
  const [own, before] = await sessionsOf(gateway);
  expect(before).toMatchObject({ id: 1, state: 'ended', endedBy: 'power', clockTrust: 'none' });
  expect(own).toMatchObject({ id: 2, state: 'active' });
});

test('two gateways never share a data directory', async () => {
  await using gateway = await start('--sim', '1');
  const second = spawn(
    process.execPath,
    ['src/main.ts', '--sim', '1', '--data', data, '--http', '127.0.0.1:0'],
    { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  second.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(second, 'close');
  expect(said).toContain(`data: ${data} is in use by another Vigil (pid ${gateway.pid})`);
  expect(code).toBe(75);
  expect((await gateway.part('store')).status).not.toBe('failed');
});

test('a stop while the store is being opened is a stop', async () => {
  for (let round = 0; round < 3; round++) {
    await using gateway = await start('--sim', '1');
    process.kill(gateway.pid, 'SIGTERM');
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  }
});

test('a stored session is played through the gateway, which records nothing of it', async () => {
  await using recorder = await start('--sim', '1', '--speed', SPEED);
  await driving(recorder, 40_000);
  // From a store that is being recorded, too.
  await using player = await start('--replay', '1', '--speed', SPEED);
  await player.untilPart('replay', ({ details }) => Number(details['readings']) > 1_000);
  const { status, text } = await player.part('store');
  expect([status, text]).toEqual(['ok', 'a replay is not recorded']);
  expect((await recorder.part('store')).status).toBe('ok');
  const refused = await get(`${player.url}api/v1/sessions`);
  expect(refused.status).toBe(503);
});

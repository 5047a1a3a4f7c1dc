/** What becomes of settings over starts of the gateway, as a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Gateway, startGateway } from '../../support/gateway.ts';
import { get, logIn, PASSWORD } from '../../support/tokens.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const GOOD = '# my car\nsim: 1\nhttp: 127.0.0.1:0\n';
let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-settings-'));
  file = path.join(directory, 'vigil.yaml');
  writeFileSync(file, GOOD);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Without a flag that would say where it listens. */
async function start(env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  const data = path.join(directory, 'data');
  const child = spawn(process.execPath, [MAIN, '--config', file, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], VIGIL_SETUP_PASSWORD: PASSWORD, ...env },
  });
  const gateway = new Gateway(child, path.join(directory, 'none'));
  try {
    await gateway.untilListening();
    await logIn(gateway.url);
    return gateway;
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

async function startAndStop(): Promise<void> {
  await using gateway = await start();
  expect((await gateway.part('settings')).status).toBe('ok');
}

async function settings(gateway: Gateway, init: RequestInit = {}) {
  const response = await get(`${gateway.url}api/v1/settings`, init);
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    json: await response.json(),
  };
}

test('a broken file: the gateway runs as before, says why, and takes a change', async () => {
  await startAndStop();
  writeFileSync(file, 'sim: 1\nhttp: [\n');
  await using gateway = await start();
  expect(gateway.log.join('\n')).toMatch(
    /error settings: the last good settings are used: .* line/,
  );
  expect((await gateway.health()).status).toBe('degraded');
  expect(await gateway.part('settings')).toMatchObject({ status: 'waiting' });
  const { etag, json } = await settings(gateway);
  expect(json.fault).toMatchObject({ file, expected: expect.stringContaining('not YAML') });
  const changed = await settings(gateway, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', 'if-match': etag ?? '' },
    body: '{"log":"warn"}',
  });
  expect(changed).toMatchObject({ status: 200, json: { fault: null, restart: true } });
  expect(readFileSync(file, 'utf8')).toBe(`${GOOD}log: warn\n`);
});

test('an address that is not ours: the gateway is where it was', async () => {
  await startAndStop();
  writeFileSync(file, GOOD.replace('127.0.0.1:0', '192.0.2.1:8080'));
  await using gateway = await start();
  expect(gateway.url).toContain('http://127.0.0.1:');
  const { json } = await settings(gateway);
  expect(json.fault.text).toContain('192.0.2.1');
});

test('the first start of all with it is refused', async () => {
  writeFileSync(file, GOOD.replace('127.0.0.1:0', '192.0.2.1:8080'));
  await expect(start()).rejects.toThrow('192.0.2.1');
});

test('a restart ends the process with a code by which systemd starts it again', async () => {
  await using gateway = await start({ INVOCATION_ID: 'abc' });
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"confirm":true}',
  };
  const { status } = await get(`${gateway.url}api/v1/system/restart`, init);
  expect(status).toBe(202);
  expect(await gateway.exited).toEqual({ code: 75, signal: null });
  expect(gateway.errors).toEqual([]);
});

test('without systemd it goes on', async () => {
  await using gateway = await startGateway({ args: ['--sim', '1'] });
  for (const action of ['restart', 'poweroff']) {
    const response = await get(`${gateway.url}api/v1/system/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"confirm":true}',
    });
    expect(response.status).toBe(409);
    expect(await response.text()).toContain('not started by systemd');
  }
  expect(gateway.running).toBe(true);
});

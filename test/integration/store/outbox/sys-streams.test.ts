/** What the gateway notes of itself is in the store for the bridge, and nowhere for anybody else. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event } from '#core/stream.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { eventually, startGateway } from '../../../support/gateway.ts';
import { queueOf, stretchesOf } from '../../../support/store-queue.ts';
import { get } from '../../../support/tokens.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const DRIVER = 'Ada Lovelace';
const OPTIONS = { quotaBytes: 32 * 2 ** 20, lowBytes: 0 };

let data = '';

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-sys-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

/** Everything that was noted, by stream. */
async function noted(): Promise<Map<string, Event['data'][]>> {
  const anchor = { id: 99, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const opened = await openStore({ ...OPTIONS, directory: data, epoch: anchor });
  try {
    const queue = queueOf(opened);
    const notes = new Map<string, Event['data'][]>();
    for (const { number, stream } of queue.streams()) {
      if (!stream.id.startsWith('sys.')) continue;
      const all = [...stretchesOf(queue, number)].flatMap(({ content }) => {
        return content.kind === 'events' ? content.events.map(({ data }) => data) : [];
      });
      notes.set(stream.id, all);
    }
    return notes;
  } finally {
    await opened.close();
  }
}

function send(method: string, url: string, body?: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return get(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Records a session of its own, and returns its id. */
async function recordOne(api: string): Promise<number> {
  let id = 0;
  await eventually('a session is started', async () => {
    const started = await send('POST', `${api}sessions`, { driver: DRIVER });
    const text = await started.text();
    if (started.status === 201) id = Number(JSON.parse(text).id);
    return { done: started.status === 201, seen: text };
  });
  await eventually('it has data', async () => {
    const found = await get(`${api}sessions/current/recent?streams=eeg.raw&seconds=5`);
    const text = await found.text();
    return { done: found.ok && text.length > 500, seen: text.slice(0, 300) };
  });
  return id;
}

test('notes are stored, also over a kill, and no route and no command shows any', async () => {
  let id = 0;
  {
    await using gateway = await startGateway({ args: ['--data', data, '--sim', '1'] });
    const api = `${gateway.url}api/v1/`;
    id = await recordOne(api);
    const ended = await send('PATCH', `${api}sessions/${id}`, { notes: 'a note' });
    expect(ended.status).toBe(200);

    const shown = await Promise.all(
      [
        'streams',
        'sessions/current',
        `sessions/${id}`,
        `sessions/${id}/events?limit=1000`,
        `sessions/${id}/events?types=sys`,
        `sessions/${id}/events?types=sys.session,sys.clock`,
        'openapi.json',
      ].map(async (route) => (await get(`${api}${route}`)).text()),
    );
    expect(shown.join('\n')).not.toMatch(/sys\.(session|clock|device|user)/);
    const asked = await get(`${api}sessions/${id}/data?streams=sys.session`);
    expect(asked.status).not.toBe(200);
    expect(await asked.text()).not.toContain(DRIVER);
    for (const streams of [undefined, ['sys.session']]) {
      const file = await send('POST', `${api}export`, { session: id, format: 'jsonl', streams });
      expect(await file.text()).not.toMatch(/"sys\.(session|clock|device|user)"/);
      expect(file.ok).toBe(streams === undefined);
    }
    gateway.kill('SIGKILL');
    await gateway.exited;
  }
  const program = path.join(ROOT, 'scripts/vigil.ts');
  const args = [program, 'export', String(id), '--data', data, '--format', 'jsonl', '-o', '-'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  expect(status, stderr).toBe(0);
  expect(stdout.length).toBeGreaterThan(1_000);
  expect(stdout).not.toMatch(/"sys\.(session|clock|device|user)"/);

  const notes = await noted();
  expect(notes.get('sys.clock')?.[0]).toMatchObject({ epoch: 1, bootId: expect.any(String) });
  const sessions = notes.get('sys.session') ?? [];
  expect(sessions.some((one) => one['id'] === id && one['driver'] === DRIVER)).toBe(true);
  expect(sessions.some((one) => one['id'] === id && one['notes'] === 'a note')).toBe(true);
  expect(JSON.stringify([...notes])).not.toMatch(/\$2[aby]\$/);
});

test('of a session that is deleted only its deletion stays', async () => {
  let id = 0;
  {
    await using gateway = await startGateway({ args: ['--data', data, '--sim', '1'] });
    const api = `${gateway.url}api/v1/`;
    id = await recordOne(api);
    expect((await send('PATCH', `${api}sessions/${id}`, { state: 'ended' })).status).toBe(200);
    expect((await send('DELETE', `${api}sessions/${id}`)).status).toBe(204);
    gateway.kill('SIGTERM');
    await gateway.exited;
  }
  const notes = await noted();
  const own = (notes.get('sys.session') ?? []).filter((one) => one['id'] === id);
  expect(own.at(-1)).toMatchObject({ id, removed: true });
  expect(JSON.stringify([...notes])).not.toContain(DRIVER);
  // What was noted of the clock while it lasted is not its data.
  expect(notes.get('sys.clock')?.length).toBeGreaterThan(0);
});

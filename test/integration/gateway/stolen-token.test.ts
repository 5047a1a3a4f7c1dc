/**
 * Two parties have one refresh token. When the second of them uses it, nobody can tell which is the
 * thief: the log-in ends for both, before a restart and after one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { call } from '../../support/call.ts';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { beginSession } from '../../support/session-load.ts';
import { Talk } from '../../support/talk.ts';
import {
  freshToken,
  refreshed,
  type TokenPair,
  tryAccess,
  tryRefresh,
} from '../../support/token-pair.ts';
import { PASSWORD } from '../../support/tokens.ts';

/** For so long the token before gives the same next one again: an answer may have been lost. */
/** There to end a hang. */
const TEST_MS_MAX = 120_000;
const GRACE_MS = 10_000;
/** What has ended is closed by then. */
const CUT_MS_MAX = 1_000;
const CLOSE_UNAUTHENTICATED = 4401;
const OWNER = { username: 'olga', password: PASSWORD };

let data = '';

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-stolen-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

function start(): Promise<Gateway> {
  return startGateway({ args: ['--sim', '1', '--data', data] });
}

/** Whatever somebody may have open, greeted; to be closed by the gateway. */
async function openAll({ url }: Gateway, session: string, token: string): Promise<Talk[]> {
  const ofSession = session.replace('/sessions/', '/ws/session/');
  const urls = [`${url}ws/telemetry`, `${url}ws/monitor`, ofSession];
  const talks = await Promise.all(urls.map((one) => Talk.open(one, token)));
  await Promise.all(talks.map((talk) => talk.next('hello')));
  return talks;
}

/** Uses a token that has been used before: it is refused, and what was open is closed. */
async function replay({ url }: Gateway, token: string, open: readonly Talk[]): Promise<void> {
  const began = performance.now();
  expect((await tryRefresh(url, token)).status).toBe(401);
  const codes = await Promise.all(open.map(async ({ closed }) => (await closed).code));
  const took = performance.now() - began;
  expect(codes).toEqual(open.map(() => CLOSE_UNAUTHENTICATED));
  expect(took).toBeLessThan(CUT_MS_MAX);
}

/** What is answered to the refresh and the access token of each. */
async function statuses({ url }: Gateway, pairs: readonly TokenPair[]): Promise<number[]> {
  const replies = pairs.flatMap(({ refresh, access }) => {
    return [tryRefresh(url, refresh), tryAccess(url, access)];
  });
  return (await Promise.all(replies)).map(({ status }) => status);
}

/** Waits until as many reuses are in the audit log, and are all of the owner. */
async function untilAudited({ url }: Gateway, count: number): Promise<void> {
  let items: readonly object[] = [];
  await eventually('the reuse is in the audit log', async () => {
    items = (await (await call(`${url}api/v1/audit?action=token.reuse`, 'GET')).json()).items;
    return { done: items.length >= count, seen: JSON.stringify(items) };
  });
  const who = { who: OWNER.username, from: '127.0.0.1' };
  const entry = { action: 'token.reuse', ...who, result: 'refused' };
  expect(items).toEqual(Array.from({ length: count }, () => expect.objectContaining(entry)));
}

test('a refresh token that two use ends the log-in of both, over a restart as well', {
  timeout: TEST_MS_MAX,
}, async () => {
  /** Of the log-in that ends before the restart, of the one that ends after, and of one that stays. */
  const [first, second, other]: [TokenPair[], TokenPair[], TokenPair[]] = [[], [], []];
  {
    await using gateway = await start();
    const { url } = gateway;
    const session = await beginSession(gateway);
    await call(`${url}api/v1/users`, 'POST', { ...OWNER, role: 'operator' });
    const owned = await freshToken(url, OWNER);
    const open = await openAll(gateway, session, owned.access);
    const stolen = await refreshed(url, owned.refresh);
    first.push(owned, stolen);
    // Within the grace it is taken for a retry, and nobody is thrown out.
    expect((await refreshed(url, owned.refresh)).refresh).toBe(stolen.refresh);
    expect((await tryAccess(url, owned.access)).status).toBe(200);
    await delay(GRACE_MS);
    await replay(gateway, owned.refresh, open);
    expect(await statuses(gateway, first)).toEqual([401, 401, 401, 401]);
    await untilAudited(gateway, 1);
    expect(gateway.log.join('\n')).toContain('token.reuse refused: olga');

    second.push(await freshToken(url, OWNER));
    for (let i = 0; i < 2; i++) second.push(await refreshed(url, second.at(-1)?.refresh ?? ''));
    other.push(await freshToken(url, OWNER));
    gateway.kill('SIGKILL');
    await gateway.exited;
  }
  await using gateway = await start();
  const session = await beginSession(gateway);
  expect(await statuses(gateway, first)).toEqual([401, 401, 401, 401]);
  // The others came through: it is the replay that ends one of them, not the restart.
  const [oldest, , newest] = second;
  const open = await openAll(gateway, session, newest?.access ?? '');
  // Two generations old: no answer that was lost explains it, so there is no grace.
  await replay(gateway, oldest?.refresh ?? '', open);
  expect(await statuses(gateway, second)).toEqual([401, 401, 401, 401, 401, 401]);
  await untilAudited(gateway, 2);
  expect(await statuses(gateway, other)).toEqual([200, 200]);
});

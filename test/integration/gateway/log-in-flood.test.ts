/**
 * A flood of wrong log-ins from many addresses: few cost anything, whoever owns the gateway gets in
 * all the same, and who listens does not notice.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { call } from '../../support/call.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { SeqListener } from '../../support/seq-listener.ts';
import { beginSession, overHttp, SessionLoad } from '../../support/session-load.ts';
import { freshToken, tryAccess } from '../../support/token-pair.ts';
import { PASSWORD } from '../../support/tokens.ts';

/** There to end a hang. */
const TEST_MS_MAX = 120_000;
const LOGINS = 1_000;
const AT_ONCE = 50;
/** Log-ins that reach bcrypt in a minute, whatever comes. */
const CHECKED_MAX = 30;
/** Addresses of this host, each of which stands for another one. */
const ADDRESSES = Array.from({ length: 20 }, (_, i) => `127.0.0.${i + 10}`);
/** The one from which the admin comes who is not at the gateway itself. */
const OTHER_ADDRESS = '127.0.0.9';
/** By which others than the gateway itself ask for it; an address is always one of its names. */
const HOST = '10.42.0.1';
const ACCOUNTS = ['admin', 'olga', 'otto', 'nobody'];
const LOAD = { client: 'load', eventsHz: 50, texts: 0, channels: 0 };
/** Tries of the admin from elsewhere, each as late as the gateway asked for. */
const TRIES_MAX = 5;
const Counted = v.object({ throttled: v.number(), busy: v.number() });

interface Answer {
  readonly status: number;
  readonly retryAfterS: number;
}

/** A log-in from an address, by somebody who is not at the gateway itself. */
function logIn(
  { url }: Gateway,
  from: { readonly address: string; readonly agent?: Agent },
  who: { readonly username: string; readonly password: string },
): Promise<Answer> {
  const { address: localAddress, agent } = from;
  const headers = { host: HOST, 'content-type': 'application/json' };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { method: 'POST', localAddress, headers, ...(agent && { agent }) };
  const sent = request(`${url}api/v1/auth/login`, options, (response) => {
    const retryAfterS = Number(response.headers['retry-after'] ?? 0);
    response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, retryAfterS }));
  });
  sent.once('error', reject).end(JSON.stringify(who));
  return promise;
}

/** All of them; answers by their status. @param meanwhile called when half of them have been sent */
async function flood(gateway: Gateway, meanwhile: () => void): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const agent = new Agent({ keepAlive: true });
  for (let sent = 0; sent < LOGINS; sent += AT_ONCE) {
    if (sent === LOGINS / 2) meanwhile();
    const tries = Array.from({ length: AT_ONCE }, (_, i) => {
      const address = ADDRESSES[i % ADDRESSES.length] ?? '';
      const username = ACCOUNTS[(sent + i) % ACCOUNTS.length] ?? '';
      return logIn(gateway, { address, agent }, { username, password: 'wrong as it is' });
    });
    for (const { status, retryAfterS } of await Promise.all(tries)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) expect(retryAfterS).toBeGreaterThanOrEqual(1);
    }
  }
  agent.destroy();
  return statuses;
}

/** How often an admin who is somewhere else has to try, when the flood is over. */
async function triesFromElsewhere(gateway: Gateway): Promise<number> {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const who = { username: 'admin', password: PASSWORD };
    const { status, retryAfterS } = await logIn(gateway, { address: OTHER_ADDRESS }, who);
    if (status === 200) return tries;
    expect(status).toBe(429);
    await delay(retryAfterS * 1_000);
  }
  throw new Error(`${TRIES_MAX} tries, and none was let in`);
}

async function refusals({ url }: Gateway): Promise<number> {
  const reply = await call(`${url}api/v1/audit?action=login&limit=1000`, 'GET');
  const { items } = await reply.json();
  return items.filter(({ result }: { result: string }) => result === 'refused').length;
}

test('1,000 wrong log-ins: 30 are looked at in a minute, the admin gets in, nobody misses an event', {
  timeout: TEST_MS_MAX,
}, async () => {
  const args = ['--sim', '1', '--require-tls', 'false'];
  await using gateway = await startGateway({ args });
  const { url } = gateway;
  const session = await beginSession(gateway);
  for (const username of ['olga', 'otto']) {
    await call(`${url}api/v1/users`, 'POST', { username, password: PASSWORD, role: 'operator' });
  }
  using listener = new SeqListener(url);
  await listener.subscribed();
  await using load = await SessionLoad.start(session, overHttp(session), LOAD);
  const began = performance.now();
  let atGateway: ReturnType<typeof freshToken> | undefined;
  const statuses = await flood(gateway, () => {
    atGateway = freshToken(url);
  });
  const { access = '' } = (await atGateway) ?? {};
  expect((await tryAccess(url, access)).status).toBe(200);
  const took = performance.now() - began;
  const tries = await triesFromElsewhere(gateway);
  const sent = await load.stop();
  await listener.until(sent);

  const { 401: wrong = 0, 429: later = 0, ...others } = Object.fromEntries(statuses);
  expect(others).toEqual({});
  expect(wrong + later).toBe(LOGINS);
  expect(wrong).toBeGreaterThan(0);
  expect(wrong).toBeLessThanOrEqual(CHECKED_MAX * Math.ceil(took / 60_000));
  const { throttled, busy } = v.parse(Counted, (await gateway.part('accounts')).details);
  expect([throttled, busy]).toEqual([later + tries - 1, 0]);
  expect(await refusals(gateway)).toBe(wrong);
  expect(listener).toMatchObject({ missed: 0, repeated: 0, closeCode: undefined });
  expect(listener.events).toBeGreaterThanOrEqual(sent);
  expect(listener.waveShare).toBe(1);
  console.log(
    `${LOGINS} in ${(took / 1000).toFixed(1)} s, ${wrong} looked at; ${sent} events meanwhile;`,
    `an admin from elsewhere got in at try ${tries} after the flood`,
  );
});

import { expect, test } from 'vitest';
import { ROLES } from '#core/account.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { readMetrics } from '../../../../src/http/routes/metrics.ts';
import { LOCAL, testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { request } from '../fakes.ts';
import { parseExposition } from '../metrics/exposition-parser.ts';

const people = await testAccounts();
const gateway = bareGateway(people);
const AWAY = { address: '192.168.4.7', isLocal: false, isSecure: true };

/** The status, or that of the problem. */
async function ask({ token = '', remote = AWAY, path = '/metrics' } = {}) {
  const headers = new Map(token === '' ? [] : [['authorization', `Bearer ${token}`]]);
  const sent = request('GET', path, { headers, remote });
  return await dispatch([readMetrics], gateway, sent, (access) =>
    authorise(people.accounts, access, sent),
  ).catch((error: { readonly status?: number }) => {
    if (error.status === undefined) throw error;
    return { status: error.status, headers: {}, body: '' };
  });
}

test('a collector on this computer needs no token', async () => {
  for (const path of ['/metrics', '/api/metrics', '/api/v1/metrics']) {
    const reply = await ask({ remote: LOCAL, path });
    expect(reply?.headers).toEqual({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
    const text = new TextDecoder().decode(
      reply?.body instanceof Uint8Array ? reply.body : undefined,
    );
    expect(parseExposition(text).get('vigil_uptime_seconds')?.values.get('')).toBe(1);
  }
});

test('from elsewhere it is for who manages the gateway', async () => {
  expect((await ask())?.status).toBe(401);
  for (const role of ROLES) {
    const reply = await ask({ token: await people.token(role) });
    expect(reply?.status, role).toBe(role === 'admin' ? 200 : 403);
  }
});

test('who sends a token is asked for it, also on this computer', async () => {
  expect((await ask({ remote: LOCAL, token: 'nonsense' }))?.status).toBe(401);
  const token = await people.token('viewer');
  expect((await ask({ remote: LOCAL, token }))?.status).toBe(403);
});

test('before the gateway is claimed nobody gets it', async () => {
  const guard = { isClaimed: () => false, authenticate: () => Promise.reject(new Error('asked')) };
  const sent = request('GET', '/metrics', { remote: LOCAL });
  const asked = dispatch([readMetrics], gateway, sent, (access) => authorise(guard, access, sent));
  await expect(asked).rejects.toMatchObject({ status: 403 });
});

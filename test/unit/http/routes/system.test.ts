import { tmpdir } from 'node:os';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import { systemOf } from '../../../../src/gateway/system.ts';
import { packageVersion } from '../../../../src/gateway/web-files.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { readSystem } from '../../../../src/http/routes/system.ts';
import { Machine } from '../../../../src/io/machine.ts';
import { testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { as } from '../callers.ts';
import { request } from '../fakes.ts';

const EPOCH: Epoch = {
  ...{ id: 7, wallMs: Date.UTC(2026, 10, 22), trust: 'ntp', bootId: '', monotonicMs: 0 },
};

test('whoever looks for a fault gets versions, clock, store, memory and disk at once', async () => {
  using machine = new Machine();
  machine.start();
  const clock = new FakeClock();
  await clock.advance(90_500);
  const system = () =>
    systemOf({
      ...{ machine, clock, device: 'car-1', data: tmpdir() },
      versions: { gateway: '1.2.3', lmdb: packageVersion('lmdb') },
      epoch: () => EPOCH,
      sources: () => [],
      store: () => ({ id: 'store', status: 'ok', text: 'recording', details: { usedMB: 1 } }),
    });
  const gateway = { ...bareGateway(), system };
  const sent = request('GET', '/api/v1/diagnostics/system');
  const reply = await dispatch(ROUTES, gateway, sent, as('operator'));
  const body = JSON.parse(String(reply?.body));
  expect(v.parse(readSystem.reply, body)).toEqual(body);
  expect(body).toMatchObject({
    versions: {
      gateway: '1.2.3',
      node: process.versions.node,
      lmdb: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    },
    device: 'car-1',
    uptimeS: 90,
    clock: { epoch: 7, time: '2026-11-22T00:01:30.500Z', trust: 'ntp' },
    store: { status: 'ok', text: 'recording', details: { usedMB: 1 } },
  });
  expect(body.memory.rssMB).toBeGreaterThan(20);
  expect(body.disk.totalMB).toBeGreaterThan(body.disk.freeMB);
});

test.each(['viewer', 'researcher', 'student'] as const)('a %s gets none of it', async (role) => {
  const { accounts, token } = await testAccounts();
  const headers = new Map([['authorization', `Bearer ${await token(role)}`]]);
  const sent = request('GET', '/api/v1/diagnostics/system', { headers });
  const asked = authorise(accounts, readSystem.access, sent);
  await expect(asked).rejects.toMatchObject({ status: 403 });
});

import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { LinkError } from '#core/errors.ts';
import { SourceStatus, sourcesOf } from '../../../../src/gateway/status.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { SILENT_LOG } from '../../../support/silent-log.ts';
import { simulatedCar } from '../../../support/simulated-car.ts';
import { request } from '../fakes.ts';

/** A gateway whose only source is the simulated car. */
async function start() {
  const car = await simulatedCar();
  const status = new SourceStatus(
    { kind: 'obd', source: car.source, simulated: true },
    SILENT_LOG,
    car.clock,
  );
  const people = await testAccounts();
  const gateway = { ...bareGateway(people), sources: sourcesOf([status]) };
  const ask = async (role: Role, method: string, path: string) => {
    const headers = new Map([['authorization', `Bearer ${await people.token(role)}`]]);
    const sent = request(method, `/api/v1${path}`, { headers });
    const reply = await dispatch(ROUTES, gateway, sent, (access) =>
      authorise(people.accounts, access, sent),
    ).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    return { status: reply?.status, body: JSON.parse(String(reply?.body ?? 'null')) };
  };
  return { ...car, status, ask, facts: people.facts };
}

test('every source is told with its kind, device, state and counters', async () => {
  const { clock, status, ask } = await start();
  await clock.advance(10_000);
  status.report({ state: 'running' });
  await clock.advance(5_000);
  const { body } = await ask('operator', 'GET', '/sources');
  expect(body.items).toMatchObject([
    {
      ...{ id: 'obd', kind: 'obd', device: '/dev/elm', simulated: true, state: 'running' },
      ...{ text: 'receiving data', sinceS: 5, failures: 0, restarts: 0 },
      counters: { protocol: '6 (can11)', requests: expect.any(Number) },
    },
  ]);
  expect(body.items[0].counters.device).toBeUndefined();
});

test('one that fails says why, while it is opened again', async () => {
  const { status, ask } = await start();
  const error = new LinkError('OPEN_FAILED', '/dev/elm: no such device');
  status.report({ state: 'waiting', retryMs: 500, error });
  const waiting = await ask('admin', 'GET', '/sources');
  expect(waiting.body.items).toMatchObject([
    { state: 'waiting', text: '/dev/elm: no such device [OPEN_FAILED]', failures: 1 },
  ]);
  status.report({ state: 'starting' });
  const starting = await ask('admin', 'GET', '/sources');
  expect(starting.body.items).toMatchObject([
    { state: 'starting', text: '/dev/elm: no such device [OPEN_FAILED]' },
  ]);
});

test('one is opened anew for those who service the car, which is audited', async () => {
  const { status, ask, facts } = await start();
  const phase = new AbortController();
  status.restart.watch(phase);
  expect((await ask('viewer', 'POST', '/sources/obd/restart')).status).toBe(403);
  expect([phase.signal.aborted, facts.length]).toEqual([false, 0]);
  expect((await ask('operator', 'POST', '/sources/obd/restart')).status).toBe(204);
  expect(phase.signal.aborted).toBe(true);
  expect(facts).toMatchObject([
    { action: 'source.restart', who: 'operator', target: 'obd', result: 'done' },
  ]);
  const { body } = await ask('operator', 'GET', '/sources');
  expect(body.items).toMatchObject([{ id: 'obd', restarts: 1 }]);
});

test('one that is not there is not found', async () => {
  const { ask, facts } = await start();
  expect(await ask('operator', 'POST', '/sources/eeg/restart')).toMatchObject({
    status: 404,
    body: { detail: 'There is no source "eeg"; there is: obd.' },
  });
  expect(facts).toEqual([]);
});

test('sources are not told to those who only look', async () => {
  const { ask } = await start();
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    expect((await ask(role, 'GET', '/sources')).status, role).toBe(403);
  }
});

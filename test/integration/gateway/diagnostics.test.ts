/** Diagnosis of a whole gateway in a simulated car: asked over HTTP, by many, while it records. */
import { expect, test } from 'vitest';
import { exchange } from '../../support/call.ts';
import { startGateway } from '../../support/gateway.ts';

/** Clients that ask at once, and how often they do. */
const CLIENTS = 50;
const ROUNDS = 4;
const MEASURED_MS = 4_000;

const PATHS = ['pids', 'vehicle', 'readiness?maxAge=5', 'freeze-frame', 'dtc?maxAge=5', 'system'];

test('50 who ask at once cost no sample, and nobody who recorded one loses it', async () => {
  await using gateway = await startGateway({ args: ['--sim', '1'] });
  const api = `${gateway.url}api/v1`;
  const counted = (key: string) => async (): Promise<number> =>
    Number((await gateway.part('obd')).details[key]);
  const values = counted('values');
  await gateway.untilPart('obd', ({ details }) => Number(details['values']) > 800);

  const perSecond = async (work: () => Promise<unknown>): Promise<number> => {
    const [from, started] = [await values(), performance.now()];
    const [, during] = await Promise.all([work(), delayed()]);
    return ((await values()) - from) / ((during - started) / 1_000);
  };
  const alone = await perSecond(async () => {});
  const statuses: number[] = [];
  const crowded = await perSecond(async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const asked = Array.from({ length: CLIENTS }, (_, n) => PATHS[n % PATHS.length]);
      const replies = asked.map((path) => exchange(`${api}/diagnostics/${path}`, 'GET'));
      for (const { status } of await Promise.all(replies)) statuses.push(status);
    }
  });
  // 429 is for who asks for more than they may; none is answered with a fault.
  expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(CLIENTS);
  expect(alone).toBeGreaterThan(100);
  expect(crowded / alone).toBeGreaterThan(0.8);
  const { consumers } = await gateway.health();
  expect(consumers.map(({ name, dropped }) => [name, dropped])).toEqual(
    consumers.map(({ name }) => [name, 0]),
  );
});

test('codes of a car whose engine runs stay, whoever asks, and a source begins anew', async () => {
  await using gateway = await startGateway({ args: ['--sim', '1'] });
  const api = `${gateway.url}api/v1`;
  await gateway.untilPart('obd', ({ details }) => Number(details['values']) > 300);
  const refused = await exchange(`${api}/diagnostics/dtc`, 'DELETE', { confirm: true });
  expect(refused.status).toBe(409);
  expect(refused.body.detail).toMatch(/is moving|conditions not correct/);
  const unconfirmed = await exchange(`${api}/diagnostics/dtc`, 'DELETE');
  expect(unconfirmed.status).toBe(422);

  const before = Number((await gateway.part('obd')).details['values']);
  const restarted = await exchange(`${api}/sources/obd/restart`, 'POST');
  expect(restarted.status).toBe(204);
  await gateway.untilPart('obd', ({ status, details }) => {
    return status === 'ok' && Number(details['values']) > before + 300;
  });
  const { body } = await exchange(`${api}/sources`, 'GET');
  expect(body.items).toMatchObject([
    { id: 'obd', restarts: 1, failures: 0, state: 'running' },
    { id: 'eeg', restarts: 0 },
  ]);
  const log = gateway.log.join('\n');
  expect(log).toContain('dtc.clear refused');
  expect(log).toContain('source.restart done');
});

/** When the measured time is over. */
function delayed(): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(performance.now()), MEASURED_MS));
}

/** Diagnosis of a whole gateway on a car's CAN bus, asked over HTTP while it drives. */
import { expect, test } from 'vitest';
import { call, exchange } from '../../support/call.ts';
import { startGateway } from '../../support/gateway.ts';

const ON_CAN = ['--sim', '1', '--can', 'sim:', '--can-transmit', 'diagnostic'];
const VALUES = 300;

test('control units tell values and codes one by one, and none is disturbed on the road', async () => {
  await using gateway = await startGateway({ args: ON_CAN });
  const api = `${gateway.url}api/v1/diagnostics`;
  const get = (path: string) => exchange(`${api}/${path}`, 'GET');
  const { details } = await gateway.untilPart('obd', ({ details: seen }) => {
    return Number(seen['values']) > VALUES && JSON.stringify(seen['diagnosis']).includes('"uds"');
  });
  expect(details).toMatchObject({ listenOnly: false, idBits: 11 });

  const vin = await get('ecus/7e8/data/F190');
  expect([vin.status, vin.body]).toEqual([
    200,
    expect.objectContaining({
      name: 'Vehicle identification number',
      text: expect.stringMatching(/^VGLZZZ1KZ\d{8}$/),
    }),
  ]);
  const speed = await get('ecus/7e8/data/F40D');
  expect(speed.body).toMatchObject({ text: expect.stringMatching(/^\d+ km\/h$/) });
  const codes = await get('dtc?maxAge=5');
  const told = codes.body.uds.map(({ ecu }: { ecu: string }) => ecu);
  expect(told).toEqual(['7e8', '7e9']);
  const stored = await get('ecus/7e8/dtc/P0301-00');
  expect(stored.body).toMatchObject({ code: 'P0301-00', snapshots: { rest: '' } });

  // It drives off within seconds of the start, and stays on the road for minutes.
  const kmh = async () => Number.parseInt((await get('ecus/7e8/data/F40D')).body.text, 10);
  await expect.poll(kmh, { interval: 2_000, timeout: 40_000 }).toBeGreaterThan(0);
  const session = await get('ecus/7e8/data/F186?session=extended');
  expect(session.status).toBe(409);
  expect(session.body.detail).toMatch(/^The car is moving: 7e8 tells \d+ km\/h/);
  expect((await get('ecus/7e8/data/F186')).body).toMatchObject({ hex: '01' });
  expect(gateway.log.join('\n')).toContain('ecu.session refused');

  const metrics = await (await call(`${gateway.url}metrics`, 'GET')).text();
  const counted = (name: string) =>
    [...metrics.matchAll(new RegExp(`^vigil_${name}{part="obd".*} (\\d+)$`, 'gm'))].map(
      ([, value]) => Number(value),
    );
  expect(counted('can_guard_requests_total')[0]).toBeGreaterThan(30);
  expect(counted('isotp_received_total')[0]).toBeGreaterThan(30);
  // Nothing that the gateway asks is anything that its guard has to hold back.
  expect(counted('can_guard_refused_total')).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(metrics).not.toMatch(/vigil_part_detail{part="(obd|can)"/);
});

import { expect, onTestFinished, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { Bluetoothing } from '../../../../src/gateway/bluetoothing.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { Bluetooth } from '../../../../src/io/bluetooth/bluetooth.ts';
import { testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { startBusDaemon } from '../../io/bluetooth/bus-daemon.ts';
import { FakeBluez, HEADSET } from '../../io/bluetooth/fake-bluez.ts';
import { request } from '../fakes.ts';

/** A gateway on a bus of its own, which has a BlueZ. */
async function start() {
  const daemon = await startBusDaemon();
  const bluez = await FakeBluez.start(daemon.address);
  const people = await testAccounts();
  const how = { busAddress: daemon.address, rfkillPath: '/nonexistent' };
  const bluetooth = new Bluetoothing({
    bluetooth: new Bluetooth({ clock: new FakeClock(), ...how }),
    note: (fact) => void people.facts.push(fact),
  });
  onTestFinished(async () => {
    await bluetooth[Symbol.asyncDispose]();
    await bluez[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });
  const gateway = { ...bareGateway(people), bluetooth };
  const ask = async (method: string, path: string, body?: unknown, role: Role = 'operator') => {
    const bytes = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body));
    const headers = new Map([['authorization', `Bearer ${await people.token(role)}`]]);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const sent = request(method, `/api/v1/bluetooth${path}`, { headers, body: bytes });
    const reply = await dispatch(ROUTES, gateway, sent, (access) =>
      authorise(people.accounts, access, sent),
    ).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    return { status: reply?.status, body: JSON.parse(String(reply?.body || 'null')) };
  };
  return { bluez, ask, facts: people.facts };
}

const SEEN = { address: HEADSET, name: 'MindWave Mobile', rssi: -48 };
const TOLD = {
  ...{ address: HEADSET, name: 'MindWave Mobile', adapter: '00:1A:7D:DA:71:13' },
  ...{ paired: false, trusted: false, connected: false, rssi: -48, serial: true },
  ...{ use: 'headset', url: `bt://${HEADSET}` },
};

test('adapters and devices are told, with what to write into the settings', async () => {
  const { bluez, ask } = await start();
  bluez.add(SEEN);
  bluez.add({ address: '11:22:33:44:55:66', uuids: [] });
  expect(await ask('GET', '')).toEqual({
    status: 200,
    body: {
      ...{ scanning: false, blocked: false },
      adapters: [{ address: '00:1A:7D:DA:71:13', name: 'car', powered: true }],
      devices: [TOLD, expect.objectContaining({ name: '', rssi: null, serial: null })],
    },
  });
});

test('a scan is begun, one at a time and not for ever', async () => {
  const { bluez, ask } = await start();
  for (const seconds of [4, 61, 7.5, '10']) {
    expect((await ask('POST', '/scan', { seconds })).status).toBe(422);
  }
  expect(bluez.calls).toEqual([]);
  expect(await ask('POST', '/scan')).toEqual({ status: 202, body: { seconds: 15 } });
  expect((await ask('GET', '')).body.scanning).toBe(true);
  expect(await ask('POST', '/scan', { seconds: 10 })).toMatchObject({
    status: 409,
    body: { detail: 'A scan is under way already.' },
  });
});

test('a device is paired, by its address in any case, and that is written down', async () => {
  const { bluez, ask, facts } = await start();
  bluez.add({ ...SEEN, pin: '4711' });
  const path = `/devices/${HEADSET.toLowerCase()}/pair`;
  const wrong = await ask('POST', path);
  expect(wrong).toMatchObject({
    status: 409,
    body: { detail: `${HEADSET}: the device refused the PIN; tried: 0000, 1234.` },
  });
  const right = await ask('POST', path, { pin: '4711' });
  expect(right).toEqual({ status: 200, body: { ...TOLD, paired: true, trusted: true } });
  const fact = { action: 'bluetooth.pair', who: 'operator', target: HEADSET, details: {} };
  expect(facts.slice(-2)).toMatchObject([
    { ...fact, result: 'refused' },
    { ...fact, result: 'done' },
  ]);
  expect(JSON.stringify(facts)).not.toContain('4711');
  for (const pin of ['', 'x'.repeat(17), 1234]) {
    expect((await ask('POST', path, { pin })).status).toBe(422);
  }
});

test('a device is forgotten; one that nobody has seen is not there', async () => {
  const { bluez, ask, facts } = await start();
  bluez.add({ ...SEEN, paired: true });
  expect((await ask('DELETE', `/devices/${HEADSET}`)).status).toBe(204);
  expect(bluez.calls).toEqual(['RemoveDevice "/org/bluez/hci0/dev_00_81_F9_08_A1_72"']);
  expect(facts.at(-1)).toMatchObject({ action: 'bluetooth.forget', result: 'done' });
  const unseen = '11:22:33:44:55:66';
  expect(await ask('DELETE', `/devices/${unseen}`)).toMatchObject({ status: 404 });
  expect(await ask('POST', `/devices/${unseen}/pair`)).toMatchObject({
    status: 404,
    body: {
      detail: `${unseen}: no such device was seen; scan for it while it is near and can be found.`,
    },
  });
  for (const address of ['x', '11:22:33:44:55', '11:22:33:44:55:66:77', '%2e%2e']) {
    expect((await ask('DELETE', `/devices/${address}`)).status).toBe(404);
  }
});

test('without an adapter, or without Bluetooth, the reason is told', async () => {
  const { bluez, ask } = await start();
  bluez.removeAdapter();
  expect((await ask('GET', '')).body).toMatchObject({ adapters: [], devices: [] });
  expect(await ask('POST', '/scan')).toMatchObject({
    status: 503,
    body: { detail: 'This computer has no Bluetooth adapter.' },
  });
  await bluez[Symbol.asyncDispose]();
  expect(await ask('GET', '')).toMatchObject({
    status: 503,
    body: { detail: expect.stringMatching(/^The Bluetooth service does not run: .+\.$/) },
  });
});

test('those who look after the gateway only', async () => {
  const { bluez, ask } = await start();
  bluez.add(SEEN);
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    expect((await ask('GET', '', undefined, role)).status).toBe(403);
    expect((await ask('POST', '/scan', {}, role)).status).toBe(403);
    expect((await ask('POST', `/devices/${HEADSET}/pair`, {}, role)).status).toBe(403);
    expect((await ask('DELETE', `/devices/${HEADSET}`, undefined, role)).status).toBe(403);
  }
  expect(bluez.calls).toEqual([]);
});

/** Bluetooth on the page, against a gateway whose radio is that of the test. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launchBrowser, signIn } from '../support/browser.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { fitsEverywhere } from './fits.ts';

const PHONE = { width: 390, height: 844 };
const LAPTOP = { width: 1280, height: 800 };
const OBD = '00:1D:A5:68:98:8B';
const HEADSET = '9C:B7:0D:89:1D:2A';
const PIN = '4711';
/** Longer than the page waits between two looks. */
const SLOW_MS = 2_000;

let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: [] });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

const ADAPTER = { address: '00:1A:7D:DA:71:13', name: 'van-7', powered: true };

/** Both are there to be found; the adapter wants a PIN that nobody would guess. */
function device(address: string) {
  const isObd = address === OBD;
  return {
    ...{ address, name: isObd ? 'OBDII' : 'MindWave Mobile', adapter: ADAPTER.address },
    ...{ paired: false, trusted: false, connected: false, rssi: isObd ? -60 : -80, serial: true },
    ...{ use: isObd ? 'obd' : 'headset', url: `bt://${address}` },
  };
}

/** A radio: what it knows, and what it was asked. */
function radio({ adapters = [ADAPTER], blocked = false } = {}) {
  const state = {
    ...{ scanning: false, blocked, adapters },
    devices: [] as ReturnType<typeof device>[],
  };
  const asked: { readonly what: string; readonly body: unknown }[] = [];
  const answer = async (route: Route): Promise<void> => {
    const request = route.request();
    const what = `${request.method()} ${new URL(request.url()).pathname.replace('/api/v1', '')}`;
    const body = request.postDataJSON();
    if (what !== 'GET /bluetooth') asked.push({ what, body });
    const address = what.split('/')[3] ?? '';
    if (what === 'POST /bluetooth/scan') {
      state.scanning = true;
      await route.fulfill({ status: 202, json: { seconds: body.seconds } });
    } else if (what.endsWith('/pair') && body.pin !== PIN) {
      await route.fulfill(problem(409, 'The device refused the PIN.'));
    } else if (what.startsWith('DELETE')) {
      state.devices = state.devices.filter((one) => one.address !== address);
      await route.fulfill({ status: 204 });
    } else if (what.endsWith('/pair')) {
      state.devices = state.devices.map((one) =>
        one.address === address ? { ...one, paired: true, trusted: true } : one,
      );
      await route.fulfill({ json: state.devices.find((one) => one.address === address) });
    } else await route.fulfill({ json: state });
  };
  return { state, asked, answer };
}

function problem(status: number, detail: string) {
  const body = JSON.stringify({ title: 'Refused', status, detail });
  return { status, contentType: 'application/problem+json', body };
}

async function open(answer: (route: Route) => Promise<void>, { viewport = PHONE } = {}) {
  const page: Page = await browser.newPage({ viewport, colorScheme: 'dark' });
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await signIn(page, gateway.url);
  await page.route(/\/api\/v1\/bluetooth(\/|$)/, answer);
  await page.goto(`${gateway.url}#system`);
  return { page, complaints, card: page.getByRole('region', { name: 'Bluetooth' }) };
}

test.each([PHONE, LAPTOP])(
  'on $width x $height a device is looked for, and there as soon as it was seen',
  async (viewport) => {
    const { state, asked, answer } = radio({ adapters: [{ ...ADAPTER, powered: false }] });
    const { card, complaints } = await open(answer, { viewport });
    await card.getByText('No device is known.').waitFor();
    await card.getByText('Off: a scan switches it on').waitFor();
    await card.getByRole('button', { name: 'Look for devices' }).click();
    const looking = card.getByRole('button', { name: 'Looking …' });
    await looking.waitFor();
    expect(await looking.isDisabled()).toBe(true);
    await card.getByRole('progressbar', { name: 'Looking for devices' }).waitFor();
    expect(asked).toEqual([{ what: 'POST /bluetooth/scan', body: { seconds: 20 } }]);
    state.devices = [device(OBD)];
    await card.getByText(`OBD adapter · ${OBD} · near (−60 dBm)`).waitFor({ timeout: 4_000 });
    state.devices = [device(OBD), device(HEADSET)];
    await card.getByText('MindWave Mobile').waitFor({ timeout: 4_000 });
    state.scanning = false;
    await card.getByRole('button', { name: 'Look for devices' }).waitFor();
    expect(await card.getByRole('progressbar').count()).toBe(0);
    expect(complaints).toEqual([]);
  },
);

test('what is found is told though each answer takes its time', async () => {
  const { state, answer } = radio();
  state.scanning = true;
  const { card } = await open(async (route) => {
    await sleep(SLOW_MS);
    await answer(route);
  });
  await card.getByRole('button', { name: 'Looking …' }).waitFor();
  state.devices = [device(OBD)];
  await card.getByText('OBDII').waitFor({ timeout: 5 * SLOW_MS });
});

test('a device is paired with the PIN of its manual, and told as the setting wants it', async () => {
  const { state, asked, answer } = radio();
  state.devices = [device(OBD)];
  const { page, card } = await open(answer);
  await card.getByRole('button', { name: 'Pair OBDII' }).click();
  const form = card.getByRole('form', { name: 'Pair OBDII' });
  await form.getByRole('button', { name: 'Pair now' }).click();
  await form.getByRole('alert').filter({ hasText: 'The device refused the PIN.' }).waitFor();
  await form.getByLabel('PIN of its manual').fill(` ${PIN}`);
  await form.getByRole('button', { name: 'Pair now' }).click();
  await card.getByText('OBDII is paired: now name it in the settings.').waitFor();
  await card.getByText('Paired', { exact: true }).waitFor();
  const what = `POST /bluetooth/devices/${OBD}/pair`;
  expect(asked).toEqual([
    { what, body: {} },
    { what, body: { pin: PIN } },
  ]);
  expect(await card.getByLabel('For the setting obd', { exact: true }).inputValue()).toBe(
    `bt://${OBD}`,
  );
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await card.getByRole('button', { name: 'Copy for the setting obd' }).click();
  await card.getByText('Copied.').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`bt://${OBD}`);
  await card.getByRole('link', { name: 'Open the settings' }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
});

test('a headset is told for its own setting, and forgotten once that is confirmed', async () => {
  const { state, asked, answer } = radio();
  state.devices = [{ ...device(HEADSET), paired: true }];
  const { card } = await open(answer);
  const field = card.getByLabel('For the setting eeg', { exact: true });
  expect(await field.inputValue()).toBe(`thinkgear+bt://${HEADSET}`);
  await card.getByRole('button', { name: 'Forget MindWave Mobile' }).click();
  await card.getByText('It has to be paired anew').waitFor();
  await card.getByRole('button', { name: 'Cancel' }).click();
  expect(asked).toEqual([]);
  await card.getByRole('button', { name: 'Forget MindWave Mobile' }).click();
  await card.getByRole('button', { name: 'Forget', exact: true }).click();
  await card.getByText('MindWave Mobile is forgotten.').waitFor();
  await card.getByText('No device is known.').waitFor();
  expect(asked).toEqual([{ what: `DELETE /bluetooth/devices/${HEADSET}`, body: null }]);
});

test.each([
  ['no adapter', radio({ adapters: [] }).answer, 'This computer has no Bluetooth adapter.'],
  ['a switch that is off', radio({ blocked: true }).answer, 'kept off by this computer'],
  [
    'no Bluetooth at all',
    (route: Route) => route.fulfill(problem(503, 'There is no Bluetooth here: no message bus.')),
    'There is no Bluetooth here: no message bus.',
  ],
] as const)('with %s it says so, and offers no search', async (_, answer, text) => {
  const { card } = await open(answer);
  await card.getByText(text).waitFor();
  expect(await card.getByRole('button').count()).toBe(0);
});

test('on phones and laptops, by day and by night, all can be read and touched', async () => {
  const { state, answer } = radio();
  state.scanning = true;
  const paired = { ...device(OBD), paired: true, connected: true };
  state.devices = [paired, { ...device(HEADSET), paired: true }, device('44:55:66:77:88:99')];
  const { page, card } = await open(answer);
  await card.getByRole('button', { name: 'Forget OBDII' }).click();
  await card.getByRole('button', { name: /^Pair / }).click();
  await card.getByRole('button', { name: 'Pair now' }).click();
  await card.getByText('The device refused the PIN.').waitFor();
  await fitsEverywhere(page);
});

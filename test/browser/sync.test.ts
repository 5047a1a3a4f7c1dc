/** The link to the cloud on the page: as a real gateway tells of one that is away, and in all its states. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { SyncShape } from '../../src/http/routes/sync.ts';
import { launchBrowser, signIn } from '../support/browser.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { noSync } from '../support/no-sync.ts';
import { fitsEverywhere } from './fits.ts';

const PHONE = { width: 390, height: 844 };
const LAPTOP = { width: 1280, height: 800 };
/** Nobody listens there: RFC 863's port of a service that nobody runs. */
const NOBODY = 'mqtt://car:canary@127.0.0.1:9/home';
/** The page asks every 5 s. */
const LOOK_MS = 8_000;

let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: ['--sim', '1', '--cloud', NOBODY] });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

const ONLINE: SyncShape = {
  ...noSync(),
  ...{ state: 'online', text: 'connected to cloud.example:8883', broker: 'cloud.example:8883' },
  ...{ bearer: 'cellular', sinceS: 75, acknowledgedS: 0.4, inFlight: { batches: 3, bytes: 4_100 } },
  backlog: [
    { priority: 'p0', records: 0, bytes: 0, oldestS: null, held: null },
    { priority: 'p1', records: 1, bytes: 90, oldestS: 2, held: null },
    { priority: 'p2', records: 2_412, bytes: 16_400, oldestS: 31, held: null },
    {
      ...{ priority: 'p3', records: 14_300_000, bytes: 21_000_000, oldestS: 610_000 },
      held: 'it waits for Wi-Fi or Ethernet',
    },
  ],
  budget: { bytes: 500_000_000, used: 410_000_000, month: '2026-11' },
};

async function open(sync?: () => SyncShape, { viewport = PHONE, dark = true } = {}) {
  const colorScheme = dark ? 'dark' : 'light';
  const page: Page = await browser.newPage({ viewport, colorScheme });
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await signIn(page, gateway.url);
  if (sync) await page.route(/\/api\/v1\/sync$/, (route) => route.fulfill({ json: sync() }));
  await page.goto(`${gateway.url}#system`);
  return { page, complaints, card: page.getByRole('region', { name: 'Cloud' }) };
}

test('a cloud that is away is told of with what was tried, and without the password', async () => {
  const { page, card, complaints } = await open();
  await card.getByText('127.0.0.1:9', { exact: true }).waitFor();
  await expect.poll(() => card.textContent()).toMatch(/nothing listens there.*Waiting/s);
  await expect.poll(() => card.textContent()).toMatch(/Drive.*records/s);
  expect(await page.content()).not.toContain('canary');
  expect(complaints).toEqual([]);
});

test.each([
  { viewport: PHONE, dark: true },
  { viewport: LAPTOP, dark: false },
])('what waits, what is held back and what it cost is there: $viewport.width', async (look) => {
  const { page, card, complaints } = await open(() => ONLINE, look);
  await card.getByText('Connected', { exact: true }).waitFor();
  const lanes = await card.getByRole('listitem').allInnerTexts();
  expect(lanes.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
    'Alerts and events All there',
    'State 1 record, 1 kB, the oldest 2 s old Waits',
    'Drive 2,412 records, 17 kB, the oldest 31 s old Waits',
    'Raw EEG and CAN 14,300,000 records, 21.0 MB, the oldest 7 days old: it waits for Wi-Fi or Ethernet Held back',
  ]);
  expect(await card.textContent()).toContain('410.0 MB of 500.0 MB (82 %)');
  await fitsEverywhere(page);
  expect(complaints).toEqual([]);
});

test('the card follows the link, and is not there without a cloud', async () => {
  let sync: SyncShape = ONLINE;
  const { card } = await open(() => sync);
  await card.getByText('Connected', { exact: true }).waitFor();
  sync = { ...ONLINE, state: 'waiting', text: 'cloud.example:8883: not reached' };
  await card.getByText('Waiting', { exact: true }).waitFor({ timeout: LOOK_MS });
  const without = await open(() => noSync());
  await without.page.getByRole('region', { name: 'Gateway' }).waitFor();
  expect(await without.card.count()).toBe(0);
});

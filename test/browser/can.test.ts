/** CAN buses on the page: how they do, their DBC files, and lists that hundreds of signals are in. */
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launchBrowser, signIn } from '../support/browser.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { get, PASSWORD } from '../support/tokens.ts';
import { fitsEverywhere } from './fits.ts';

const PHONE = { width: 390, height: 844 };
const LAPTOP = { width: 1280, height: 800 };
/** Lists show no more than that of a bus by themselves. */
const SHOWN_MAX = 24;
const MESSAGES = 40;
const SIGNALS = 8;

/** A bus without an adapter for diagnosis: nothing tells that the car moves, so that forms stay. */
let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: ['--can', 'sim:'] });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

async function open(
  hash: string,
  { viewport = LAPTOP, prepare = async (_: Page): Promise<unknown> => undefined } = {},
) {
  const page = await browser.newPage({ viewport, colorScheme: 'dark' });
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await signIn(page, gateway.url);
  await prepare(page);
  await page.goto(`${gateway.url}${hash}`);
  return { page, complaints, card: page.getByRole('region', { name: 'CAN bus sim' }) };
}

/** A file with this many messages of some signals each, none of which is on the bus. */
function dbc(messages: number): string {
  const blocks = Array.from({ length: messages }, (_, m) => [
    `BO_ ${0x500 + m} Module_${m}: 8 ECU`,
    ...Array.from(
      { length: SIGNALS },
      (_, s) => ` SG_ Value_${m}_${s} : ${s * 8}|8@1+ (1,0) [0|255] "km/h" ECU`,
    ),
  ]);
  return ['VERSION ""', 'BU_: ECU', ...blocks.flat(), ''].join('\n');
}

async function upload(page: Page, name: string, text: string): Promise<void> {
  const card = page.getByRole('region', { name: 'CAN bus sim' });
  const file = { name, mimeType: '', buffer: Buffer.from(text) };
  await card.getByLabel('Add a DBC file', { exact: true }).setInputFiles(file);
  await card.getByRole('button', { name: /^(Upload|Replace)/ }).click();
}

/** Puts a file where it is for the test that is running. */
async function withFile(name: string, text: string): Promise<void> {
  const url = `${gateway.url}api/v1/can/sim/dbc/${name}`;
  const headers = { 'content-type': 'text/plain' };
  const reply = await get(url, { method: 'PUT', headers, body: text });
  expect(reply.status).toBe(200);
  onTestFinished(async () => void (await get(url, { method: 'DELETE' })));
}

test('a bus is told in words and numbers, and the browser has nothing to complain about', async () => {
  const { page, complaints, card } = await open('#vehicle', { viewport: PHONE });
  await card.getByText('Works', { exact: true }).waitFor();
  const fact = (name: string) => card.locator('.figures div', { hasText: name }).locator('dd');
  // The bus counts for 5 s, and the page asks every 5 s.
  const frames = () => fact('Frames').first().textContent();
  await expect.poll(frames, { timeout: 20_000 }).toMatch(/^[1-9]\d\d a second$/);
  await expect.poll(() => fact('Load').textContent()).toMatch(/^\d+ %$/);
  expect(await fact('Bit rate').textContent()).toBe('500 kbit/s');
  expect(await fact('This gateway').textContent()).toBe('listens only');
  expect(await fact('Frames lost').textContent()).toBe('none, as the link counts');
  expect(await fact('Identifiers').textContent()).toMatch(/^25, all in a DBC file$/);
  await page.getByText('No OBD adapter is configured, so that the car is not asked').waitFor();
  expect(complaints).toEqual([]);
});

test.each([
  [{ state: 'warning' }, 'Errors', /terminating resistor/],
  [{ state: 'passive' }, 'Many errors', /error-passive/],
  [{ state: 'off', framesHz: 0 }, 'Off the bus', /bus-off/],
  [{ framesHz: 0 }, 'Silent', /ignition is off/],
  [{ open: false, state: 'unknown' }, 'Not open', /receiving data/],
])('a bus with %j is told as %s, with what to look at', async (change, word, text) => {
  const { items } = await (await get(`${gateway.url}api/v1/can`)).json();
  const json = { items: [{ ...items[0], load: 14, ...change }], next: null };
  const { card } = await open('#vehicle', {
    viewport: PHONE,
    prepare: (page) => page.route('**/api/v1/can', (route) => route.fulfill({ json })),
  });
  await card.getByText(word, { exact: true }).waitFor();
  await card.getByRole('status').filter({ hasText: text }).waitFor();
});

test('counters of errors, identifiers that have stopped, and what the system lacks are told', async () => {
  const stoppedIds = [{ id: '1A0', silentS: 95, everyMs: 10 }];
  const more = { rxErrors: 131, txErrors: 4, stopped: 3, stoppedIds, warnings: ['rmem is small'] };
  const health = await gateway.health();
  const parts = health.parts.map((part) =>
    part.id === 'can' ? { ...part, details: { ...part.details, ...more } } : part,
  );
  const { card } = await open('#vehicle', {
    prepare: (page) =>
      page.route('**/health', (route) => route.fulfill({ json: { ...health, parts } })),
  });
  await card.getByText('131 receiving, 4 sending').waitFor();
  await card.getByText('rmem is small').waitFor();
  await card.getByText('3 identifiers silent that came in a rhythm').click();
  await card.getByText('came every 10 ms, silent for 1 min 35 s').waitFor();
  await card.getByText('And 2 more.').waitFor();
});

test('live values are found by their names, and only those that are shown are asked for', async () => {
  const { page, card, complaints } = await open('#vehicle', {
    viewport: PHONE,
    prepare: async (one) => void one.on('websocket', follow),
  });
  await card.getByText('Live values of its signals').click();
  await card.getByText(`1 to ${SHOWN_MAX} of 102`).waitFor();
  await expect.poll(() => asked.size).toBe(SHOWN_MAX);
  await card.getByRole('button', { name: 'Next' }).click();
  await card.getByText(`${SHOWN_MAX + 1} to ${2 * SHOWN_MAX} of 102`).waitFor();
  await card.getByRole('searchbox').fill('speed vehiclesp');
  const value = card.locator('.values li', { hasText: 'vehiclespeed' }).locator('.value');
  const seen = new Set<string>();
  const look = async () => seen.add((await value.textContent()) ?? '').size;
  await expect.poll(look, { timeout: 30_000 }).toBeGreaterThan(3);
  expect([...seen].at(-1)).toMatch(/^[\d.]+ km\/h$/);
  expect(asked.size).toBeLessThanOrEqual(2 * SHOWN_MAX + 1);
  await card.getByRole('searchbox').fill('nothing is called so');
  await card.getByText('None is called so.').waitFor();
  await page.goto(`${gateway.url}#account`);
  await expect.poll(() => openSockets).toBe(1);
  expect(complaints).toEqual([]);
});

/** Streams of CAN that the page has subscribed to, and its connections. */
const asked = new Set<string>();
let openSockets = 0;
function follow(socket: import('playwright-core').WebSocket): void {
  openSockets++;
  socket.on('close', () => openSockets--);
  socket.on('framesent', ({ payload }) => {
    const { streams = [] }: { streams?: string[] } = JSON.parse(String(payload));
    for (const id of streams) if (id.startsWith('can.')) asked.add(id);
  });
}

test('a DBC file is sent, told of by line, fetched as it was, replaced, and deleted', async () => {
  const { page, card, complaints } = await open('#vehicle', { viewport: PHONE });
  const text = `${dbc(2)}NONSENSE here;\n`;
  await upload(page, 'Odd Car (2019).dbc', text);
  const read = 'odd-car-2019 is read and counts from now on: 2 messages, 16 signals, 1 warning.';
  await card.getByText(read).waitFor();
  await card.getByText('1 warning in odd-car-2019').click();
  const line = text.split('\n').indexOf('NONSENSE here;') + 1;
  await card.getByText(`Line ${line}`).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    card.getByRole('button', { name: 'Download odd-car-2019' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('odd-car-2019.dbc');
  expect(await readFile(await download.path(), 'utf8')).toBe(text);
  const again = { name: 'odd car 2019.dbc', mimeType: '', buffer: Buffer.from(dbc(3)) };
  await card.getByLabel('Add a DBC file', { exact: true }).setInputFiles(again);
  await card.getByRole('button', { name: 'Replace odd-car-2019' }).click();
  await card.getByText('3 messages, 24 signals.').waitFor();
  await card.getByRole('button', { name: 'Delete odd-car-2019' }).click();
  await card.getByText('Its signals are recorded no more').waitFor();
  await card.getByRole('button', { name: 'Delete', exact: true }).click();
  await card.getByText('odd-car-2019 is deleted.').waitFor();
  await card.getByRole('button', { name: 'Download odd-car-2019' }).waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('what is no DBC file is refused with the line', async () => {
  const { page, card } = await open('#vehicle', { viewport: PHONE });
  await upload(page, 'notes.dbc', 'VERSION ""\nBO_ hello\n');
  await card
    .getByRole('alert')
    .filter({ hasText: /^There is no message in the file; line 2/ })
    .waitFor();
});

test.each([
  ['setting', 'By the setting dbc'],
  ['simulator', 'Of the simulated car'],
])('a file that comes from the %s is marked as such, and stays', async (origin, mark) => {
  const { items } = await (await get(`${gateway.url}api/v1/can/sim/dbc`)).json();
  const json = { items: [{ ...items[0], origin }], next: null };
  const { card } = await open('#vehicle', {
    prepare: (page) => page.route('**/can/sim/dbc', (route) => route.fulfill({ json })),
  });
  await card.getByText(mark).waitFor();
  await card.getByRole('button', { name: 'Download can-car' }).waitFor();
  expect(await card.getByRole('button', { name: 'Delete can-car' }).count()).toBe(0);
});

test('whoever may only look sees the bus, and sends and fetches nothing', async () => {
  const user = { username: 'looker', password: PASSWORD, role: 'viewer' };
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(user);
  await get(`${gateway.url}api/v1/users`, { method: 'POST', headers, body });
  const context = await browser.newContext({ viewport: PHONE });
  onTestFinished(() => context.close());
  const data = { username: 'looker', password: PASSWORD, refresh: 'cookie' };
  await context.request.post(`${gateway.url}api/v1/auth/login`, { data });
  const page = await context.newPage();
  await page.goto(`${gateway.url}#vehicle`);
  const card = page.getByRole('region', { name: 'CAN bus sim' });
  await card.getByText('25 messages, 102 signals').waitFor();
  expect(await card.getByRole('button').count()).toBe(0);
  expect(await card.locator('form').count()).toBe(0);
});

test('where no bus is read, whoever may change that is told how', async () => {
  const { page } = await open('#vehicle', {
    prepare: (one) =>
      one.route('**/api/v1/can', (route) => route.fulfill({ json: { items: [], next: null } })),
  });
  await page.getByText('No CAN bus is read.').waitFor();
  expect(await page.getByRole('heading', { name: /^CAN bus/ }).count()).toBe(0);
  await page.getByRole('link', { name: 'Settings' }).last().click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
});

test('hundreds of signals are folded up where a rule is made, and found by words', async () => {
  await withFile('large', dbc(MESSAGES));
  const { page } = await open('#alerts/rules/new', { viewport: PHONE });
  const all = MESSAGES * SIGNALS + 102;
  const bus = page.getByText(`CAN bus sim: ${all} signals`);
  await bus.waitFor();
  expect(await page.getByRole('radio').count()).toBeLessThan(20);
  // Of raw frames nothing can be told.
  expect(await page.getByText('CAN frames, sim').count()).toBe(0);
  await bus.click();
  await page.getByText(/^module_7 8 signals/).click();
  await page.getByRole('radio', { name: 'Value_7_3' }).check();
  await page.getByText('Stream: Value_7_3').click();
  await page.getByRole('searchbox').fill('module value_7');
  await page.getByRole('radio', { name: 'Value_7_3' }).waitFor();
  expect(await page.getByRole('radio').count()).toBe(SIGNALS);
  await page.getByRole('searchbox').fill('module');
  await page.getByText(`${MESSAGES * SIGNALS - 100} more`).waitFor();
});

test('a recording of a bus can be drawn, looked through and fetched with and without it', async () => {
  const { id } = await recorded();
  const { page, complaints } = await open(`#recordings/${id}`, {
    viewport: PHONE,
    prepare: (one) => one.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker')),
  });
  await page.locator('.course canvas').first().waitFor();
  await page.getByText(/^Choose what is drawn: 4 of/).click();
  await page.getByText(/^CAN bus sim: \d+ signals/).click();
  await page.getByText(/^speed \d+ signals/).click();
  await page.getByRole('checkbox', { name: 'VehicleSpeed' }).check();
  await page.getByRole('img', { name: /^VehicleSpeed: / }).waitFor();
  await page.getByText(/^CAN bus sim: \d+ signals, [1-9] chosen/).waitFor();
  await page.getByText(/^What was recorded: \d+ streams/).click();
  const table = page.locator('.card.streams');
  await table.getByRole('searchbox').fill('vehiclespeed');
  await expect.poll(() => table.locator('tbody tr').count()).toBe(1);
  const order = async (name: string): Promise<{ format: string; streams?: string[] }> => {
    const [request] = await Promise.all([
      page.waitForRequest('**/api/v1/export'),
      page.waitForEvent('download'),
      page.getByRole('button', { name, exact: true }).click(),
    ]);
    return request.postDataJSON();
  };
  expect((await order('CSV')).streams).toBeUndefined();
  await page.getByLabel(/^With \d+ streams of CAN$/).uncheck();
  const { streams = [] } = await order('CSV');
  expect(streams.length).toBeGreaterThan(0);
  expect(streams.filter((one) => one.startsWith('can.'))).toEqual([]);
  expect(await order('candump')).toEqual({ session: id, format: 'candump' });
  expect(complaints).toEqual([]);
});

/** A recording of some seconds of the bus, and of a marker, which is over. */
async function recorded(): Promise<{ id: number }> {
  const url = `${gateway.url}api/v1/sessions`;
  const headers = { 'content-type': 'application/json' };
  const begun = await (await get(url, { method: 'POST', headers, body: '{}' })).json();
  const marker = JSON.stringify({ text: 'a bump' });
  const marked = await get(`${url}/${begun.id}/events`, { method: 'POST', headers, body: marker });
  expect(marked.status).toBe(201);
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  const body = JSON.stringify({ state: 'ended' });
  await get(`${url}/${begun.id}`, { method: 'PATCH', headers, body });
  await expect
    .poll(async () => (await (await get(`${url}/${begun.id}`)).json()).stats?.durationS ?? 0, {
      timeout: 15_000,
    })
    .toBeGreaterThan(5);
  return begun;
}

test('on phones and laptops, by day and by night, all can be read and touched', async () => {
  await withFile('odd', `${dbc(12)}NONSENSE here;\n`);
  const { page, card } = await open('#vehicle');
  await card.getByText('1 warning in odd').click();
  await card.getByText('Live values of its signals').click();
  await card.locator('.values .value', { hasText: 'km/h' }).first().waitFor();
  await card.getByRole('button', { name: 'Delete odd' }).click();
  await fitsEverywhere(page);
  await page.goto(`${gateway.url}#alerts/rules/new`);
  await page.getByText(/^CAN bus sim: /).click();
  await page.getByText(/^module_7 8 signals/).click();
  await fitsEverywhere(page);
});

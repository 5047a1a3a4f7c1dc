/**
 * Takes the pictures of README.md: the dashboard with the simulated car, on a phone and a tablet.
 *
 *   node scripts/pictures.ts            all of them, in 7 minutes
 *   node scripts/pictures.ts can-phone-light users-tablet-light
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser, signIn } from '../test/support/browser.ts';
import { get, logIn, PASSWORD } from '../test/support/tokens.ts';

const FOLDER = '.pictures';
const SEED = '1';
/** What a page needs to fill up: the trace of the EEG has four seconds. */
const SETTLE_MS = 6_000;
/** What an alert covers at the top. */
const BANNER_PX = 104;

interface View {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'dark' | 'light';
}

const REVS = {
  ...{ name: 'Revs', severity: 'warn', cooldownMs: 10_000 },
  ...{ stream: 'obd.engine.rpm', when: { op: '>', value: 1_500, clear: 1_000 }, unit: '/min' },
};

const USERS = [
  { username: 'ola', role: 'operator', password: PASSWORD },
  { username: 'maria', role: 'researcher', password: PASSWORD },
  { username: 'kim', role: 'student', password: PASSWORD },
];

/** One gateway for each: how fast its time passes, how long it runs before, what is looked at. */
const SCENES: readonly {
  readonly speed: number;
  readonly waitMs: number;
  readonly page: string;
  /** Put in place at the start. */
  readonly rule?: object;
  readonly users?: readonly object[];
  /** Somebody says so on the page, who may write while the car moves. */
  readonly passenger?: boolean;
  /** With a bus to listen to, and its card, with its values unfolded, at the top. */
  readonly bus?: boolean;
  /** As somebody sees it who has not logged in. */
  readonly stranger?: boolean;
  readonly views: readonly View[];
}[] = [
  {
    // By then the simulated car is in town and its values are in mid-scale.
    ...{ speed: 1, waitMs: 60_000, page: '' },
    views: [
      { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
      { name: 'tablet-light', width: 1280, height: 800, colorScheme: 'light' },
      { name: 'tablet-dark', width: 1280, height: 800, colorScheme: 'dark' },
    ],
  },
  {
    // An alert on, of a rule that town traffic breaks.
    ...{ speed: 1, waitMs: 45_000, page: '', rule: REVS },
    views: [{ name: 'alert-phone-dark', width: 390, height: 844, colorScheme: 'dark' }],
  },
  {
    ...{ speed: 30, waitMs: 30_000, page: '#alerts/rules/revs', rule: REVS, passenger: true },
    views: [{ name: 'rule-tablet-light', width: 1280, height: 1000, colorScheme: 'light' }],
  },
  {
    // A drive of a quarter of an hour.
    ...{ speed: 30, waitMs: 30_000, page: '#recordings/1' },
    views: [
      { name: 'recording-phone-dark', width: 390, height: 844, colorScheme: 'dark' },
      { name: 'recording-tablet-light', width: 1280, height: 800, colorScheme: 'light' },
    ],
  },
  {
    ...{ speed: 1, waitMs: 1_000, page: '', stranger: true },
    views: [{ name: 'login-phone-dark', width: 390, height: 844, colorScheme: 'dark' }],
  },
  {
    // By then the fault of the simulated car has become a code.
    ...{ speed: 1, waitMs: 150_000, page: '#vehicle', passenger: true },
    views: [{ name: 'vehicle-tablet-light', width: 1280, height: 800, colorScheme: 'light' }],
  },
  {
    ...{ speed: 1, waitMs: 60_000, page: '#vehicle', bus: true },
    views: [{ name: 'can-phone-light', width: 390, height: 844, colorScheme: 'light' }],
  },
  {
    ...{ speed: 1, waitMs: 1_000, page: '#users', passenger: true, users: USERS },
    views: [{ name: 'users-tablet-light', width: 1280, height: 800, colorScheme: 'light' }],
  },
];

const asked = process.argv.slice(2);
const names = SCENES.flatMap(({ views }) => views.map(({ name }) => name));
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) {
  throw new Error(`there is no picture ${unknown}; there are ${names.join(', ')}`);
}
const wanted = SCENES.map((scene) => ({
  ...scene,
  views: scene.views.filter(({ name }) => asked.length === 0 || asked.includes(name)),
}));

for (const scene of wanted.filter(({ views }) => views.length > 0)) {
  const data = mkdtempSync(path.join(tmpdir(), 'vigil-pictures-'));
  const flags = ['--sim', SEED, '--speed', String(scene.speed), '--data', data];
  if (scene.bus) flags.push('--can', 'sim:');
  const gateway = spawn(process.execPath, ['src/main.ts', ...flags, '--http', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, VIGIL_SETUP_PASSWORD: PASSWORD },
  });
  try {
    await takeAll(await urlOf(gateway), scene);
  } finally {
    gateway.kill();
    await once(gateway, 'exit');
    rmSync(data, { recursive: true });
  }
}

async function takeAll(url: string, scene: (typeof SCENES)[number]): Promise<void> {
  await logIn(url);
  if (scene.rule) await add(url, 'alerts', scene.rule);
  for (const user of scene.users ?? []) await add(url, 'users', user);
  mkdirSync(FOLDER, { recursive: true });
  const browser = await launchBrowser();
  await new Promise((resolve) => setTimeout(resolve, scene.waitMs));
  for (const { name, width, height, colorScheme } of scene.views) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    if (!scene.stranger) await signIn(page, url);
    await page.goto(`${url}${scene.page}`);
    await page.waitForTimeout(SETTLE_MS);
    if (scene.passenger) await holdPassenger(page);
    if (scene.bus) await showBus(page);
    await page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
    await page.close();
    console.log(`${FOLDER}/${name}.png`);
  }
  await browser.close();
}

async function holdPassenger(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Passenger' }).hover();
  await page.mouse.down();
  await page.waitForTimeout(SETTLE_MS);
  await page.mouse.up();
}

async function showBus(page: Page): Promise<void> {
  const card = page.getByRole('region', { name: /^CAN bus/ });
  await card.getByText('Live values of its signals').click();
  await card.evaluate((it, below) => {
    it.style.scrollMarginTop = `${below}px`;
    it.scrollIntoView();
  }, BANNER_PX);
  await page.waitForTimeout(SETTLE_MS);
}

/** The gateway knows the streams of its devices, which rules name, from the start. */
async function add(url: string, list: 'alerts' | 'users', item: object): Promise<void> {
  const response = await get(`${url}api/v1/${list}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(item),
  });
  if (!response.ok) throw new Error(`${list}: refused: ${await response.text()}`);
}

/** The address that the gateway prints when it listens. */
function urlOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    stdout?.on('data', (chunk) => {
      const url = /http:\S+/.exec(String(chunk))?.[0];
      if (url) resolve(url);
    });
    stdout?.on('end', () => reject(new Error('the gateway ended before it listened')));
  });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launchBrowser, signIn } from '../support/browser.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { recordInto, sessionOf } from '../support/recorded-store.ts';
import { textContrasts } from './contrast.ts';

/** Compressed, of what the first picture needs: uPlot comes later, and alone is 22 kB. */
const FIRST_LOAD_BYTES_MAX = 45_000;
/** Of everything until the trace moves: 15 for the first picture, and uPlot after it. */
const FIRST_LOAD_REQUESTS_MAX = 16;
/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5: CSS pixels. */
const TARGET_PX_MIN = 44;
const PHONE = { width: 390, height: 844 };
const SMALL_PHONE = { width: 320, height: 700 };
const PHONE_ON_ITS_SIDE = { width: 844, height: 390 };
const TABLET = { width: 768, height: 1024 };
const LAPTOP = { width: 1280, height: 800 };
const SIMULATED = ['--sim', '1'];
/** Longer than the test takes. */
const REPLAY_S = 120;

let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: SIMULATED });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
});

/** The page, and what the browser complained about: errors, CSP violations, missing files. */
async function open({
  viewport = LAPTOP,
  colorScheme = 'dark' as 'dark' | 'light',
  url = gateway.url,
} = {}) {
  const page = await browser.newPage({ viewport, colorScheme });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await signIn(page, url);
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

function gauge(page: Page, name: string) {
  return page.getByRole('meter', { name, exact: true });
}

function pill(page: Page) {
  return page.locator('.pill');
}

/** Resolves when a gauge has shown `count` different numbers, none of them marked old. */
async function showsNumbers(page: Page, name: string, count: number): Promise<void> {
  const seen = new Set<string>();
  const meter = gauge(page, name);
  await expect
    .poll(
      async () => {
        const text = await meter.getAttribute('aria-valuetext');
        if (text && /^\d/.test(text) && !text.endsWith('ago')) seen.add(text);
        return seen.size;
      },
      { timeout: 30_000, interval: 100, message: `${name} shows ${count} numbers` },
    )
    .toBeGreaterThanOrEqual(count);
}

/** The trace as a picture; empty while there is none. */
function tracePicture(page: Page): Promise<string> {
  return page.evaluate(
    () => document.querySelector<HTMLCanvasElement>('.trace canvas')?.toDataURL() ?? '',
  );
}

/** Resolves when the trace has been drawn and then drawn differently. */
async function traceMoves(page: Page): Promise<void> {
  const pictures = new Set<string>();
  await expect
    .poll(
      async () => {
        pictures.add(await tracePicture(page));
        return pictures.size;
      },
      { timeout: 30_000, interval: 100, message: 'the trace moves' },
    )
    .toBeGreaterThanOrEqual(4);
}

test('shows a moving car and a live trace, and the browser has nothing to complain about', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await showsNumbers(page, 'Speed', 3);
  await showsNumbers(page, 'Engine speed', 3);
  await traceMoves(page);
  await expect.poll(() => pill(page).textContent()).toBe('Live');
  expect(complaints).toEqual([]);
});

test('says that the readings are simulated', async () => {
  await using opened = await open();
  await opened.page.getByText('Simulated').waitFor();
});

test('when the gateway goes away values turn grey with their age, and come back with it', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vigil-again-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const args = [...SIMULATED, '--data', data];
  const first = await startGateway({ args });
  onTestFinished(() => first[Symbol.asyncDispose]());
  await using opened = await open({ url: first.url });
  const { page } = opened;
  await showsNumbers(page, 'Speed', 1);
  await first[Symbol.asyncDispose]();
  await expect
    .poll(() => pill(page).textContent(), { timeout: 10_000 })
    .toMatch(/^(Stale|Offline)/);
  const speed = gauge(page, 'Speed');
  await expect.poll(() => speed.getAttribute('data-state')).toBe('stale');
  await expect.poll(() => speed.textContent(), { timeout: 5_000 }).toMatch(/[1-9]\d* s ago/);
  const trace = page.locator('.trace');
  await expect.poll(() => trace.getAttribute('data-state')).toBe('stale');
  expect(await page.getByRole('status').filter({ hasText: 'Offline' }).count()).toBe(1);

  await using _second = await startGateway({
    args: [...args, '--http', new URL(first.url).host],
  });
  await expect.poll(() => pill(page).textContent(), { timeout: 30_000 }).toBe('Live');
  await showsNumbers(page, 'Speed', 2);
  await traceMoves(page);
});

test('the first load is small, and uPlot comes after the first paint', async () => {
  const page = await browser.newPage({ viewport: PHONE });
  const responses: Response[] = [];
  page.on('response', (response) => responses.push(response));
  await signIn(page, gateway.url);
  await page.goto(gateway.url);
  await traceMoves(page);
  const firstLoad = responses.filter(isFirst());
  const sizes = await Promise.all(
    firstLoad
      .filter((each) => !each.url().endsWith('/vendor/uplot.js'))
      .map((each) => each.request().sizes()),
  );
  const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
  const { paint, plot } = await page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity,
    plot: performance
      .getEntriesByType('resource')
      .find(({ name }) => name.endsWith('/vendor/uplot.js'))?.startTime,
  }));
  await page.close();
  expect(firstLoad.length).toBeLessThanOrEqual(FIRST_LOAD_REQUESTS_MAX);
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES_MAX);
  expect(plot).toBeGreaterThan(paint);
});

/** True for an address that was not asked for before: health is polled. */
function isFirst(): (response: Response) => boolean {
  const seen = new Set<string>();
  return (response) => {
    if (seen.has(response.url())) return false;
    seen.add(response.url());
    return true;
  };
}

test.each(['dark', 'light'] as const)(
  'text can be read in the %s theme, whatever state it tells of',
  async (colorScheme) => {
    await using opened = await open({ colorScheme });
    const { page } = opened;
    await showsNumbers(page, 'Speed', 1);
    const contrasts = await textContrasts(page);
    for (const state of ['stale', 'caution', 'danger']) {
      await page.evaluate((forced) => {
        for (const part of document.querySelectorAll('[data-state]')) {
          part.setAttribute('data-state', forced);
        }
      }, state);
      contrasts.push(...(await textContrasts(page)));
    }
    expect(contrasts.length).toBeGreaterThan(100);
    expect(contrasts.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
  },
);

test.each([PHONE, SMALL_PHONE, PHONE_ON_ITS_SIDE, TABLET])(
  'on $width x $height the driving essentials are in the first view',
  async (viewport) => {
    await using opened = await open({ viewport });
    const { page } = opened;
    await showsNumbers(page, 'Speed', 1);
    for (const name of ['Speed', 'Engine speed', 'Coolant', 'Throttle', 'Voltage']) {
      const box = await gauge(page, name).boundingBox();
      expect((box?.y ?? Infinity) + (box?.height ?? 0), name).toBeLessThanOrEqual(viewport.height);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
  },
);

test('on a tablet the EEG is in the first view, too', async () => {
  await using opened = await open({ viewport: TABLET });
  const box = await opened.page.locator('.eeg').boundingBox();
  expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThanOrEqual(TABLET.height);
});

test('the header of a small phone has room for an outage', async () => {
  const gone = await startGateway({ args: SIMULATED });
  onTestFinished(() => gone[Symbol.asyncDispose]());
  await using opened = await open({ viewport: SMALL_PHONE, url: gone.url });
  const { page } = opened;
  await page.getByText('Simulated').waitFor();
  await gone[Symbol.asyncDispose]();
  await expect.poll(() => pill(page).textContent(), { timeout: 10_000 }).toMatch(/^Offline/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  expect((await page.locator('.logo').boundingBox())?.width).toBe(30);
  expect((await page.locator('.theme svg').boundingBox())?.width).toBe(20);
});

test('a gateway without devices says so, and what to do', async () => {
  await using bare = await startGateway({ args: [] });
  await using opened = await open({ url: bare.url });
  await opened.page.getByText('No device is configured. Try --sim 1').waitFor();
  expect(await pill(opened.page).textContent()).toBe('Connected, no data');
});

test('a replay says which recording it plays, and is live', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vigil-replay-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const sessions = [sessionOf(1, 1, 0, REPLAY_S * 1e6)];
  await (await recordInto(data, { epoch: 1, seconds: REPLAY_S, sessions })).close();
  await using player = await startGateway({ args: ['--data', data, '--replay', '1'] });
  await using opened = await open({ url: player.url });
  const { page } = opened;
  await page.getByText('Replay of session 1').waitFor();
  await expect.poll(() => pill(page).textContent(), { timeout: 10_000 }).toBe('Live');
  await showsNumbers(page, 'Speed', 1);
  expect(await page.getByText('No device is configured').count()).toBe(0);
});

test('the check-engine lamp names the newest code, and moves nothing when it lights up', async () => {
  const page = await browser.newPage({ viewport: PHONE });
  onTestFinished(() => page.close());
  const said = { code: 'P0128', status: 'confirmed', text: 'Too cold', present: true };
  await page.routeWebSocket(/telemetry/, (socket) => {
    const gatewaySide = socket.connectToServer();
    gatewaySide.onMessage((message) => {
      const lit = String(message).replace(/("obd.monitor.(?:mil|dtcs)"):0/g, '$1:1');
      const event = { type: 'event', stream: 'obd.dtc', t: 0, data: said };
      socket.send(typeof message === 'string' ? lit : message);
      if (lit !== String(message)) socket.send(JSON.stringify(event));
    });
  });
  await signIn(page, gateway.url);
  await page.goto(gateway.url);
  const card = page.locator('.car');
  const before = await card.boundingBox();
  await page.getByText('Check engine · 1 code · P0128 Too cold').waitFor();
  expect(await card.boundingBox()).toEqual(before);
});

test('on a laptop everything is in one view', async () => {
  await using opened = await open({ viewport: LAPTOP });
  const { page } = opened;
  await showsNumbers(page, 'Speed', 1);
  const size = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    return { width: scrollWidth, height: scrollHeight };
  });
  expect(size).toEqual(LAPTOP);
  const bands = await page.locator('.bands').boundingBox();
  const senses = await page.locator('.senses').boundingBox();
  expect((bands?.y ?? Infinity) + (bands?.height ?? 0)).toBeLessThanOrEqual(senses?.y ?? 0);
});

test('the theme goes through automatic, dark and light, and is remembered', async () => {
  await using opened = await open({ viewport: PHONE, colorScheme: 'light' });
  const { page } = opened;
  const button = page.getByRole('button', { name: /^Theme/ });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  const box = await button.boundingBox();
  expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(TARGET_PX_MIN);
  await button.click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  expect(await ground()).toBe(dark);
  await button.click();
  expect(await ground()).toBe(light);
});

test('where the browser blocks storage the page works, and its theme can be changed', async () => {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.addInitScript(() => {
    const get = () => {
      throw new DOMException('Access is denied for this document.', 'SecurityError');
    };
    Object.defineProperty(window, 'localStorage', { get });
  });
  await signIn(page, gateway.url);
  await page.goto(gateway.url);
  await page.getByRole('button', { name: 'Theme: auto' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  await showsNumbers(page, 'Speed', 2);
  expect(errors).toEqual([]);
});

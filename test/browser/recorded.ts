/** A gateway that has recorded something, and pages that look at it. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser, signIn } from '../support/browser.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import { get } from '../support/tokens.ts';

export const PHONE = { width: 390, height: 844 };
export const LAPTOP = { width: 1280, height: 800 };
/** Of the simulated drive, before anything is looked at: its first trouble code comes after 50 s. */
export const DRIVE_S = 90;

/** A drive and a browser for the tests of one file; `open` opens the dashboard at a hash. */
export function useDrive() {
  let running: { readonly gateway: Gateway; readonly browser: Browser } | undefined;
  const use = () => {
    if (!running) throw new Error('there is no drive but within a test');
    return running;
  };
  beforeAll(async () => {
    const gateway = await startDrive();
    try {
      running = { gateway, browser: await launchBrowser() };
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
  });
  afterAll(async () => {
    await running?.browser.close();
    await running?.gateway[Symbol.asyncDispose]();
  });
  const open = (hash: string, how: How = {}) => {
    const { browser, gateway } = use();
    return openAt(browser, `${gateway.url}${hash}`, how);
  };
  return { use, open };
}

/** A gateway with a drive that is going on and already worth looking at. */
async function startDrive(): Promise<Gateway> {
  const gateway = await startGateway({ args: ['--sim', '1', '--speed', '20'] });
  await eventually('a drive is recorded', async () => {
    const reply = await get(`${gateway.url}api/v1/sessions/1`);
    const text = await reply.text();
    const drive: { readonly stats?: { readonly durationS: number } | null } = JSON.parse(text);
    return { done: (drive.stats?.durationS ?? 0) > DRIVE_S, seen: text.slice(0, 300) };
  });
  return gateway;
}

export interface How {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'dark' | 'light';
  readonly hasTouch?: boolean;
  /** Before anything is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** A page, and what the browser complained about. */
async function openAt(browser: Browser, url: string, { prepare, ...how }: How) {
  const page = await browser.newPage({ viewport: LAPTOP, colorScheme: 'dark', ...how });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await signIn(page, url);
  await prepare?.(page);
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

/** One recording in the list. */
export function row(page: Page, id: number): Locator {
  return page.locator('.session', { has: page.locator(`a[href="#recordings/${id}"]`) });
}

/** Has the gateway refuse what goes to an address. */
export function refuse(page: Page, url: string, detail: string): Promise<unknown> {
  return page.route(url, (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({ title: 'Service Unavailable', status: 503, detail }),
    }),
  );
}

/** Where something is on the screen, after it was scrolled to. */
export async function boxOf(locator: Locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  if (!box) throw new Error('it is not on the page');
  return box;
}

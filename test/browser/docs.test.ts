import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { textContrasts } from './contrast.ts';
import { LAPTOP, PHONE } from './recorded.ts';

/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5: CSS pixels. */
const TARGET_PX_MIN = 44;

let gateway: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: ['--sim', '1'] });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await gateway[Symbol.asyncDispose]();
});

async function open(how: Parameters<Browser['newPage']>[0]) {
  const page = await browser.newPage(how);
  const complaints: string[] = [];
  page.on('console', (message) => void complaints.push(message.text()));
  await page.goto(`${gateway.url}api/docs`);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

test.each(['dark', 'light'] as const)('text can be read in the %s theme', async (colorScheme) => {
  await using opened = await open({ colorScheme });
  const found = await textContrasts(opened.page);
  expect(found.length).toBeGreaterThan(500);
  expect(found.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
  expect(opened.complaints).toEqual([]);
});

test.each([PHONE, LAPTOP])('on $width x $height nothing overflows', async (viewport) => {
  await using opened = await open({ viewport });
  const { page } = opened;
  await page.evaluate(() => {
    for (const one of document.querySelectorAll('details')) one.open = true;
  });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll('pre, td, th, p')]
      .filter((one) => one.scrollWidth > one.clientWidth + 1)
      .map((one) => one.textContent?.slice(0, 80)),
  );
  expect(wide).toEqual([]);
  const small = await page.evaluate((least) => {
    const controls = document.querySelectorAll('summary, nav a');
    return [...controls].filter((one) => one.getBoundingClientRect().height < least).length;
  }, TARGET_PX_MIN);
  expect(small).toBe(0);
});

test('it reads without a script, by its landmarks and headings', async () => {
  await using opened = await open({ javaScriptEnabled: false });
  const { page } = opened;
  await page
    .getByRole('navigation', { name: 'Contents' })
    .getByRole('link', { name: 'alerts' })
    .click();
  expect(new URL(page.url()).hash).toBe('#alerts');
  expect(await page.getByRole('main').count()).toBe(1);
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
  const route = page.getByRole('article').filter({ hasText: 'GET /sessions/{id}/data' });
  await route.getByRole('table', { name: 'Parameters' }).waitFor();
  expect(await route.getByText('curl').count()).toBe(1);
});

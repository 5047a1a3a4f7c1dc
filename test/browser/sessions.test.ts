import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { signIn } from '../support/browser.ts';
import { startGateway } from '../support/gateway.ts';
import { boxOf, DRIVE_S, PHONE, refuse, row, useDrive } from './recorded.ts';

const { use, open } = useDrive();

function said(page: Page) {
  return page.locator('.recordings > .said');
}

/** Starts a recording by hand; resolves with its id. */
async function startRecording(page: Page): Promise<number> {
  await page.getByRole('button', { name: 'Start a recording' }).click();
  await expect.poll(() => said(page).textContent()).toMatch(/^Recording \d+ has begun/);
  return Number(/\d+/.exec((await said(page).textContent()) ?? '')?.[0]);
}

/** What the plots were last asked for, and how many points came of the speed. */
async function nextData(page: Page, act: () => Promise<unknown>) {
  const [response] = await Promise.all([
    page.waitForResponse((each) => each.url().includes('/data?') && each.url().includes('from=')),
    act(),
  ]);
  const query = new URL(response.url()).searchParams;
  const { streams } = await response.json();
  return {
    from: Number(query.get('from')),
    to: Number(query.get('to')),
    speed: streams['obd.vehicle.speed'],
  };
}

test('the views are links: each has an address, and the back button goes between them', async () => {
  await using opened = await open('');
  const { page, complaints } = opened;
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
  await page.getByRole('meter', { name: 'Speed', exact: true }).waitFor();
  expect(loaded).not.toContain('/recordings.js');
  await page.getByRole('link', { name: 'Recordings' }).press('Enter');
  const heading = page.getByRole('heading', { name: 'Recordings' });
  await heading.waitFor();
  expect(loaded).toContain('/recordings.js');
  await expect.poll(() => heading.evaluate((it) => it === document.activeElement)).toBe(true);
  expect(await page.locator('nav [aria-current]').textContent()).toContain('Recordings');
  await row(page, 1).getByRole('link').click();
  await page.getByRole('heading', { name: 'Course' }).waitFor();
  expect(new URL(page.url()).hash).toBe('#recordings/1');
  await page.goBack();
  await row(page, 1).waitFor();
  await page.goBack();
  await page.getByRole('meter', { name: 'Speed', exact: true }).waitFor();
  expect(await page.locator('.recordings').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('a recording is started, described, pinned, ended and deleted', async () => {
  await using opened = await open('#recordings');
  const { page, complaints } = opened;
  const id = await startRecording(page);
  const mine = row(page, id);
  await mine.getByText('Recording', { exact: true }).waitFor();
  await mine.getByRole('button', { name: `Edit recording ${id}` }).click();
  await mine.getByLabel('Driver').fill('Ana');
  await mine.getByLabel('Tags').fill('night, rain, night');
  await mine.getByRole('button', { name: 'Save' }).click();
  await mine.getByText('Ana').waitFor();
  expect(await mine.locator('.tags span').allTextContents()).toEqual(['night', 'rain']);
  await mine.getByRole('button', { name: `Pin recording ${id}` }).click();
  await mine.getByText('Pinned').waitFor();
  await mine.getByRole('button', { name: `End recording ${id}` }).click();
  await mine.getByText('Ended by hand').waitFor();

  await mine.getByRole('button', { name: `Edit recording ${id}` }).click();
  await mine.getByRole('button', { name: 'Delete …' }).click();
  const keep = mine.getByRole('button', { name: 'Keep' });
  await expect.poll(() => keep.evaluate((it) => it === document.activeElement)).toBe(true);
  await keep.click();
  await mine.getByRole('button', { name: 'Delete …' }).click();
  await mine.getByRole('button', { name: 'Delete for good' }).click();
  await mine.waitFor({ state: 'detached' });
  expect(await said(page).textContent()).toBe(`Recording ${id} is deleted.`);
  expect(complaints).toEqual([]);
});

test('a text that is too long is refused in the words of the gateway, and stays over a refresh', async () => {
  await using opened = await open('#recordings');
  const { page } = opened;
  const drive = row(page, 1);
  await drive.getByRole('button', { name: 'Edit' }).click();
  await drive.getByLabel('Driver').fill('x'.repeat(121));
  await drive.getByRole('button', { name: 'Save' }).click();
  await expect
    .poll(() => drive.getByRole('alert').textContent())
    .toBe('Driver: at most 120 characters, here are 121.');
  await page.waitForResponse((response) => response.url().endsWith('sessions?limit=50'));
  await page.waitForTimeout(200);
  expect(await drive.getByLabel('Driver').inputValue()).toBe('x'.repeat(121));
});

test('the plots show the drive, and a drag asks for the detail of a part', async () => {
  await using opened = await open('#recordings/1');
  const { page, complaints } = opened;
  await expect.poll(() => page.locator('.course canvas').count()).toBe(4);
  const speed = page.getByRole('img', { name: /^Vehicle speed: 0 to \d+ km\/h/ });
  await speed.waitFor();
  await page.locator('.event').first().waitFor();
  expect(await page.locator('.event').first().textContent()).toContain('P0128');
  const { x, y, width } = await boxOf(speed.locator('.u-over'));
  const { from, to } = await nextData(page, async () => {
    await page.mouse.move(x + width * 0.25, y + 40);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.5, y + 60, { steps: 4 });
    await page.waitForTimeout(100);
    const selected = await boxOf(speed.locator('.u-select'));
    expect(selected.width).toBeCloseTo(width * 0.25, -1);
    await page.mouse.up();
  });
  // It was a quarter of what was shown, which has grown since.
  expect(to - from).toBeGreaterThan(DRIVE_S * 0.2 * 1e6);
  const status = page.getByRole('group', { name: 'Part shown' }).getByRole('status');
  expect(await status.textContent()).not.toContain('0:00 to');
  const detail = await nextData(page, () => page.getByRole('button', { name: 'Zoom in' }).click());
  expect(detail.to - detail.from).toBeCloseTo((to - from) / 2, -1);
  expect(Math.min(...detail.speed.t)).toBeGreaterThanOrEqual(detail.from);
  expect(Math.max(...detail.speed.t)).toBeLessThan(detail.to);
  const later = await nextData(page, () => page.getByRole('button', { name: 'Earlier' }).click());
  expect(later.from).toBeLessThan(detail.from);
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(() => status.textContent()).toContain('0:00 to');
  expect(complaints).toEqual([]);
});

test('a finger chooses a part by moving sideways, and scrolls by moving up', async () => {
  await using opened = await open('#recordings/1', { viewport: PHONE, hasTouch: true });
  const { page } = opened;
  const over = page.locator('.course').first().locator('.u-over');
  await over.waitFor();
  const touch = await page.context().newCDPSession(page);
  const swipe = async (dx: number, dy: number): Promise<void> => {
    const { x, y, width, height } = await boxOf(over);
    const at = (share: number) => [
      { x: x + width * 0.3 + dx * share, y: y + height * 0.8 + dy * share },
    ];
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', share?: number) =>
      touch.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: share === undefined ? [] : at(share),
      });
    await send('touchStart', 0);
    for (const share of [0.2, 0.4, 0.6, 0.8, 1]) await send('touchMove', share);
    await send('touchEnd');
  };
  const { from, to } = await nextData(page, () => swipe(100, 6));
  expect(to - from).toBeGreaterThan(DRIVE_S * 0.1 * 1e6);
  const part = await page
    .getByRole('group', { name: 'Part shown' })
    .getByRole('status')
    .textContent();
  const before = await page.evaluate(() => scrollY);
  await swipe(3, -120);
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(before);
  expect(
    await page.getByRole('group', { name: 'Part shown' }).getByRole('status').textContent(),
  ).toBe(part);
});

test('streams are found, and drawn once they are chosen', async () => {
  await using opened = await open('#recordings/1');
  const { page } = opened;
  await page.getByText(/^Choose what is drawn: 4 of/).click();
  await page.getByRole('searchbox').fill('throttle eng');
  await page.getByRole('checkbox', { name: 'obd.engine.throttle', exact: false }).first().check();
  await expect.poll(() => page.locator('.course').count()).toBe(5);
  await page.getByRole('searchbox').fill('vehicle.speed');
  await page.getByRole('checkbox', { checked: true }).uncheck();
  await expect.poll(() => page.locator('.course').count()).toBe(4);
  expect(await page.getByText('Vehicle speed', { exact: true }).count()).toBe(0);
});

test('the recording of the drive that is going on keeps growing on the page', async () => {
  await using opened = await open('#recordings/1');
  const { page } = opened;
  const duration = page.locator('.figures dd').first();
  await duration.waitFor();
  const first = await duration.textContent();
  await expect.poll(() => duration.textContent(), { timeout: 15_000 }).not.toBe(first);
  expect(await page.getByText(/^What was recorded: \d+ streams/).count()).toBe(1);
});

test('a store that is off, a gateway that is away, and a session that is not there are told', async () => {
  await using off = await open('#recordings', {
    prepare: (page) => refuse(page, '**/api/v1/sessions?*', 'The store is off: no room.'),
  });
  await off.page.getByText('The store is off: no room.').waitFor();
  await using away = await open('#recordings', {
    prepare: (page) => page.route('**/api/v1/sessions?*', (route) => route.abort()),
  });
  await away.page.getByText('The gateway does not answer.').waitFor();
  await using missing = await open('#recordings/4000');
  await missing.page.getByText(/no session 4000/).waitFor();
});

test('a gateway that has recorded nothing yet says when it will', async () => {
  await using bare = await startGateway({ args: [] });
  const page = await use().browser.newPage();
  await signIn(page, bare.url);
  await page.goto(`${bare.url}#recordings`);
  await page.getByText('Nothing is recorded yet.').waitFor();
  await page.close();
});

test('more sessions than fit on a page come with a button, and stay when the list is refreshed', async () => {
  await using opened = await open('#recordings', {
    prepare: (page) =>
      page.route('**/api/v1/sessions?*', async (route) => {
        const real = await route.fetch({ url: `${use().gateway.url}api/v1/sessions/1` });
        const cut = { state: 'ended', endedBy: 'power', clockTrust: 'none', stats: null };
        const one = { ...(await real.json()), ...cut };
        const older = new URL(route.request().url()).searchParams.get('cursor') === '51';
        const items = Array.from({ length: 50 }, (_, i) => ({
          ...one,
          id: (older ? 50 : 100) - i,
        }));
        await route.fulfill({ json: { items, next: older ? null : '51' } });
      }),
  });
  const { page } = opened;
  await row(page, 100).getByText('Power cut').waitFor();
  await row(page, 100).getByText('Clock not set').waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  await expect.poll(() => page.locator('.session').count()).toBe(100);
  await page.waitForResponse((response) => response.url().endsWith('sessions?limit=50'));
  await page.waitForTimeout(200);
  expect(await page.locator('.session').count()).toBe(100);
  expect(await page.getByRole('button', { name: 'More' }).count()).toBe(0);
});

test('what gets the focus is not behind the bar with the views', async () => {
  await using opened = await open('#recordings', { viewport: PHONE });
  const { page } = opened;
  const mine = row(page, await startRecording(page));
  await mine.getByRole('button', { name: 'End' }).click();
  await mine.getByText('Ended by hand').waitFor();
  await mine.getByRole('button', { name: 'Edit' }).click();
  await mine.getByRole('button', { name: 'Delete …' }).focus();
  await page.keyboard.press('Enter');
  const keep = mine.getByRole('button', { name: 'Keep' });
  await expect.poll(() => keep.evaluate((it) => it === document.activeElement)).toBe(true);
  const { y, height } = (await keep.boundingBox()) ?? { y: Infinity, height: 0 };
  expect(y + height).toBeLessThanOrEqual((await boxOf(page.locator('nav'))).y);
});

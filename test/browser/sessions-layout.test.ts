import { expect, test } from 'vitest';
import { textContrasts } from './contrast.ts';
import { boxOf, LAPTOP, PHONE, row, useDrive } from './recorded.ts';

/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5: CSS pixels. */
const TARGET_PX_MIN = 44;
const SMALL_PHONE = { width: 320, height: 700 };
const PHONE_ON_ITS_SIDE = { width: 844, height: 390 };

const { open } = useDrive();

test.each(['dark', 'light'] as const)('text can be read in the %s theme', async (colorScheme) => {
  await using list = await open('#recordings', { colorScheme });
  await row(list.page, 1).getByRole('button', { name: 'Edit' }).click();
  await using one = await open('#recordings/1', { colorScheme });
  await one.page.locator('.event').first().waitFor();
  for (const summary of await one.page.locator('summary').all()) {
    if ((await summary.textContent())?.startsWith('Events')) continue;
    await summary.click();
  }
  await one.page.getByRole('button', { name: 'Zoom in' }).click();
  await expect.poll(() => one.page.locator('button:disabled').count()).toBe(0);
  const found = [...(await textContrasts(list.page)), ...(await textContrasts(one.page))];
  expect(found.length).toBeGreaterThan(100);
  expect(found.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
});

test.each([PHONE, SMALL_PHONE, PHONE_ON_ITS_SIDE, LAPTOP])(
  'on $width x $height nothing overflows, and controls are large enough to touch',
  async (viewport) => {
    for (const hash of ['#recordings', '#recordings/1']) {
      await using opened = await open(hash, { viewport });
      const { page } = opened;
      await page
        .locator(hash === '#recordings' ? '.session' : '.course canvas')
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Edit' }).first().click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
      const small = await page.evaluate((least) => {
        const controls = document.querySelectorAll(
          'button, summary, nav a, .start, .back, .edit input',
        );
        return [...controls]
          .filter((it) => it.checkVisibility() && it.getBoundingClientRect().height < least)
          .map((it) => it.textContent);
      }, TARGET_PX_MIN);
      expect(small).toEqual([]);
    }
  },
);

test.each([PHONE, SMALL_PHONE])(
  'on $width x $height the bar with the views covers no instrument',
  async (viewport) => {
    await using opened = await open('', { viewport });
    const { page } = opened;
    await page.getByRole('meter', { name: 'Voltage' }).waitFor();
    const bar = await boxOf(page.locator('nav'));
    const car = await boxOf(page.locator('.car'));
    expect(bar.y + bar.height).toBe(viewport.height);
    expect(car.y + car.height).toBeLessThanOrEqual(bar.y);
  },
);

test.each([
  [LAPTOP.width, 4],
  [900, 4],
  [600, 2],
  [PHONE.width, 1],
])('at a width of %i the downloads stand in full rows of %i, all of one size', async (width, n) => {
  await using opened = await open('#recordings/1', { viewport: { width, height: 800 } });
  const items = opened.page.locator('.downloads li');
  await items.first().waitFor();
  const boxes = await items.evaluateAll((all) =>
    all.map((it) => it.getBoundingClientRect().toJSON()),
  );
  const rows = Map.groupBy(boxes, ({ y }) => Math.round(y));
  expect([...rows.values()].map((row) => row.length)).toEqual(Array(4 / n).fill(n));
  expect(new Set(boxes.map(({ height }) => Math.round(height))).size).toBe(1);
  expect(new Set(boxes.map((box) => Math.round(box.width))).size).toBe(1);
});

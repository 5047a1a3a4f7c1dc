import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { textContrasts } from './contrast.ts';

/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5: CSS pixels. */
const TARGET_PX_MIN = 44;
const LOOKS = [
  [{ width: 320, height: 700 }, 'dark'],
  [{ width: 390, height: 844 }, 'light'],
  [{ width: 844, height: 390 }, 'dark'],
  [{ width: 1280, height: 800 }, 'light'],
  [{ width: 1280, height: 800 }, 'dark'],
] as const;

/** On phones and laptops, by day and by night, nothing is wider than the screen, too faint, or too small. */
export async function fitsEverywhere(page: Page): Promise<void> {
  for (const [viewport, colorScheme] of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width, `on ${viewport.width} px`).toBe(viewport.width);
    const contrasts = await textContrasts(page);
    expect(contrasts.length).toBeGreaterThan(20);
    expect(contrasts.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
    expect(await tooSmall(page), `on ${viewport.width} px`).toEqual([]);
  }
}

/** What cannot well be touched. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate((min) => {
    const controls =
      'main :is(button, summary, select, nav a, input:not([type="checkbox"], [type="radio"]))';
    return [...document.querySelectorAll(controls)]
      .map((it) => ({ text: it.outerHTML.slice(0, 120), box: it.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && Math.min(box.width, box.height) < min)
      .map(({ text }) => text);
  }, TARGET_PX_MIN);
}

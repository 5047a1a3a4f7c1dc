import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { REPEAT_MS } from '../../web/alert-sound.js';
import { alert, withStub } from './alerts-stub.ts';
import { textContrasts } from './contrast.ts';
import { boxOf, LAPTOP, PHONE, useDrive } from './recorded.ts';

/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5, and Android for Cars while driving: CSS pixels. */
const TARGET_PX_MIN = 44;
const DRIVING_TARGET_PX_MIN = 76;
/** By then a repetition that was due would have begun, in a busy browser as well. */
const REPEAT_MARGIN_MS = 500;
const SMALL_PHONE = { width: 320, height: 700 };
const PHONE_ON_ITS_SIDE = { width: 844, height: 390 };
const VIEWS = [
  '#alerts',
  '#alerts/12-3',
  '#alerts/rules',
  '#alerts/rules/coolant-hot',
  '#alerts/rules/night',
  '#alerts/rules/new',
  '#alerts/actions',
];
const NIGHT = { id: 'night', name: 'Fast and tired at night, and then some' };

const OVER = alert('12-3', {
  state: 'ended',
  endedAt: '2026-11-22T01:43:20.000Z',
  endedBy: 'silent',
  clockTrust: 'none',
  notes: [{ by: 'dashboard', at: null, text: 'It was the thermostat.' }],
});

const openStub = withStub(useDrive().open);

function banner(page: Page) {
  return page.locator('.alerting');
}

/** The colours of the banner, beside those of the sheet for what is neutral and for a warning. */
function coloursOf(page: Page) {
  return banner(page).evaluate((it) => {
    const of = (name: string) => {
      const probe = it.appendChild(document.createElement('i'));
      probe.style.color = `var(${name})`;
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const { backgroundColor, borderColor, color } = getComputedStyle(it);
    return {
      banner: { ground: backgroundColor, border: borderColor, ink: color },
      plain: { ground: of('--card'), border: of('--dim'), ink: of('--ink') },
      caution: of('--caution'),
    };
  });
}

/** Whether some of a text is not shown. */
function isCut(text: Locator): Promise<boolean> {
  return text.evaluate(
    (it) => it.scrollHeight > it.clientHeight || it.scrollWidth > it.clientWidth,
  );
}

/** Counts the tones that begin, and what the device was told to buzz. */
async function listen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const heard = { tones: 0, contexts: 0 };
    Object.assign(window, { heard });
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...args) {
      heard.tones++;
      start.apply(this, args);
    };
    const Context = window.AudioContext;
    window.AudioContext = class extends Context {
      constructor() {
        super();
        heard.contexts++;
      }
    };
  });
}

function heard(page: Page): Promise<{ tones: number; contexts: number }> {
  return page.evaluate(() => Reflect.get(window, 'heard'));
}

test('an alert comes as a banner, the worst first, and goes when it is over', async () => {
  await using opened = await openStub('', {}, []);
  const { page, stub, complaints } = opened;
  await page.getByRole('meter', { name: 'Speed', exact: true }).waitFor();
  expect(await banner(page).count()).toBe(0);
  const hot = alert('12-3');
  const fast = alert('12-4', { severity: 'alarm', rule: NIGHT, text: 'Vehicle speed 92 km/h' });
  stub.tell('started', hot);
  await page.getByRole('alert').getByText('Coolant too hot').waitFor();
  expect(await banner(page).textContent()).toContain('Warning');
  stub.tell('started', fast);
  await expect.poll(() => banner(page).getAttribute('data-severity')).toBe('alarm');
  expect(await banner(page).locator('.name').textContent()).toBe('Fast and tired at night, and…');
  expect(await banner(page).textContent()).toContain('+1 more');
  const pulse = await banner(page).evaluate(
    (it) => getComputedStyle(it, '::after').animationDuration,
  );
  expect(Number.parseFloat(pulse)).toBeGreaterThanOrEqual(1);
  stub.tell('ended', fast);
  await page.getByRole('alert').getByText('Coolant too hot').waitFor();
  stub.tell('ended', hot);
  await banner(page).waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('one touch acknowledges, on every view, and while driving there is less to read', async () => {
  await using opened = await openStub('#recordings', { viewport: PHONE });
  const { page, stub } = opened;
  stub.speed = 87;
  const button = banner(page).getByRole('button', { name: 'Acknowledge' });
  await button.waitFor();
  await expect.poll(() => banner(page).locator('.text').count(), { timeout: 8_000 }).toBe(0);
  const { width, height } = await boxOf(button);
  expect(Math.min(width, height)).toBeGreaterThanOrEqual(DRIVING_TARGET_PX_MIN);
  await button.click();
  await banner(page).getByText('Seen').waitFor();
  expect(stub.asked).toContainEqual({ what: 'POST /alerts/history/12-3/ack', body: {} });
});

test('what is told of a failure is never cut, and an alert is told in two lines', async () => {
  const text = 'Engine speed 1464 /min, over 1200 /min for 5 s';
  await using opened = await openStub('', { viewport: PHONE }, [alert('12-3', { text })]);
  const { page, stub } = opened;
  const sentence = banner(page).locator('.text');
  await sentence.waitFor();
  expect(await isCut(sentence)).toBe(false);
  stub.instead.set('POST /alerts/history/12-3/ack', { status: 500, json: {} });
  await banner(page).getByRole('button').click();
  const failure = banner(page).getByText('Quiet here, but not acknowledged. Try again.');
  await failure.waitFor();
  expect(await isCut(failure)).toBe(false);
});

test('what all have seen is a slim line, and only what nobody has seen is counted', async () => {
  const alerts = [alert('12-3'), alert('12-4'), alert('12-5', { acknowledgedBy: 'Ana' })];
  await using opened = await openStub('', { viewport: PHONE }, alerts);
  const { page, stub } = opened;
  await banner(page).getByText('+1 more').waitFor();
  const before = (await boxOf(banner(page))).height;
  const button = banner(page).getByRole('button', { name: 'Acknowledge' });
  await button.click();
  await banner(page).getByText('more').waitFor({ state: 'detached' });
  await button.click();
  await banner(page).getByText('All 3 seen').waitFor();
  expect((await boxOf(banner(page))).height).toBeLessThan(before / 2);
  for (const one of alerts.slice(1)) stub.tell('ended', one);
  await banner(page).getByText('Seen', { exact: true }).waitFor();
});

test('what is good to know takes less room than a warning, and has no colour of its own', async () => {
  const look = async (severity: 'info' | 'warn') => {
    await using opened = await openStub('', { viewport: PHONE }, [alert('12-3', { severity })]);
    const { height } = await boxOf(banner(opened.page));
    return { height, ...(await coloursOf(opened.page)) };
  };
  const info = await look('info');
  const warn = await look('warn');
  expect(info.height).toBeLessThan(warn.height);
  expect(info.banner).toEqual(info.plain);
  expect(warn.banner.ground).toBe(warn.caution);
  expect(warn.caution).not.toBe(info.plain.ground);
});

test('an alert that lasts stays when the connection is lost, and says so', async () => {
  await using opened = await openStub('');
  const { page } = opened;
  await page.getByRole('alert').getByText('Coolant too hot').waitFor();
  opened.stub.cut();
  await banner(page).getByText('Connection lost: this may be over.').waitFor();
});

test('what the gateway tells before the first connection is there is not called lost', async () => {
  await using opened = await openStub('', {
    prepare: (page) => page.routeWebSocket(/telemetry/, () => {}),
  });
  const { page } = opened;
  await page.getByRole('alert').getByText('Coolant too hot').waitFor();
  expect(await banner(page).locator('.text').allTextContents()).toEqual([alert('').text]);
  await banner(page).getByText('Connection lost: this may be over.').waitFor();
});

test('sound begins with a touch and a test tone, repeats an alarm, and stops with it', async () => {
  await using opened = await openStub('', { viewport: PHONE, prepare: listen }, []);
  const { page, stub, complaints } = opened;
  const enable = page.getByRole('button', { name: 'Tap to enable sound' });
  await enable.waitFor();
  const alarm = alert('12-3', { severity: 'alarm' });
  stub.tell('started', alarm);
  await banner(page).waitFor();
  expect(await heard(page)).toEqual({ tones: 0, contexts: 0 });
  await enable.click();
  await page.getByRole('button', { name: 'Sound on' }).waitFor();
  await expect.poll(async () => (await heard(page)).tones).toBeGreaterThanOrEqual(2);
  const before = (await heard(page)).tones;
  await expect
    .poll(async () => (await heard(page)).tones, { timeout: 6_000 })
    .toBeGreaterThan(before + 2);
  await banner(page).getByRole('button', { name: 'Acknowledge' }).click();
  await banner(page).getByText('Seen').waitFor();
  const quiet = (await heard(page)).tones;
  await page.waitForTimeout(REPEAT_MS + REPEAT_MARGIN_MS);
  expect((await heard(page)).tones).toBe(quiet);
  await page.getByRole('button', { name: 'Sound on' }).click();
  await page.getByRole('button', { name: 'Muted' }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Muted' }).waitFor();
  expect(complaints).toEqual([]);
});

test('with the banner the driving essentials are still in the first view', async () => {
  for (const viewport of [PHONE, PHONE_ON_ITS_SIDE]) {
    await using opened = await openStub('', { viewport });
    const { page } = opened;
    await banner(page).waitFor();
    for (const name of ['Speed', 'Engine speed', 'Coolant', 'Throttle', 'Voltage']) {
      const box = await page.getByRole('meter', { name, exact: true }).boundingBox();
      expect((box?.y ?? Infinity) + (box?.height ?? 0), name).toBeLessThanOrEqual(viewport.height);
    }
  }
});

test.each(['dark', 'light'] as const)('alerts can be read in the %s theme', async (colorScheme) => {
  for (const severity of ['info', 'warn', 'alarm'] as const) {
    await using opened = await openStub('#alerts', { colorScheme }, [alert('12-3', { severity })]);
    const { page } = opened;
    await banner(page).waitFor();
    await page.locator('.session').first().waitFor();
    const found = await textContrasts(page);
    await banner(page).getByRole('button').click();
    await banner(page).getByText('Seen').waitFor();
    found.push(...(await textContrasts(page)));
    expect(found.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
  }
  for (const hash of VIEWS.slice(1)) {
    await using opened = await openStub(hash, { colorScheme }, [OVER]);
    const { page } = opened;
    await page.locator('.alerts .card, .alerts .said:not(:empty)').first().waitFor();
    const found = await textContrasts(page);
    expect(found.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
  }
});

test.each([SMALL_PHONE, LAPTOP])(
  'on $width x $height nothing overflows, and controls are large enough to touch',
  async (viewport) => {
    for (const hash of VIEWS) {
      await using opened = await openStub(hash, { viewport });
      const { page } = opened;
      await page.locator('.alerts .card').first().waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBe(
        viewport.width,
      );
      const small = await page.evaluate((least) => {
        const controls = document.querySelectorAll(
          'button, summary, nav a, .start[href], .back, .link, a.button, select, input:not([type="radio"], [type="checkbox"])',
        );
        return [...controls]
          .filter((it) => it.checkVisibility() && it.getBoundingClientRect().height < least)
          .map((it) => it.outerHTML);
      }, TARGET_PX_MIN);
      expect(small, hash).toEqual([]);
    }
  },
);

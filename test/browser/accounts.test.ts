/** Who comes in, and what each of them finds. */
import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Role } from '#core/account.ts';
import { launchBrowser } from '../support/browser.ts';
import { eventually, Gateway, startGateway } from '../support/gateway.ts';
import { get, PASSWORD } from '../support/tokens.ts';
import { textContrasts } from './contrast.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PHONE = { width: 390, height: 844 };
const SMALL_PHONE = { width: 320, height: 700 };
const PHONE_ON_ITS_SIDE = { width: 844, height: 390 };
const TABLET = { width: 640, height: 1024 };
const LAPTOP = { width: 1280, height: 800 };
/** WCAG 2.2, 1.4.3 (AA). */
const CONTRAST_MIN = 4.5;
/** WCAG 2.2, 2.5.5: CSS pixels. */
const TARGET_PX_MIN = 44;
const NEW_PASSWORD = 'a staple in the battery';
const LOOKS = [
  [SMALL_PHONE, 'dark'],
  [PHONE, 'light'],
  [PHONE_ON_ITS_SIDE, 'dark'],
  [TABLET, 'light'],
  [LAPTOP, 'dark'],
] as const;
const VIEWS = ['account', 'vehicle', 'system', 'users', 'settings', 'audit'];

/** Without devices: while a car moves there is nothing to be typed. */
let gateway: Gateway;
/** With a car that drives off after some 20 s. */
let car: Gateway;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway({ args: [] });
  car = await startGateway({ args: ['--sim', '1'] });
  browser = await launchBrowser();
  for (const role of ['viewer', 'student'] as const) await create(role, role, car);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
  await car?.[Symbol.asyncDispose]();
});

async function create(role: Role, username: string, { url } = gateway): Promise<void> {
  const body = JSON.stringify({ username, password: PASSWORD, role });
  const headers = { 'content-type': 'application/json' };
  const reply = await get(`${url}api/v1/users`, { method: 'POST', headers, body });
  expect(reply.status, await reply.text()).toBe(201);
}

/** A browser of its own, in which nobody has logged in. */
async function newContext(how: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: LAPTOP, colorScheme: 'dark', ...how });
  onTestFinished(() => context.close());
  return context;
}

async function newPage(how: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  return await (await newContext(how)).newPage();
}

/** Logs in with the form, on the page that is open. */
async function logIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

/** The page has its connection. */
async function isIn(page: Page): Promise<void> {
  await expect
    .poll(() => page.locator('.pill').textContent(), { timeout: 15_000 })
    .toMatch(/^Live|^Connected/);
}

async function isLive(page: Page): Promise<void> {
  await expect.poll(() => page.locator('.pill').textContent(), { timeout: 15_000 }).toBe('Live');
}

/** A gateway that nobody has claimed, and its code. */
async function newGateway() {
  const data = await mkdtemp(join(tmpdir(), 'vigil-new-'));
  const child = spawn(
    process.execPath,
    ['src/main.ts', '--data', data, '--http', '127.0.0.1:0', '--sim', '1'],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } },
  );
  const fresh = new Gateway(child, data);
  onTestFinished(() => fresh[Symbol.asyncDispose]());
  await fresh.untilListening();
  let code = '';
  await eventually('the code is told', () => {
    code = /#setup\/([\w-]+)/.exec(fresh.log.join('\n'))?.[1] ?? '';
    return { done: code !== '', seen: fresh.log.join('\n') };
  });
  return { url: fresh.url, code };
}

test('a new gateway is claimed by its link, whose code leaves the address at once', async () => {
  const { url, code } = await newGateway();
  const page = await newPage({ viewport: PHONE });
  await page.goto(`${url}#setup/${code}`);
  await page.getByRole('heading', { name: 'A new gateway' }).waitFor();
  expect(page.url()).toBe(url);
  expect(await page.getByLabel('Code').inputValue()).toBe(code);
  await page.reload();
  expect(await page.getByLabel('Code').inputValue()).toBe(code);
  await page.getByLabel('User name').fill('Ana B');
  await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Claim this gateway' }).click();
  await page
    .getByRole('alert')
    .filter({ hasText: /^Expected 2 to 32 of the letters/ })
    .waitFor();
  expect(await page.getByLabel('User name').getAttribute('aria-invalid')).toBe('true');
  await page.getByLabel('User name').fill('ana');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Claim this gateway' }).click();
  await page.getByRole('alert').filter({ hasText: 'at least 12' }).waitFor();
  await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Claim this gateway' }).click();
  await isLive(page);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await page.reload();
  await isLive(page);
});

test('without the code it says where that is, and a wrong one is refused', async () => {
  const { url } = await newGateway();
  const page = await newPage({ viewport: PHONE });
  await page.goto(url);
  await page.getByText('the file claim-code in its data directory').waitFor();
  await page.getByLabel('Code').fill('0000-0000-0000-0000');
  await page.getByLabel('User name').fill('ana');
  await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Claim this gateway' }).click();
  await page.getByRole('alert').filter({ hasText: 'not the code' }).waitFor();
});

test('a wrong password is told, a right one lets in, and log-out is for all tabs', async () => {
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(gateway.url);
  await logIn(page, 'admin', 'not the password');
  await page.getByRole('alert').filter({ hasText: 'No account has this name' }).waitFor();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await isIn(page);
  const other = await context.newPage();
  await other.goto(`${gateway.url}#account`);
  await other.getByText('admin: manages everything').waitFor();
  await other.getByRole('button', { name: 'Log out', exact: true }).first().click();
  await other.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  expect(await page.locator('.gauge').count()).toBe(0);
});

test('a log-in that is ended elsewhere sends the page to the form within a second or two', async () => {
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(car.url);
  await logIn(page, 'viewer');
  await isLive(page);
  const users = await (await get(`${car.url}api/v1/users`)).json();
  const { id } = users.items.find(({ username }: { username: string }) => username === 'viewer');
  const headers = { 'content-type': 'application/json' };
  const change = { method: 'PATCH', headers, body: '{"enabled":true}' };
  await get(`${car.url}api/v1/users/${id}`, change);
  await page.getByRole('heading', { name: 'Log in' }).waitFor({ timeout: 5_000 });
  await page.getByText('Your log-in has ended.').waitFor();
});

test('a viewer sees, and is offered nothing that they may not do', async () => {
  const page = await newPage();
  await page.goto(`${car.url}#recordings`);
  await logIn(page, 'viewer');
  await page.locator('.session').first().waitFor();
  expect(await page.getByRole('button', { name: /Start|Edit|Pin|End/ }).count()).toBe(0);
  await page.goto(`${car.url}#alerts/rules`);
  await page.locator('.rule').first().waitFor();
  expect(await page.getByRole('switch').count()).toBe(0);
  expect(await page.getByRole('link', { name: 'New rule' }).count()).toBe(0);
  await page.goto(`${car.url}#vehicle`);
  await page.getByText('for operators only').waitFor();
  expect(await page.getByRole('heading', { name: 'Trouble codes' }).count()).toBe(0);
  const links = page.getByRole('navigation', { name: 'More' }).getByRole('link');
  expect(await links.allTextContents()).toEqual(['Account', 'Vehicle']);
  await page.goto(`${car.url}#users`);
  await page.getByText('This is not for the role viewer.').waitFor();
});

test('a student agrees, sees live data while their session runs, and takes it all back', async () => {
  const page = await newPage({ viewport: PHONE });
  await page.goto(car.url);
  await logIn(page, 'student');
  await page.getByText('You see live data while your session runs.').waitFor();
  await page.getByRole('link', { name: 'Recordings' }).click();
  await page.getByText('Nothing is recorded yet.').waitFor();
  await page.getByRole('button', { name: 'Start a recording' }).click();
  const start = page.getByRole('button', { name: 'Start', exact: true });
  expect(await start.isDisabled()).toBe(true);
  await page.getByLabel('Study').fill('night drives');
  await page.getByLabel(/^I agree/).check();
  await start.click();
  await page.locator('.session').getByText('Consent', { exact: true }).waitFor();
  await page.getByText('study night drives').waitFor();
  await page.getByRole('link', { name: 'Live' }).click();
  await expect
    .poll(() => page.getByRole('meter', { name: 'Engine speed' }).getAttribute('aria-valuetext'), {
      timeout: 15_000,
    })
    .toMatch(/^\d+ rpm$/);
  expect(await page.getByText('You see live data while').count()).toBe(0);
  await page.getByRole('link', { name: 'Recordings' }).click();
  await page.getByRole('button', { name: /^End recording/ }).click();
  await page.getByText(/has ended\.$/).waitFor();
  await page.getByRole('link', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Delete my data …' }).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('Your account and your data are deleted.').waitFor();
});

test('an invite makes an account, by a link that is shown once', async () => {
  const admin = await newPage();
  await admin.goto(`${gateway.url}#users`);
  await logIn(admin, 'admin');
  await admin.getByLabel('For whom').fill('Ben');
  await admin.getByRole('button', { name: 'New invite' }).click();
  const link = await admin.getByRole('textbox', { name: 'Link' }).inputValue();
  expect(link).toMatch(/#invite\/[\w-]{19}$/);
  const page = await newPage({ viewport: PHONE });
  await page.goto(link);
  expect(page.url()).toBe(gateway.url);
  await page.getByLabel('User name').fill('ben');
  await page.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('You see live data while your session runs.').waitFor();
  await admin.reload();
  await admin
    .locator('.session', { hasText: 'ben' })
    .getByText('student', { exact: true })
    .waitFor();
});

test('what is typed is there again after another view, until it is sent', async () => {
  const page = await newPage();
  await page.goto(`${gateway.url}#users`);
  await logIn(page, 'admin');
  const form = page.getByRole('form', { name: 'New account' });
  const role = form.getByLabel('Role');
  await form.getByLabel('User name').fill('eva');
  await role.selectOption('student');
  await form.getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('link', { name: 'Live' }).click();
  await page.locator('.gauge').first().waitFor();
  await page.goto(`${gateway.url}#users`);
  await form.waitFor();
  expect(await form.getByLabel('User name').inputValue()).toBe('eva');
  expect(await role.inputValue()).toBe('student');
  await form.getByText('has sessions of their own').waitFor();
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByText('eva can log in now.').waitFor();
  expect(await form.getByLabel('User name').inputValue()).toBe('');
  expect(await role.inputValue()).toBe('viewer');
  await form.getByText('sees everything and changes nothing').waitFor();
});

test('an account is changed, a setting is kept, and the audit log knows who did it', async () => {
  await create('viewer', 'cleo');
  const page = await newPage();
  await page.goto(`${gateway.url}#users`);
  await logIn(page, 'admin');
  const row = page.locator('.session', { hasText: 'cleo' });
  await row.getByRole('button', { name: 'Edit cleo' }).click();
  await row.getByLabel('Role').selectOption('researcher');
  await row.getByLabel('Sees the names of drivers').check();
  await row.getByRole('button', { name: 'Save' }).click();
  await row.getByText('Sees names', { exact: true }).waitFor();
  await page.goto(`${gateway.url}#settings`);
  const setting = page.locator('.session', { hasText: 'Name of this gateway' });
  await setting.getByRole('button', { name: 'Edit device' }).click();
  await setting.getByRole('textbox', { name: 'device' }).fill('Not a name');
  await setting.getByRole('button', { name: 'Save' }).click();
  await setting.getByRole('alert').filter({ hasText: 'xpected a name' }).waitFor();
  await setting.getByRole('textbox', { name: 'device' }).fill('van-7');
  await setting.getByRole('button', { name: 'Save' }).click();
  await setting.getByText('then: van-7').waitFor();
  await page.getByText('Restart the gateway for what was changed.').waitFor();
  // This one was started by hand.
  await page.getByText('nothing would start it again by itself').waitFor();
  expect(await page.getByRole('button', { name: 'Restart' }).count()).toBe(0);
  await page.goto(`${gateway.url}#audit`);
  await page.getByText('settings.change').first().waitFor();
  await page.getByText('user.change').first().waitFor();
  await page.getByRole('button', { name: 'Check that nothing was changed' }).click();
  await page.getByText('entries are as they were written.').waitFor();
});

test('the password is changed by who knows the one so far', async () => {
  await create('viewer', 'dora');
  const page = await newPage({ viewport: PHONE });
  await page.goto(`${gateway.url}#account`);
  await logIn(page, 'dora');
  await page.getByLabel('Password so far', { exact: true }).fill('not the password');
  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.getByRole('alert').filter({ hasText: 'not the password' }).waitFor();
  await page.getByLabel('Password so far', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.getByText('The password is changed.').waitFor();
});

test('a backup is downloaded, and replaces what is there once that is confirmed', async () => {
  const page = await newPage();
  await page.goto(`${gateway.url}#settings`);
  await logIn(page, 'admin');
  await page.getByLabel('Passphrase', { exact: true }).fill(NEW_PASSWORD);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download a backup' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^vigil/);
  const form = page.getByRole('form', { name: 'Restore' });
  await form.getByLabel('File of a backup').setInputFiles(await download.path());
  await form.getByRole('button', { name: 'Restore …' }).click();
  expect(await form.getByText('Everybody is logged out').count()).toBe(0);
  await form.getByLabel('Its passphrase', { exact: true }).fill(NEW_PASSWORD);
  await form.getByRole('button', { name: 'Restore …' }).click();
  await form.getByText('Everybody is logged out').waitFor();
  await form.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.getByText('restart the gateway under More, Settings').waitFor();
});

test('on phones and laptops, by day and by night, all can be read and touched', async () => {
  const page = await newPage();
  await page.goto(gateway.url);
  await page.getByLabel('User name').waitFor();
  await eachLook(page);
  await logIn(page, 'admin');
  await isIn(page);
  for (const view of VIEWS) {
    await page.goto(`${gateway.url}#${view}`);
    await page.locator('.account .card').first().waitFor();
    await eachLook(page);
  }
});

async function eachLook(page: Page): Promise<void> {
  for (const [viewport, colorScheme] of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await fits(page, viewport.width);
  }
}

/** Nothing is wider than the screen, too faint, or too small to touch. */
async function fits(page: Page, width: number): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  const contrasts = await textContrasts(page);
  expect(contrasts.filter(({ ratio }) => ratio < CONTRAST_MIN)).toEqual([]);
  const small = await page.evaluate(
    (min) =>
      [
        ...document.querySelectorAll(
          'main :is(button, select, input:not([type="checkbox"], [hidden]), nav a)',
        ),
      ]
        .map((it) => ({ text: it.outerHTML.slice(0, 120), box: it.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && Math.min(box.width, box.height) < min)
        .map(({ text }) => text),
    TARGET_PX_MIN,
  );
  expect(small).toEqual([]);
}

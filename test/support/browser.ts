import { type Browser, chromium, type Page } from 'playwright-core';
import { PASSWORD } from './tokens.ts';

const SHELL = '/usr/bin/chromium-headless-shell';

/**
 * The browser of the system, in the build that has no windows: the other one draws those of each page too,
 * which takes a third of the time. Without its sandbox, which needs more rights than a container has.
 */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: SHELL, args: ['--no-sandbox'] });
}

/**
 * Logs a page in before it is opened, so that it finds itself known: its browser gets the cookie, as
 * from the page's own form.
 */
export async function signIn(page: Page, url: string): Promise<void> {
  const reply = await page.context().request.post(new URL('/api/v1/auth/login', url).href, {
    data: { username: 'admin', password: PASSWORD, refresh: 'cookie' },
  });
  if (!reply.ok()) throw new Error(`log-in: ${reply.status()} ${await reply.text()}`);
}

import { type Browser, chromium } from 'playwright-core';

/** The browser of the system. Without its sandbox, which needs more rights than a container has. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

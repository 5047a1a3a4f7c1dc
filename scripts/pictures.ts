/** Takes the pictures of README.md: the dashboard with the simulated car, on a phone and a tablet. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const FOLDER = '.pictures';
const SEED = '1';
/** By then the simulated car is in town and its values are in mid-scale. */
const DRIVE_MS = 60_000;
/** The trace of the EEG fills its four seconds. */
const TRACE_MS = 6_000;
const VIEWS = [
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
  { name: 'tablet-light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'tablet-dark', width: 1280, height: 800, colorScheme: 'dark' },
] as const;

const data = mkdtempSync(path.join(tmpdir(), 'vigil-pictures-'));
const gateway = spawn(
  process.execPath,
  ['src/main.ts', '--sim', SEED, '--http', '127.0.0.1:0', '--data', data],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  await takeAll(await urlOf(gateway));
} finally {
  gateway.kill();
  rmSync(data, { recursive: true });
}

async function takeAll(url: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  await new Promise((resolve) => setTimeout(resolve, DRIVE_MS));
  for (const { name, width, height, colorScheme } of VIEWS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(url);
    await page.waitForTimeout(TRACE_MS);
    await page.screenshot({ path: path.join(FOLDER, `${name}.png`) });
    await page.close();
    console.log(`${FOLDER}/${name}.png`);
  }
  await browser.close();
}

/** The address that the gateway prints when it listens. */
function urlOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    stdout?.on('data', (chunk) => {
      const url = /http:\S+/.exec(String(chunk))?.[0];
      if (url) resolve(url);
    });
    stdout?.on('end', () => reject(new Error('the gateway ended before it listened')));
  });
}

/** Takes the pictures of README.md: the dashboard with the simulated car, on a phone and a tablet. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const FOLDER = '.pictures';
const SEED = '1';
/** What a page needs to fill up: the trace of the EEG has four seconds. */
const SETTLE_MS = 6_000;

interface View {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'dark' | 'light';
}

/** One gateway for each: how fast its time passes, how long it runs before, what is looked at. */
const SCENES: readonly {
  readonly speed: number;
  readonly waitMs: number;
  readonly page: string;
  readonly views: readonly View[];
}[] = [
  {
    // By then the simulated car is in town and its values are in mid-scale.
    ...{ speed: 1, waitMs: 60_000, page: '' },
    views: [
      { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
      { name: 'tablet-light', width: 1280, height: 800, colorScheme: 'light' },
      { name: 'tablet-dark', width: 1280, height: 800, colorScheme: 'dark' },
    ],
  },
  {
    // A drive of a quarter of an hour.
    ...{ speed: 30, waitMs: 30_000, page: '#recordings/1' },
    views: [
      { name: 'recording-phone-dark', width: 390, height: 844, colorScheme: 'dark' },
      { name: 'recording-tablet-light', width: 1280, height: 800, colorScheme: 'light' },
    ],
  },
];

for (const scene of SCENES) {
  const data = mkdtempSync(path.join(tmpdir(), 'vigil-pictures-'));
  const flags = ['--sim', SEED, '--speed', String(scene.speed), '--data', data];
  const gateway = spawn(process.execPath, ['src/main.ts', ...flags, '--http', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await takeAll(await urlOf(gateway), scene);
  } finally {
    gateway.kill();
    await once(gateway, 'exit');
    rmSync(data, { recursive: true });
  }
}

async function takeAll(url: string, scene: (typeof SCENES)[number]): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  await new Promise((resolve) => setTimeout(resolve, scene.waitMs));
  for (const { name, width, height, colorScheme } of scene.views) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(`${url}${scene.page}`);
    await page.waitForTimeout(SETTLE_MS);
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

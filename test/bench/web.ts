/**
 * The dashboard's first load in Chromium, as on a slow phone at the gateway's hotspot: CPU six times
 * slower, 10 Mbit/s, 10 ms. What is asked for after the first paint, the plotting library above all,
 * is counted apart.
 */
import type { Browser, CDPSession, Page } from 'playwright-core';
import { launchBrowser, signIn } from '../support/browser.ts';
import type { Bench } from './bench.ts';
import { startGateway } from './process.ts';
import { median, significant } from './stats.ts';

const CPU_SLOWDOWN = 6;
const BYTES_PER_S = 10e6 / 8;
const LATENCY_MS = 10;
const PHONE = { width: 390, height: 844 };
const ROUNDS = 7;
/** The plot is drawn; so nothing more is loaded. */
const COMPLETE = '.u-over';
const LATER = /\/uplot\.js$/;

interface Load {
  readonly firstPaintMs: number;
  /** On the wire, compressed, headers included. */
  readonly bytes: number;
  /** Of bodies alone, compressed. */
  readonly bodyBytes: number;
  readonly requests: number;
  readonly laterBytes: number;
  readonly laterStartMs: number;
}

export const web: Bench = {
  name: 'web',
  async *run() {
    await using gateway = await startGateway(['--sim', '1']);
    const browser = await launchBrowser();
    const loads: Load[] = [];
    try {
      await load(browser, gateway.url);
      for (let i = 0; i < ROUNDS; i++) loads.push(await load(browser, gateway.url));
    } finally {
      await browser.close();
    }
    const of = (field: keyof Load): number => median(loads.map((one) => one[field]));
    const n = loads.length;
    const kilobytes = (bytes: number): number => significant(bytes / 1000);
    yield {
      metric: 'bodies, gzip',
      value: kilobytes(of('bodyBytes')),
      unit: 'kB',
      n,
      goal: '<= 45 kB',
    };
    yield { metric: 'with headers', value: kilobytes(of('bytes')), unit: 'kB', n };
    yield { metric: 'requests', value: of('requests'), unit: 'requests', n, goal: '<= 15' };
    yield {
      metric: 'first contentful paint, CPU / 6',
      value: significant(of('firstPaintMs') / 1000, 3),
      unit: 's',
      n,
      goal: '<= 1.0 s',
    };
    yield { metric: 'uPlot, gzip', value: kilobytes(of('laterBytes')), unit: 'kB', n };
    yield {
      metric: 'uPlot asked for after first paint',
      value: significant((of('laterStartMs') - of('firstPaintMs')) / 1000, 3),
      unit: 's',
      n,
      goal: '> 0 s',
    };
  },
};

/** Loads the page once with an empty cache, as somebody who has logged in before. */
async function load(browser: Browser, url: string): Promise<Load> {
  const context = await browser.newContext({ viewport: PHONE });
  const page = await context.newPage();
  await signIn(page, url);
  const session = await context.newCDPSession(page);
  const network = new Network(session);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: LATENCY_MS,
    downloadThroughput: BYTES_PER_S,
    uploadThroughput: BYTES_PER_S,
  });
  await session.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN });
  await page.goto(`${url}/`);
  await page.waitForSelector(COMPLETE, { state: 'attached' });
  const firstPaintMs = await firstPaint(page);
  const laterStartMs = await startOf(page, LATER);
  await context.close();
  return { firstPaintMs, laterStartMs, ...network.totals() };
}

/** What the browser loaded, by its own account. */
class Network {
  readonly #urls = new Map<string, string>();
  readonly #bytes = new Map<string, { wire: number; body: number }>();

  constructor(session: CDPSession) {
    session.on('Network.requestWillBeSent', ({ requestId, request }) => {
      if (request.url.startsWith('http')) this.#urls.set(requestId, request.url);
    });
    session.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
      this.#of(requestId).body += encodedDataLength;
    });
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      this.#of(requestId).wire = encodedDataLength;
    });
  }

  totals(): Pick<Load, 'bytes' | 'bodyBytes' | 'requests' | 'laterBytes'> {
    const rows = [...this.#urls].map(([id, url]) => ({ url, ...this.#of(id) }));
    const first = rows.filter(({ url }) => !LATER.test(url));
    const later = rows.filter(({ url }) => LATER.test(url));
    return {
      bytes: first.reduce((sum, { wire }) => sum + wire, 0),
      bodyBytes: first.reduce((sum, { body }) => sum + body, 0),
      requests: first.length,
      laterBytes: later.reduce((sum, { body }) => sum + body, 0),
    };
  }

  #of(requestId: string): { wire: number; body: number } {
    const known = this.#bytes.get(requestId) ?? { wire: 0, body: 0 };
    this.#bytes.set(requestId, known);
    return known;
  }
}

function firstPaint(page: Page): Promise<number> {
  return page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  );
}

/** When the page asked for a file, in milliseconds since the navigation began. */
function startOf(page: Page, url: RegExp): Promise<number> {
  return page.evaluate(
    (pattern) =>
      performance.getEntriesByType('resource').find(({ name }) => new RegExp(pattern).test(name))
        ?.startTime ?? Number.NaN,
    url.source,
  );
}

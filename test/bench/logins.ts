/**
 * What log-ins cost those who have come in already: how late the event loop of a gateway runs, and what
 * a reading takes to a WebSocket client, while passwords are being checked, against the same gateway
 * when nobody logs in.
 *
 * 50 people at the gateway's own computer, each at an address and with an account of their own, log in
 * again and again and come back when they are told to: no limit but that of the checks at a time
 * and of each address keeps them from the hash, so that two threads hash all the time. Strangers, who
 * try 1,000 passwords from as many addresses behind a proxy, are kept from it by the limit of all.
 */
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { logInAs, openSocket, PASSWORD } from '../support/tokens.ts';
import type { Bench, Figure } from './bench.ts';
import { temporary } from './directory.ts';
import { startChild } from './process.ts';
import { percentile, significant } from './stats.ts';
import { UNIT } from './unit-file.ts';

const PEOPLE = 50;
const STRANGERS = 1_000;
const WINDOW_S = 10;
const ROUNDS = 3;
const WRONG = 'wrong horse battery';
const PROXY = '127.0.0.9';
/** The most that a client may ask for: no message waits for the next to be due. */
const HZ_MAX = 1000;
/** Accounts. */
const names = Array.from({ length: PEOPLE }, (_, i) => `person${i}`);

const Hello = v.object({ url: v.string(), offsetUs: v.number(), token: v.string() });
const Tried = v.object({ checked: v.number() });
const Watched = v.object({ looks: v.number(), lateMs: v.number(), busyMs: v.number() });
const Samples = v.object({
  type: v.literal('samples'),
  values: v.object({ 'bench.stamp': v.number() }),
});

/** What logins-crowd.ts is told of a window. */
interface Crowd {
  readonly password: string;
  readonly strangers: number;
  readonly net: number;
}

interface Load {
  readonly name: string;
  readonly crowd?: Crowd;
  readonly goal?: string;
}

const LOADS: readonly Load[] = [
  { name: `${PEOPLE} log in`, crowd: { password: PASSWORD, strangers: 0, net: 1 } },
  { name: `${PEOPLE} with wrong passwords`, crowd: { password: WRONG, strangers: 0, net: 2 } },
  {
    name: `${STRANGERS} wrong ones of strangers`,
    crowd: { password: WRONG, strangers: STRANGERS, net: 0 },
    goal: '<= 30 in a minute',
  },
];
const NOBODY: Load = { name: 'nobody' };

export const logins: Bench = {
  name: 'logins',
  async *run() {
    await using data = await temporary();
    const flags = ['--sim', '1', '--http', '127.0.0.1:0', '--data', data.path];
    const orders = { flags: [...flags, '--proxies', PROXY], people: names };
    const { child, hello } = await startChild('logins-gateway.ts', orders, UNIT);
    await using gateway = child;
    const { url, offsetUs, token } = v.parse(Hello, hello);
    const place = { url, names, proxy: PROXY, seconds: WINDOW_S };
    await using crowd = (await startChild('logins-crowd.ts', place)).child;
    logInAs(url, token);
    using listener = new Listener(url, offsetUs);
    await listener.opened();
    const windows = [NOBODY, ...LOADS].map((load) => new Windows(load));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const one of windows) {
        listener.latencyMs.length = 0;
        const work = one.load.crowd ? tries(crowd, { ...one.load.crowd, round }) : 0;
        const [watched, checked] = await Promise.all([watch(gateway, listener), work]);
        if (round > 0) one.add({ ...watched, checked });
      }
    }
    const [nobody, ...busy] = windows;
    if (nobody) for (const one of busy) yield* figures(one, nobody);
  },
};

/** The windows in which one load was there. */
class Windows {
  readonly load: Load;
  readonly latencyMs: number[] = [];
  /** The longest of all. */
  lateMs = 0;
  busyMs = 0;
  looks = 0;
  /** Passwords, of each window. */
  readonly checked: number[] = [];

  constructor(load: Load) {
    this.load = load;
  }

  add(window: Window & { readonly checked: number }): void {
    this.latencyMs.push(...window.latencyMs);
    this.lateMs = Math.max(this.lateMs, window.lateMs);
    this.busyMs = Math.max(this.busyMs, window.busyMs);
    this.looks += window.looks;
    this.checked.push(window.checked);
  }
}

interface Window extends v.InferOutput<typeof Watched> {
  readonly latencyMs: readonly number[];
}

/** How many passwords were checked. */
async function tries(crowd: Child, order: Crowd & { readonly round: number }): Promise<number> {
  return v.parse(Tried, await crowd.ask(order)).checked;
}

async function watch(gateway: Child, { latencyMs }: Listener): Promise<Window> {
  const watched = v.parse(Watched, await gateway.ask({ seconds: WINDOW_S }));
  return { ...watched, latencyMs: latencyMs.splice(0) };
}

function* figures({ load, ...busy }: Windows, nobody: Windows): Generator<Figure> {
  const peer = (value: number) => ({
    name: 'nobody logs in',
    value: significant(value, 3),
  });
  const ofLoop = { unit: 'ms', n: busy.looks, goal: '<= 50 ms' };
  yield {
    metric: `event loop late, ${load.name}, longest`,
    value: significant(busy.lateMs, 3),
    peer: peer(nobody.lateMs),
    ...ofLoop,
  };
  yield {
    metric: `its CPU time at a stretch, ${load.name}, most`,
    value: significant(busy.busyMs, 3),
    peer: peer(nobody.busyMs),
    ...ofLoop,
  };
  for (const p of [50, 99]) {
    yield {
      metric: `reading to client, ${load.name}, p${p}`,
      value: significant(percentile(busy.latencyMs, p), 3),
      unit: 'ms',
      peer: peer(percentile(nobody.latencyMs, p)),
      n: busy.latencyMs.length,
      ...(p === 99 && { goal: '<= 1.2x' }),
    };
  }
  yield {
    metric: `passwords checked, ${load.name}, most`,
    value: Math.max(...busy.checked),
    unit: `in ${WINDOW_S} s`,
    n: busy.checked.length,
    ...(load.goal !== undefined && { goal: load.goal }),
  };
}

/** A client that takes the time of each reading of `bench.stamp`. */
class Listener implements Disposable {
  /** From the reading to the message. */
  readonly latencyMs: number[] = [];
  readonly #socket: WebSocket;

  /** @param offsetUs CLOCK_MONOTONIC at time 0 of the gateway's clock */
  constructor(url: string, offsetUs: number) {
    this.#socket = openSocket(`${url}/ws/telemetry`);
    this.#socket.onmessage = ({ data }) => {
      const now = Number(process.hrtime.bigint() / 1000n);
      const { success, output } = v.safeParse(Samples, JSON.parse(String(data)));
      if (success) this.latencyMs.push((now - offsetUs - output.values['bench.stamp']) / 1000);
    };
  }

  async opened(): Promise<void> {
    await new Promise((resolve, reject) => {
      this.#socket.onopen = resolve;
      this.#socket.onerror = reject;
    });
    const subscribe = { type: 'subscribe', streams: ['bench.stamp'], maxHz: HZ_MAX };
    this.#socket.send(JSON.stringify(subscribe));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Those who log in, in a process of their own, so that whoever measures does not wait for them. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { orders, tell } from './orders.ts';

const { url, proxy, names, seconds } = v.parse(
  v.object({
    /** Of the gateway. */
    url: v.string(),
    /** Address of this computer that the gateway takes for a proxy. */
    proxy: v.string(),
    /** Of accounts. */
    names: v.array(v.string()),
    /** How long each crowd goes on. */
    seconds: v.number(),
  }),
  orders(),
);
const { hostname: host, port } = new URL(url);
const Order = v.object({
  round: v.number(),
  password: v.string(),
  /** So many come from far away, once each; where it is 0, everybody with an account again and again. */
  strangers: v.number(),
  /** Of their addresses, so that no limit is left of another crowd. */
  net: v.number(),
});
type Order = v.InferOutput<typeof Order>;

/** Somebody's try. */
interface Try {
  readonly username: string;
  readonly password: string;
  /** Of this computer: the whole of 127.0.0.0/8 is. */
  readonly from: string;
  /** Whom a proxy says that it asks for. */
  readonly client?: string;
}

interface Answer {
  /** The password was held against the hash. */
  readonly isChecked: boolean;
  /** When to come again; 0 for at once. */
  readonly retryMs: number;
}

process.on('message', (message) => void run(v.parse(Order, message)));
tell({ ready: true });

async function run({ round, strangers, password, net }: Order): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const far = Array.from({ length: strangers }, async (_, i) => {
    await delay((i / strangers) * seconds * 1000);
    const username = names[i % names.length] ?? '';
    // RFC 2544 keeps this network for benchmarks.
    const client = `198.18.${round * 4 + Math.floor(i / 250)}.${(i % 250) + 1}`;
    const { isChecked } = await logIn({ username, password, from: proxy, client });
    return isChecked ? 1 : 0;
  });
  const near = strangers > 0 ? [] : names;
  const all = near.map((username, i) => {
    return comeAgain({ username, password, from: `127.${net}.${round}.${i + 1}` }, end);
  });
  const counts = await Promise.all([...all, ...far]);
  const checked = counts.reduce<number>((total, count) => total + count, 0);
  tell({ checked });
}

/** Logs in until the end. How many passwords were checked. */
async function comeAgain(person: Try, end: number): Promise<number> {
  let checked = 0;
  while (performance.now() < end) {
    const { isChecked, retryMs } = await logIn(person);
    if (isChecked) checked++;
    await delay(Math.min(retryMs, Math.max(0, end - performance.now())));
  }
  return checked;
}

function logIn({ username, password, from, client }: Try): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(client !== undefined && { 'x-forwarded-for': client }),
  };
  const path = '/api/v1/auth/login';
  return new Promise((resolve, reject) => {
    request({ host, port, path, method: 'POST', headers, localAddress: from, agent: false })
      .on('error', reject)
      .on('response', async (response) => {
        const { statusCode: status = 0, headers } = response;
        const said = await text(response);
        if (![200, 401, 429, 503].includes(status)) reject(new Error(`${status} ${said}`));
        const retryMs = Number(headers['retry-after'] ?? 0) * 1000;
        resolve({ isChecked: status === 200 || status === 401, retryMs });
      })
      .end(JSON.stringify({ username, password }));
  });
}

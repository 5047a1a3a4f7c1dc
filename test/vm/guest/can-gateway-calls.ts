/**
 * Calls of the API at random, by whoever may do most. A program of its own, as what Node has made of it is
 * kept for those:
 *
 *     node can-gateway-calls.ts URL CALLS SEED TOKEN...
 *
 * It prints how often each status was answered, and what was answered with 500, as JSON.
 */
import { Agent, request } from 'node:http';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { type FuzzRequest, fuzzRequest } from '../../integration/fuzz/requests.ts';

/** Accounts have nothing to do with the bus, and a password takes seconds here. */
const ACCOUNTS = /^\/(auth|users|invites|setup)/;
/** What could have to do with it gets every other call. */
const NEAR = /^\/(diagnostics|can|sources|settings)/;
/** Many, as those that ask the car wait for it. */
const AT_ONCE = 16;
/** A reply that takes longer is not waited for. */
const CALL_MS = 60_000;
const OTHER_ROUTES = ROUTES.filter(({ path }) => !ACCOUNTS.test(path));
const NEAR_ROUTES = ROUTES.filter(({ path }) => NEAR.test(path));
const IDS = ['1', '2', 'obd', 'can', 'vcan1', 'car', 'nothing', '7e8'];

/** The status, or `closed` where the connection was closed for what was asked. */
function send(asked: FuzzRequest, agent: Agent): Promise<string> {
  const { hostname, port } = new URL(url);
  const { method, target: path, headers } = asked;
  return new Promise((resolve) => {
    const sent = request({ agent, hostname, port, method, path, headers }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve(String(reply.statusCode)));
      reply.on('error', () => resolve('closed'));
    });
    sent.setTimeout(CALL_MS, () => {
      console.error(`late: ${method} ${path}`);
      resolve('late');
      sent.destroy();
    });
    sent.on('error', () => resolve('closed'));
    sent.end(asked.body);
  });
}

const [url = '', calls = '0', seed = '0', ...tokens] = process.argv.slice(2);
const statuses: Record<string, number> = {};
const faults: string[] = [];

async function ask(number: number): Promise<void> {
  const random = seededRandom(Number(seed) + number);
  // Each asks from an address of its own, as an address may ask only so often.
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    localAddress: `127.0.1.${number + 1}`,
  });
  for (let i = number; i < Number(calls); i += AT_ONCE) {
    const routes = random() < 0.5 ? NEAR_ROUTES : OTHER_ROUTES;
    const asked = fuzzRequest({ routes, tokens: () => tokens, ids: IDS }, random);
    const status = await send(asked, agent);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === '500') faults.push(`${asked.method} ${asked.target}`);
  }
  agent.destroy();
}

await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => ask(i)));
console.log(JSON.stringify({ statuses, faults }));

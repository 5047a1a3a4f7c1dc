/**
 * MQTT messages a second of the broker's CPU, with clients that are a process of their own: many who send
 * to one, one who sends to many, and one to one with acknowledgements, against mosquitto. Both are asked
 * for the same, which either can do, so that what is compared is what it costs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { stopProcess } from '../support/child.ts';
import { freePort } from '../support/free-ports.ts';
import { type Bench, growth, interleave, Side } from './bench.ts';
import { temporary } from './directory.ts';
import { startChild } from './process.ts';

interface Load {
  readonly metric: string;
  readonly publishers: number;
  readonly subscribers: number;
  readonly qos: 0 | 1;
  /** Messages a second that are sent. */
  readonly hz: number;
}

const LOADS: readonly Load[] = [
  { metric: 'QoS 0, 20 to 1', publishers: 20, subscribers: 1, qos: 0, hz: 4_000 },
  { metric: 'QoS 0, 1 to 20', publishers: 1, subscribers: 20, qos: 0, hz: 300 },
  { metric: 'QoS 1, 1 to 1', publishers: 1, subscribers: 1, qos: 1, hz: 2_000 },
];
/** Whose cost is looked at as its subscribers become more. */
const FAN_OUT: Load = { metric: '', publishers: 1, subscribers: 20, qos: 0, hz: 100 };
const SECONDS = 2;
const ROUNDS = 4;
/** Of what should arrive at QoS 0. */
const LOSS_MAX = 0.02;
const LISTEN_MS_MAX = 5_000;

const Ready = v.object({ port: v.number() });
const Done = v.object({ sent: v.number(), received: v.number(), acknowledged: v.number() });

export const mqtt: Bench = {
  name: 'mqtt',
  async *run({ scales }) {
    for (const load of LOADS) {
      await using running = new AsyncDisposableStack();
      const ours = await side(load, running.use(await vigil()), running);
      const peer = await side(load, running.use(await mosquitto()), running);
      await interleave(ROUNDS, [ours, peer]);
      yield {
        metric: load.metric,
        value: Math.round(ours.median),
        unit: 'deliveries/CPU s',
        peer: { name: 'mosquitto', value: Math.round(peer.median) },
        n: ROUNDS,
        goal: '>= 0.5x',
      };
    }
    if (scales.length < 2) return;
    await using running = new AsyncDisposableStack();
    const sides = new Map<number, Side>();
    for (const scale of scales) {
      const load = { ...FAN_OUT, subscribers: 20 * scale };
      sides.set(scale, await side(load, running.use(await vigil()), running));
    }
    await interleave(ROUNDS, [...sides.values()]);
    yield* growth('us/delivery', sides, (perCpuS) => 1e6 / perCpuS);
  },
};

/** A crowd of its own at a broker. */
async function side(load: Load, broker: Server, running: AsyncDisposableStack): Promise<Side> {
  const { publishers, subscribers, qos, hz } = load;
  const orders = { port: broker.port, publishers, subscribers, qos };
  const { child: crowd } = await startChild('mqtt-crowd.ts', orders);
  running.use(crowd);
  return new Side(async () => {
    const before = cpuNs(broker.pid);
    const done = v.parse(Done, await crowd.ask({ hz, seconds: SECONDS }));
    return perCpuSecond(load, done, cpuNs(broker.pid) - before);
  });
}

function perCpuSecond(
  { subscribers, qos }: Load,
  { sent, received, acknowledged }: v.InferOutput<typeof Done>,
  ns: number,
): number {
  const due = sent * subscribers;
  const isLost = qos === 0 ? received < due * (1 - LOSS_MAX) : received < due;
  if (isLost) throw new Error(`${received} of ${due} arrived`);
  if (qos === 1 && acknowledged !== sent) throw new Error(`${acknowledged} of ${sent} PUBACKs`);
  return received / (ns / 1e9);
}

interface Server extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

async function vigil(): Promise<Server> {
  const { child, hello } = await startChild('mqtt-broker.ts', {});
  const { port } = v.parse(Ready, hello);
  return { port, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** As it comes, without a disk, and with queues that nothing is dropped from. */
async function mosquitto(): Promise<Server> {
  const directory = await temporary();
  const port = await freePort();
  const file = join(directory.path, 'mosquitto.conf');
  const settings = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'];
  await writeFile(file, [`listener ${port} 127.0.0.1`, ...settings, ''].join('\n'));
  const child = spawn('mosquitto', ['-c', file], {
    // Debian has it where not every path leads.
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    await stopProcess(child);
    await directory[Symbol.asyncDispose]();
  };
  try {
    await untilRunning(child);
    return { port, pid: child.pid ?? 0, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Until it says so, on its standard error. */
function untilRunning(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('mosquitto does not start')), LISTEN_MS_MAX);
    const end = (): void => clearTimeout(late);
    child.once('error', reject).once('exit', (code) => {
      end();
      reject(new Error(`mosquitto ended with ${code}`));
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (!text.includes('running')) return;
      end();
      resolve();
    });
  });
}

/** What all threads of a process have been on a CPU, in ns. */
function cpuNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
    )
    .reduce((sum, ns) => sum + ns, 0);
}

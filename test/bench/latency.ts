/**
 * From the last byte on the pty to the message at a WebSocket client and at an MQTT subscriber, through
 * a real gateway with a serial adapter and a serial headset. Over MQTT a value is told five times a
 * second, the newest; its time is that of the answer it is of. Both ends stamp with CLOCK_MONOTONIC, which
 * is the same clock in every process. The far end stamps before it writes, so its own system call is part
 * of the time; so are the clients, which are Node's own WebSocket and npm's mqtt.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { freePort } from '../support/free-ports.ts';
import { openSocket, PASSWORD } from '../support/tokens.ts';
import type { Bench, Figure } from './bench.ts';
import { type FarEnd, type Gateway, startChild, startFarEnd, startGateway } from './process.ts';
import { percentile, significant } from './stats.ts';

const SETTLE_MS = 6_000;
/** Samples count modulo 2^16, which takes 128 s. */
const MEASURE_MS = 30_000;
const CLIENTS = 10;
const LAG_MS = 5;
/** The most that a client may ask for: no message waits for the next to be due. */
const HZ_MAX = 1000;
/** `obd.engine.rpm` is a quarter of the counter. */
const COUNTS_PER_RPM = 4;
const WAVE_HEADER_BYTES = 24;
const WRAP = 0x1_0000;

const Stamps = v.object({ stamps: v.array(v.tuple([v.number(), v.number()])) });
const Value = v.object({ v: v.number() });
const Message = v.object({
  type: v.string(),
  values: v.optional(v.record(v.string(), v.unknown())),
});

interface Load {
  readonly name: string;
  /** A car that is only asked for its engine speed, or one with everything. */
  readonly only: boolean;
  readonly crowd: number;
  readonly goalMs: number;
}

const LOADS: readonly Load[] = [
  { name: 'idle', only: true, crowd: 0, goalMs: 5 },
  { name: 'loaded', only: false, crowd: CLIENTS, goalMs: 50 },
];

export const latency: Bench = {
  name: 'latency',
  async *run() {
    for (const load of LOADS) yield* measure(load);
  },
};

async function* measure({ name, only, crowd, goalMs }: Load): AsyncGenerator<Figure> {
  const car = { ecuMs: 0, paced: false, counted: true, only };
  await using adapter = await startFarEnd('adapter.ts', car);
  await using headset = await startFarEnd('headset.ts', {});
  const mqttPort = await freePort();
  await using gateway = await startGateway([
    ...['--mqtt', `127.0.0.1:${mqttPort}`],
    ...['--obd', `serial://${adapter.path}?baud=38400`],
    ...['--eeg', `thinkgear+serial://${headset.path}`],
  ]);
  await using _crowd = await crowdOf(gateway, crowd);
  const clients = { WebSocket: await listen(gateway.url), MQTT: await subscribe(mqttPort) };
  await delay(SETTLE_MS);
  for (const client of Object.values(clients)) client.restart();
  await Promise.all([stampsOf(adapter), stampsOf(headset)]);
  const lag = monitorEventLoopDelay({ resolution: LAG_MS });
  lag.enable();
  await delay(MEASURE_MS);
  lag.disable();
  for (const client of Object.values(clients)) client.close();
  const stamps = { answers: await stampsOf(adapter), blocks: await stampsOf(headset) };
  // A wave ends with the chunk that completes it: the first that reaches past its last sample.
  const reaches = (sent: number, got: number): boolean => (sent - got - 1 + WRAP) % WRAP < WRAP / 2;
  for (const [by, { answers, blocks }] of Object.entries(clients)) {
    const answered = delays(answers, stamps.answers, (sent, got) => sent === got);
    // Over MQTT it has waited for its turn, which is no lateness.
    yield* figures(`answer over ${by}, ${name}`, answered, by === 'MQTT' ? undefined : goalMs);
    yield* figures(`EEG block over ${by}, ${name}`, delays(blocks, stamps.blocks, reaches), goalMs);
  }
  // What a machine does to a process that only waits; longer delays than this are not the gateway's.
  const value = significant(lag.max / 1e6, 3);
  yield { metric: `longest lag of an idle process, ${name}`, value, unit: 'ms', n: lag.count };
}

function* figures(
  metric: string,
  ms: readonly number[],
  goalMs: number | undefined,
): Generator<Figure> {
  const figure = (p: number) => ({
    metric: `${metric}, p${p}`,
    value: significant(percentile(ms, p), 3),
    unit: 'ms',
    n: ms.length,
  });
  yield figure(50);
  yield { ...figure(99), ...(goalMs !== undefined && { goal: `<= ${goalMs} ms` }) };
  yield { ...figure(100), metric: `${metric}, longest` };
}

/** A message as the client got it: the counter in it, and when. */
type Heard = readonly [count: number, gotUs: number];

/** Milliseconds between each message and the first stamp that it belongs to. */
function delays(
  heard: readonly Heard[],
  stamps: readonly Heard[],
  belongs: (sent: number, got: number) => boolean,
): number[] {
  let at = 0;
  return heard.flatMap(([count, gotUs]) => {
    const found = stamps.findIndex(([sent], i) => i >= at && belongs(sent, count));
    const stamp = stamps[found];
    // What belongs to the first stamp may belong to one before it, which is gone.
    if (stamp === undefined || found === 0) return [];
    at = found;
    return [(gotUs - stamp[1]) / 1000];
  });
}

async function stampsOf({ child }: FarEnd): Promise<Heard[]> {
  return v.parse(Stamps, await child.ask({ stamps: true })).stamps;
}

/** A client that measures. */
interface Client {
  readonly answers: readonly Heard[];
  readonly blocks: readonly Heard[];
  /** Forgets what it has heard. */
  restart(): void;
  close(): void;
}

async function listen(url: string): Promise<Client> {
  const socket = openSocket(`${url}/ws/telemetry`);
  socket.binaryType = 'arraybuffer';
  const ears = new Ears();
  socket.onmessage = ({ data }) => {
    const gotUs = nowUs();
    if (data instanceof ArrayBuffer) {
      ears.block(new DataView(data), gotUs);
      return;
    }
    const rpm = v.parse(Message, JSON.parse(String(data))).values?.['obd.engine.rpm'];
    if (typeof rpm === 'number') ears.answer(rpm, gotUs);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const streams = ['obd.engine.rpm', 'eeg.raw'];
  socket.send(JSON.stringify({ type: 'subscribe', streams, maxHz: HZ_MAX, format: 'bin' }));
  return ears.client(() => socket.close());
}

async function subscribe(port: number): Promise<Client> {
  const account = { username: 'admin', password: PASSWORD };
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, account);
  const ears = new Ears();
  client.on('message', (topic, payload) => {
    const gotUs = nowUs();
    if (topic.includes('/stream/')) ears.block(viewOf(payload), gotUs);
    else ears.answer(v.parse(Value, JSON.parse(String(payload))).v, gotUs);
  });
  await client.subscribeAsync(['car/+/signal/obd/engine/rpm', 'car/+/stream/eeg/raw']);
  return ears.client(() => client.end(true));
}

class Ears {
  readonly #answers: Heard[] = [];
  readonly #blocks: Heard[] = [];

  answer(rpm: number, gotUs: number): void {
    this.#answers.push([rpm * COUNTS_PER_RPM, gotUs]);
  }

  /** Our headset's last sample is the number of samples before it, as i16. */
  block(bytes: DataView, gotUs: number): void {
    if (bytes.byteLength <= WAVE_HEADER_BYTES) return;
    const last = bytes.getInt16(bytes.byteLength - 2, true);
    this.#blocks.push([(last + WRAP) % WRAP, gotUs]);
  }

  client(close: () => void): Client {
    const restart = (): void => {
      this.#answers.length = 0;
      this.#blocks.length = 0;
    };
    return { answers: this.#answers, blocks: this.#blocks, restart, close };
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Clients that want everything, as dashboards do, in a process of their own. */
async function crowdOf({ host, token }: Gateway, clients: number): Promise<Child | undefined> {
  if (clients === 0) return undefined;
  const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], format: 'bin' });
  const crowd = { host, path: '/ws/telemetry', clients, subscribe, token };
  return (await startChild('listeners.ts', crowd)).child;
}

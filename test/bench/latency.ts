/**
 * From the last byte on the pty to the message at a WebSocket client, through a real gateway with a
 * serial adapter and a serial headset. Both ends stamp with CLOCK_MONOTONIC, which is the same clock
 * in every process. The far end stamps before it writes, so its own system call is part of the time;
 * so is the client, which is Node's own WebSocket.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import type { Child } from '../support/child.ts';
import { openSocket } from '../support/tokens.ts';
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
const Message = v.object({
  type: v.string(),
  values: v.optional(v.record(v.string(), v.unknown())),
});

interface Load {
  readonly name: string;
  /** A car that is only asked for its engine speed, or one with everything. */
  readonly only: boolean;
  readonly clients: number;
  readonly goalMs: number;
}

const LOADS: readonly Load[] = [
  { name: 'idle', only: true, clients: 0, goalMs: 5 },
  { name: 'loaded', only: false, clients: CLIENTS, goalMs: 50 },
];

export const latency: Bench = {
  name: 'latency',
  async *run() {
    for (const load of LOADS) yield* measure(load);
  },
};

async function* measure({ name, only, clients, goalMs }: Load): AsyncGenerator<Figure> {
  const car = { ecuMs: 0, paced: false, counted: true, only };
  await using adapter = await startFarEnd('adapter.ts', car);
  await using headset = await startFarEnd('headset.ts', {});
  await using gateway = await startGateway([
    ...['--obd', `serial://${adapter.path}?baud=38400`],
    ...['--eeg', `thinkgear+serial://${headset.path}`],
  ]);
  await using _crowd = await crowdOf(gateway, clients);
  const heard = await listen(gateway.url);
  await delay(SETTLE_MS);
  await Promise.all([heard.restart(), stampsOf(adapter), stampsOf(headset)]);
  const lag = monitorEventLoopDelay({ resolution: LAG_MS });
  lag.enable();
  await delay(MEASURE_MS);
  lag.disable();
  heard.close();
  const answers = delays(heard.answers, await stampsOf(adapter), (sent, got) => sent === got);
  // A wave ends with the chunk that completes it: the first that reaches past its last sample.
  const reaches = (sent: number, got: number): boolean => (sent - got - 1 + WRAP) % WRAP < WRAP / 2;
  const blocks = delays(heard.blocks, await stampsOf(headset), reaches);
  yield* figures(`answer, ${name}`, answers, goalMs);
  yield* figures(`EEG block, ${name}`, blocks, goalMs);
  // What a machine does to a process that only waits; longer delays than this are not the gateway's.
  const value = significant(lag.max / 1e6, 3);
  yield { metric: `longest lag of an idle process, ${name}`, value, unit: 'ms', n: lag.count };
}

function* figures(metric: string, ms: readonly number[], goalMs: number): Generator<Figure> {
  const figure = (p: number) => ({
    metric: `${metric}, p${p}`,
    value: significant(percentile(ms, p), 3),
    unit: 'ms',
    n: ms.length,
  });
  yield figure(50);
  yield { ...figure(99), goal: `<= ${goalMs} ms` };
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

/** The client that measures. */
async function listen(url: string) {
  const socket = openSocket(`${url}/ws/telemetry`);
  socket.binaryType = 'arraybuffer';
  const answers: Heard[] = [];
  const blocks: Heard[] = [];
  socket.onmessage = ({ data }) => {
    const gotUs = Number(process.hrtime.bigint() / 1000n);
    if (data instanceof ArrayBuffer) {
      // Our headset's last sample is the number of samples before it, as i16.
      const last = new DataView(data).getInt16(data.byteLength - 2, true);
      if (data.byteLength > WAVE_HEADER_BYTES) blocks.push([(last + WRAP) % WRAP, gotUs]);
      return;
    }
    const rpm = v.parse(Message, JSON.parse(String(data))).values?.['obd.engine.rpm'];
    if (typeof rpm === 'number') answers.push([rpm * COUNTS_PER_RPM, gotUs]);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const streams = ['obd.engine.rpm', 'eeg.raw'];
  socket.send(JSON.stringify({ type: 'subscribe', streams, maxHz: HZ_MAX, format: 'bin' }));
  return {
    answers,
    blocks,
    close: () => socket.close(),
    restart: () => {
      answers.length = 0;
      blocks.length = 0;
    },
  };
}

/** Clients that want everything, as dashboards do, in a process of their own. */
async function crowdOf({ host, token }: Gateway, clients: number): Promise<Child | undefined> {
  if (clients === 0) return undefined;
  const subscribe = JSON.stringify({ type: 'subscribe', streams: ['*'], format: 'bin' });
  const crowd = { host, path: '/ws/telemetry', clients, subscribe, token };
  return (await startChild('listeners.ts', crowd)).child;
}

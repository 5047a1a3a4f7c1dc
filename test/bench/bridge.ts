/**
 * How fast a backlog goes to the cloud: a recorded drive from the real store through the real bridge to a
 * broker on this machine, with a cloud behind it that reads and acknowledges everything, against a bare
 * MQTT client that publishes the same bytes with the same window. And what it costs whoever records
 * meanwhile: how late timers are, with the bridge at work and without.
 */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import * as v from 'valibot';
import type { Reading, Stream } from '#core/stream.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import {
  connectMqtt,
  type MqttConnection,
  type MqttMessage,
  type MqttOptions,
} from '../../src/io/mqtt-client.ts';
import { Bridge } from '../../src/outbox/bridge.ts';
import { CLASS_POLICIES, type ClassPolicies } from '../../src/outbox/classes.ts';
import { Queue } from '../../src/store/outbox/queue.ts';
import { Store } from '../../src/store/store.ts';
import type { Child } from '../support/child.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { SILENT_LOG } from '../support/silent-log.ts';
import { type Bench, type Figure, interleave, Side } from './bench.ts';
import { temporary } from './directory.ts';
import { startChild } from './process.ts';
import { significant } from './stats.ts';
import { eegLoad, type Load, obdLoad, samplesIn, together } from './store-load.ts';
import { EPOCH, record } from './store-vigil.ts';

/** Of the drive that waits to be sent. */
const DRIVE_S = 1_800;
const ROUNDS = 3;
const TENANT = 'bench';
const QUOTA_BYTES = 96 * 2 ** 20;
const POLL_MS = 5;
/** Beyond, the backlog is stuck. */
const DRAIN_MS_MAX = 300_000;
/** How often the live readings come, and how long timers are watched without the bridge. */
const LIVE_MS = 100;
const WATCH_MS = 10_000;
const LATENESS_MS = 1;
/** As outbox/window.ts has it. */
const WINDOW = { batches: 16, bytes: 128 * 1024 };
/** The last values of a stream do not wait for more. */
const AT_ONCE: ClassPolicies = {
  ...CLASS_POLICIES,
  ...{ p1: { ...CLASS_POLICIES.p1, holdMs: 0 }, p2: { ...CLASS_POLICIES.p2, holdMs: 0 } },
  p3: { ...CLASS_POLICIES.p3, holdMs: 0 },
};

const Counted = v.object({ batches: v.number(), records: v.number(), duplicates: v.number() });

export const bridge: Bench = {
  name: 'bridge',
  async *run() {
    await using running = new AsyncDisposableStack();
    const directory = running.use(await temporary());
    const recorded = await record([obdLoad(), eegLoad()], DRIVE_S, directory.path);
    const broker = running.use(await Mosquitto.start(['allow_anonymous true']));
    const { child: cloud } = await startChild('bridge-cloud.ts', { port: broker.port });
    running.use(cloud);
    const { store, queue } = await openQueue(directory.path, running);
    const drains: Drained[] = [];
    let round = 0;
    /** @param isWanted what goes; the rest stays in the store */
    const sides = (isWanted: (stream: Stream) => boolean) => {
      const wanted = recorded.filter(({ stream }) => isWanted(stream));
      const records = wanted.reduce((sum, { samples }) => sum + samples, 0);
      const ours = new Side(async () => {
        const way = { queue, isWanted, port: broker.port, device: `car-${++round}` };
        const drained = await drain({ ...way, cloud });
        check(drained, records);
        drains.push(drained);
        return drained.records / drained.seconds;
      });
      const bare = new Side(async () => {
        const messages = drains.at(-1)?.messages ?? [];
        return records / (await publishBare(broker.port, messages));
      });
      return { ours, bare };
    };
    const obd = sides(({ kind }) => kind === 'sample');
    await interleave(ROUNDS, [obd.ours, obd.bare]);
    const all = sides(() => true);
    await interleave(ROUNDS, [all.ours, all.bare]);
    for (const [name, { ours, bare }] of [
      ['OBD', obd],
      ['OBD and EEG', all],
    ] as const) {
      yield {
        metric: `${name}, a backlog of ${DRIVE_S / 60} min`,
        value: Math.round(ours.median),
        unit: 'records/s',
        peer: { name: 'bare client', value: Math.round(bare.median) },
        n: ROUNDS,
        goal: '>= 20,000/s',
      };
    }
    yield* details(drains);
    yield* await lateness(store, queue, broker.port);
  },
};

interface Drained {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly records: number;
  readonly duplicates: number;
  readonly messages: readonly MqttMessage[];
  readonly most: Most;
}

/** The most that was without a PUBACK at a time. */
interface Most {
  batches: number;
  bytes: number;
}

/** Of the last, which had everything to send; the window of all of them. */
function* details(drains: readonly Drained[]): Generator<Figure> {
  const [last] = drains.slice(-1);
  if (last === undefined) return;
  const n = drains.length;
  const { messages, records, seconds, cpuSeconds } = last;
  const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
  const most = (of: (most: Most) => number): number =>
    Math.max(...drains.map(({ most }) => of(most)));
  yield { metric: 'bytes', value: significant(bytes / records), unit: 'B/record', n };
  yield { metric: 'batches', value: messages.length, unit: '', n };
  yield { metric: 'window, batches', value: most((m) => m.batches), unit: '', n, goal: '<= 16' };
  yield { metric: 'window', value: most((m) => m.bytes), unit: 'B', n, goal: '<= 131,072' };
  yield { metric: 'of a core', value: significant((100 * cpuSeconds) / seconds), unit: '%', n };
}

function check({ records, duplicates }: Drained, expected: number): void {
  if (records !== expected) throw new Error(`${records} of ${expected} records came`);
  if (duplicates > 0) throw new Error(`${duplicates} records came twice`);
}

async function openQueue(directory: string, running: AsyncDisposableStack) {
  const stopping = new AbortController();
  const epoch = { ...EPOCH, id: EPOCH.id + 1 };
  const clock = monotonicClock();
  const store = new Store({
    ...{ directory, quotaBytes: QUOTA_BYTES, epoch, clock, log: SILENT_LOG, lowBytes: 0 },
    pinned: () => [],
  });
  const closed = store.run(stopping.signal);
  running.defer(async () => {
    stopping.abort();
    await closed;
  });
  await store.settled;
  const queue = new Queue(store, randomBytes);
  await queue.named();
  return { store, queue };
}

interface Way {
  readonly queue: Queue;
  readonly isWanted: (stream: Stream) => boolean;
  readonly port: number;
  /** A gateway of which the cloud has nothing yet. */
  readonly device: string;
}

/** Sends all that there is. */
async function drain(way: Way & { readonly cloud: Child }): Promise<Drained> {
  const messages: MqttMessage[] = [];
  const most: Most = { batches: 0, bytes: 0 };
  const stopping = new AbortController();
  const bridge = newBridge(way, async (options, signal) =>
    watched(await connectMqtt(options, signal), messages, most),
  );
  const cpu = process.cpuUsage();
  const start = performance.now();
  const run = bridge.run(stopping.signal);
  try {
    do {
      await delay(POLL_MS);
      if (performance.now() - start > DRAIN_MS_MAX) {
        throw new Error(`not sent: ${JSON.stringify(bridge.health())}`);
      }
    } while (messages.length === 0 || backlogOf(bridge) > 0);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const counted = v.parse(Counted, await way.cloud.ask({ device: way.device }));
    return { ...counted, seconds, cpuSeconds: (user + system) / 1e6, messages, most };
  } finally {
    stopping.abort();
    await run;
  }
}

function backlogOf(bridge: Bridge): number {
  return Number(bridge.health().details['backlogRecords']);
}

function newBridge(
  { queue, isWanted, port, device }: Way,
  connect: (options: MqttOptions, signal: AbortSignal) => Promise<MqttConnection>,
): Bridge {
  return new Bridge({
    queue: fromTheBeginning(queue, isWanted),
    ...{ connect, clock: monotonicClock(), log: SILENT_LOG, defer: setImmediate },
    ...{ random: Math.random, policies: AT_ONCE, commands: {}, info: () => ({}) },
    server: { host: '127.0.0.1', port, tls: false },
    place: { tenant: TENANT, device },
    bearer: () => 'local',
    wallMs: () => undefined,
    budget: { bytesMax: undefined, shelf: { load: () => undefined, save: () => {} } },
  });
}

/** The same store, of which nothing was sent yet. */
function fromTheBeginning(queue: Queue, isWanted: Way['isWanted']) {
  return {
    get store() {
      return queue.store;
    },
    named: () => queue.named(),
    streams: () => queue.streams().filter(({ stream }) => isWanted(stream)),
    read: (...asked: Parameters<Queue['read']>) => queue.read(...asked),
    cursors: () => new Map(),
    keepCursors: (cursors: Parameters<Queue['keepCursors']>[0]) => queue.keepCursors(cursors),
    keep: (needed: Parameters<Queue['keep']>[0]) => queue.keep(needed),
  };
}

/** Notes the batches, and how many of them wait for their PUBACK. */
function watched(connection: MqttConnection, messages: MqttMessage[], most: Most): MqttConnection {
  const now: Most = { batches: 0, bytes: 0 };
  return {
    ...{ closed: connection.closed, bufferedBytes: 0, remoteAddress: connection.remoteAddress },
    publish: async (message) => {
      const published = connection.publish(message);
      if (typeof message.payload === 'string') return await published;
      messages.push(message);
      const bytes = message.payload.length;
      now.batches++;
      now.bytes += bytes;
      most.batches = Math.max(most.batches, now.batches);
      most.bytes = Math.max(most.bytes, now.bytes);
      await published;
      now.batches--;
      now.bytes -= bytes;
    },
    subscribe: (filters) => connection.subscribe(filters),
    close: () => connection.close(),
    destroy: (reason) => connection.destroy(reason),
  };
}

/** Seconds that a client needs for it that does nothing else. */
async function publishBare(port: number, messages: readonly MqttMessage[]): Promise<number> {
  const options = { protocolVersion: 5, reconnectPeriod: 0 } as const;
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    const open: Most = { batches: 0, bytes: 0 };
    let sent = 0;
    let confirmed = 0;
    const send = (): void => {
      for (let one = messages[sent]; one !== undefined; one = messages[++sent]) {
        const { length } = one.payload;
        if (open.batches >= WINDOW.batches || open.bytes + length > WINDOW.bytes) return;
        open.batches++;
        open.bytes += length;
        // Where nobody listens, as the cloud of the other side is no part of this.
        client.publish(`bare/${one.topic}`, Buffer.from(one.payload), { qos: 1 }, (error) => {
          if (error) return reject(error);
          open.batches--;
          open.bytes -= length;
          if (++confirmed === messages.length) resolve();
          else send();
        });
      }
    };
    send();
  });
  const seconds = (performance.now() - start) / 1000;
  await client.endAsync();
  return seconds;
}

/** How late timers are while the car is recorded: with nothing else to do, and while a backlog goes. */
async function lateness(store: Store, queue: Queue, port: number): Promise<Figure[]> {
  const live = new Live(store);
  const stop = live.start();
  try {
    const idle = await watchTimers(() => delay(WATCH_MS));
    const stopping = new AbortController();
    const bridge = newBridge({ queue, isWanted: () => true, port, device: 'live' }, connectMqtt);
    let run: Promise<void> | undefined;
    const busy = await watchTimers(async () => {
      run = bridge.run(stopping.signal);
      // What comes meanwhile is sent too: a second of it may wait.
      do await delay(POLL_MS);
      while (Number(bridge.health().details['acked']) === 0 || backlogOf(bridge) > live.perSecond);
    });
    stopping.abort();
    await run;
    const figure = (metric: string, p: 50 | 99 | 100): Figure => ({
      ...{ metric, unit: 'ms', n: busy.count },
      value: significant(busy.ms(p), 3),
      peer: { name: 'without the bridge', value: significant(idle.ms(p), 3) },
    });
    return [
      figure('timers late beside live ingest, p50', 50),
      figure('timers late beside live ingest, p99', 99),
      figure('timers late beside live ingest, most', 100),
    ];
  } finally {
    stop();
  }
}

async function watchTimers(work: () => Promise<void>) {
  const histogram = monitorEventLoopDelay({ resolution: LATENESS_MS });
  histogram.enable();
  await work();
  histogram.disable();
  const { count } = histogram;
  const late = (ns: number): number => Math.max(0, ns / 1e6 - LATENESS_MS);
  return { count, ms: (p: number): number => late(histogram.percentile(p)) };
}

/** OBD and EEG as they come, in the time in which they come. */
class Live {
  readonly perSecond: number;
  readonly #store: Store;
  readonly #load: Load = together('live', [obdLoad(), eegLoad()]);

  constructor(store: Store) {
    this.#store = store;
    this.perSecond = samplesIn(this.#load.second(0));
  }

  /** Returns what ends it. */
  start(): () => void {
    const start = performance.now();
    let until = 0;
    let waiting: Reading[] = [];
    const timer = setInterval(() => {
      const now = performance.now() - start;
      for (; until < now; until += 1000) waiting.push(...this.#load.second(until / 1000));
      const due = waiting.filter(({ t }) => t <= now * 1000);
      waiting = waiting.slice(due.length);
      this.#store.take(due);
    }, LIVE_MS);
    return () => clearInterval(timer);
  }
}

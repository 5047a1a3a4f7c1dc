/**
 * The publisher into a broker of the user's (mosquitto, MQTT 5), and at its other end a program that
 * does what Home Assistant does with it: it finds the car by the discovery message, subscribes to what
 * that names, and shows each sensor as it would.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Sample, Stream } from '#core/stream.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { Publisher } from '../../../src/mqtt/publisher.ts';
import type { SourceNow } from '../../../src/mqtt/state.ts';
import { stopProcess } from '../../support/child.ts';
import { Discovery } from '../../unit/mqtt/discovery-schema.ts';

const WAIT = { timeout: 20_000 };
const CONFIG = 'homeassistant/device/car1/config';
const BIRTH = 'homeassistant/status';
const speed: Stream = {
  ...{ id: 'obd.vehicle.speed', name: 'Vehicle speed', unit: 'km/h', range: [0, 255], hz: 10 },
  kind: 'sample',
};
const ignition: Stream = {
  ...{ id: 'obd.ignition', name: 'Ignition', unit: '1', range: [0, 2], hz: 0.1, kind: 'sample' },
  states: { 0: 'off', 1: 'on', 2: 'running' },
};

let running = new AsyncDisposableStack();
beforeEach(() => {
  running = new AsyncDisposableStack();
});
afterEach(async () => {
  await running.disposeAsync();
});

async function startBroker(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  const port = typeof address === 'object' ? String(address?.port) : '';
  // Without settings it serves this machine alone, and everybody on it.
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  const broker = spawn('mosquitto', ['-p', port], { env, stdio: 'ignore' });
  running.defer(() => stopProcess(broker));
  return `mqtt://127.0.0.1:${port}`;
}

async function connect(url: string): Promise<MqttClient> {
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 50 });
  running.defer(() => client.endAsync(true));
  client.on('error', () => {}); // The broker is not up yet: it tries again.
  await new Promise<void>((resolve) => {
    client.once('connect', () => resolve());
  });
  return client;
}

function startPublisher(client: MqttClient) {
  const sources: { now: SourceNow[] } = {
    now: [{ id: 'obd', status: 'ok', streams: [speed, ignition] }],
  };
  const publisher = new Publisher({
    ...{ name: 'own-broker', device: 'car1', version: '1.2.0', simulated: true, vss: false },
    outlet: {
      publish: ({ topic, payload, qos, retain }) => {
        client.publish(topic, Buffer.from(payload), { qos, retain });
      },
      isWanted: () => true,
    },
    prefix: 'home/',
    realTime: monotonicClock(),
    epoch: () => ({ id: 7, wallMs: 0, trust: 'none' }),
    streams: () => [speed, ignition],
    sources: () => sources.now,
    ongoing: () => [],
    stats: () => ({}),
  });
  const stopping = new AbortController();
  const ended = publisher.run(stopping.signal);
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  running.defer(stop);
  const take = (...values: readonly (readonly [Stream, number])[]) => {
    publisher.take(
      values.map(([stream, value]): Sample => {
        return { kind: 'sample', stream, t: 1, v: value };
      }),
    );
  };
  return { publisher, take, sources, stop };
}

/** Home Assistant, as far as sensors go. */
class Assistant {
  readonly client: MqttClient;
  configs = 0;
  readonly #values = new Map<string, string>();
  #cmps: v.InferOutput<typeof Discovery>['cmps'] = {};
  #availability: readonly { readonly topic: string }[] = [];

  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload) => {
      if (topic === CONFIG) this.#found(JSON.parse(payload.toString()));
      else this.#values.set(topic, payload.toString());
    });
  }

  async start(): Promise<void> {
    await this.client.subscribeAsync('homeassistant/#');
    await this.client.publishAsync(BIRTH, 'online');
  }

  /** What it shows of a sensor, under its name. */
  state(name: string): string | undefined {
    const found = Object.values(this.#cmps).find((one) => 'name' in one && one.name === name);
    if (found === undefined || !('name' in found)) return undefined;
    const places = found.availability ?? this.#availability;
    if (!places.every(({ topic }) => this.#values.get(topic) === 'online')) return 'unavailable';
    const payload = this.#values.get(found.state_topic);
    if (payload === undefined) return 'unknown';
    const field = /value_json\.([a-z]+)/.exec(found.value_template)?.[1] ?? '';
    const value = Reflect.get(Object(JSON.parse(payload)), field);
    if (value === null) return 'unknown';
    // An option that is none of its list is an error there.
    if (found.options?.includes(value) === false) return 'error';
    return `${value}${found.unit_of_measurement ? ` ${found.unit_of_measurement}` : ''}`;
  }

  #found(message: unknown): void {
    const { cmps, availability } = v.parse(Discovery, message);
    this.configs++;
    this.#cmps = cmps;
    this.#availability = availability;
    const sensors = Object.values(cmps).flatMap((one) => ('name' in one ? [one] : []));
    const topics = [
      ...availability,
      ...sensors.flatMap((one) => [...(one.availability ?? []), { topic: one.state_topic }]),
    ];
    this.client.subscribe(topics.map(({ topic }) => topic));
  }
}

test('Home Assistant finds the car, shows what it measures, and sees a source and the gateway go', async () => {
  const url = await startBroker();
  const { take, sources, stop } = startPublisher(await connect(url));
  const assistant = new Assistant(await connect(url));
  await assistant.start();
  take([speed, 53], [ignition, 2]);
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('53 km/h');
  await expect.poll(() => assistant.state('Ignition'), WAIT).toBe('running');
  take([speed, Number.NaN], [ignition, 7]);
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('unknown');
  await expect.poll(() => assistant.state('Ignition'), WAIT).toBe('unknown');
  take([speed, 54]);
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('54 km/h');
  sources.now = [{ id: 'obd', status: 'waiting', streams: [speed, ignition] }];
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('unavailable');
  sources.now = [{ id: 'obd', status: 'ok', streams: [speed, ignition] }];
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('54 km/h');
  await stop();
  await expect.poll(() => assistant.state('Vehicle speed'), WAIT).toBe('unavailable');
});

test('one that comes later finds all of it at once, and is told again when it says that it is there', async () => {
  const url = await startBroker();
  const client = await connect(url);
  const { publisher, take } = startPublisher(client);
  client.on('message', (topic, payload) => {
    if (topic === BIRTH && payload.toString() === 'online') publisher.discover();
  });
  await client.subscribeAsync(BIRTH);
  take([speed, 20]);
  const first = new Assistant(await connect(url));
  await first.start();
  await expect.poll(() => first.state('Vehicle speed'), WAIT).toBe('20 km/h');
  const later = new Assistant(await connect(url));
  await later.start();
  await expect.poll(() => later.state('Vehicle speed'), WAIT).toBe('20 km/h');
  // The one that was kept, and the one that its birth message asked for.
  await expect.poll(() => later.configs, WAIT).toBeGreaterThanOrEqual(2);
});

/** The fleet side's process, and a car that sends to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { connectMqtt, type MqttConnection, type MqttServer } from '../../src/io/mqtt-client.ts';
import { type Ack, decodeAck } from '../../src/wire/ack.ts';
import { ackTopic, clientIdOf } from '../../src/wire/topics.ts';
import { ROOT, stopProcess } from './child.ts';
import type { Cloud } from './cloud-tree.ts';

type Addresses = Pick<Cloud, 'amqpUrl' | 'mqttUrl' | 'databaseUrl'>;

export interface WaitingIngest extends AsyncDisposable {
  readonly process: ChildProcess;
  /** `http://127.0.0.1:...`, of its status pages. */
  readonly url: string;
  /** All that it said. */
  readonly lines: readonly string[];
}

/** Resolves when its status pages are there, which need nothing else. */
export async function spawnIngest(cloud: Addresses): Promise<WaitingIngest> {
  const child = spawn(process.execPath, [`${ROOT}src/cloud/main.ts`], {
    env: {
      VIGIL_CLOUD_AMQP: cloud.amqpUrl,
      VIGIL_CLOUD_MQTT: cloud.mqttUrl,
      VIGIL_CLOUD_DATABASE: cloud.databaseUrl,
      VIGIL_CLOUD_METRICS: '127.0.0.1:0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      const [, at] = /health at (\S+)/.exec(line) ?? [];
      if (at !== undefined) resolve(`http://${at}`);
    });
  }
  child.once('close', () => reject(new Error(`it ended:\n${lines.join('\n')}`)));
  const url = await promise;
  return { process: child, lines, url, [Symbol.asyncDispose]: () => stopProcess(child) };
}

export interface IngestProcess extends WaitingIngest {
  kill(): Promise<void>;
}

/** Until it has reached broker and database, which may just be starting. */
const READY_MS_MAX = 60_000;

/** Resolves when it takes what cars send. */
export async function startIngest(cloud: Addresses): Promise<IngestProcess> {
  const ingest = await spawnIngest(cloud);
  const isReady = async (): Promise<boolean> => (await fetch(`${ingest.url}/health`)).ok;
  await expect.poll(isReady, { timeout: READY_MS_MAX }).toBe(true);
  return {
    ...ingest,
    kill: async () => {
      const closed = once(ingest.process, 'close');
      ingest.process.kill('SIGKILL');
      await closed;
    },
  };
}

/** The server that an `mqtt://` address means. */
export function serverOf(address: string): MqttServer {
  const { hostname: host, port, username: user, password } = new URL(address);
  return { host, port: Number(port), tls: false, user, password };
}

/** A car that is connected, and what was acknowledged to it. */
export interface Car extends AsyncDisposable {
  readonly connection: MqttConnection;
  readonly acks: readonly Ack[];
}

export async function connectCar(cloud: Pick<Cloud, 'carUrl'>, dev: string): Promise<Car> {
  const acks: Ack[] = [];
  const server = serverOf(cloud.carUrl);
  const place = { tenant: server.user ?? '', device: dev };
  const connection = await connectMqtt(
    {
      ...{ server, version: 4, clientId: clientIdOf(place) },
      onMessage: ({ payload }) => acks.push(decodeAck(payload)),
    },
    new AbortController().signal,
  );
  await connection.subscribe([ackTopic(place)]);
  return { connection, acks, [Symbol.asyncDispose]: () => connection.close() };
}

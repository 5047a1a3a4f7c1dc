/** A broker with people of its own, and ways to it that real clients take. */
import { createConnection, type Socket } from 'node:net';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import type { User } from '#core/account.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import type { Log } from '../../src/io/log.ts';
import type { Acl } from '../../src/mqtt/acl.ts';
import { Broker } from '../../src/mqtt/broker.ts';
import type { BrokerOptions } from '../../src/mqtt/broker-options.ts';
import { type Arrival, type Doorman, type Guest, MqttRefusal } from '../../src/mqtt/doorman.ts';
import { MqttListener } from '../../src/mqtt/listen.ts';

/** Who is let in, each with the password `secret`. */
type Person = 'reader' | 'sender' | 'other' | 'device';

export interface TestBroker extends AsyncDisposable {
  readonly broker: Broker;
  readonly port: number;
  readonly host: string;
  /** What was taken in: topic and text. */
  readonly incoming: (readonly [topic: string, text: string])[];
  /** What was written to the log as a warning. */
  readonly warnings: string[];
  /** A counter of health. */
  count(name: string): number;
  /** How many connections were closed for a reason. */
  closed(name: string): number;
  /** Ends the log-in of somebody. */
  end(name: Person): void;
  client(name: Person, options?: IClientOptions): Promise<MqttClient>;
  /** A connection that has said nothing yet. */
  socket(): Promise<Socket>;
}

/** As many new connections as a test likes: all of them come from one address. */
const MANY = { arrivalsPerS: 10_000, arrivalsBurst: 10_000 };

export async function startBroker(overrides: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const incoming: [string, string][] = [];
  const warnings: string[] = [];
  const people = new People();
  const broker = new Broker({
    doorman: people,
    acl: ACL,
    incoming: async (_guest, topic, payload) => {
      incoming.push([topic, Buffer.from(payload).toString()]);
    },
    isIngest: (topic) => topic.startsWith('in/'),
    isForGateway: (topic) => topic.startsWith('in/'),
    clock: monotonicClock(),
    log: logTo(warnings),
    ...overrides,
    limits: { ...MANY, ...overrides.limits },
  });
  await broker.open();
  const host = '127.0.0.1';
  const log = logTo([]);
  const ports = new MqttListener({
    broker,
    plain: { host, port: 0 },
    clock: monotonicClock(),
    log,
  });
  await ports.open();
  const port = ports.port ?? 0;
  const clients: MqttClient[] = [];
  return {
    ...{ broker, port, host, incoming, warnings },
    count: (name) => Number(broker.health().details[name]),
    closed: (name) => Number(Reflect.get(Object(broker.health().details['closed']), name)),
    end: (name) => people.end(name),
    client: async (username, options) => {
      const client = await connectAsync({
        ...{ host, port, username, password: 'secret', reconnectPeriod: 0 },
        ...options,
      });
      clients.push(client);
      client.on('error', () => {}); // A test looks at the close.
      return client;
    },
    socket: async () => {
      const socket = createConnection({ host, port });
      socket.on('error', () => {}); // Its close comes next.
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end(true);
      ports.close();
      await broker.close();
    },
  };
}

/**
 * - everybody reads `out/#`, but not what is below `out/hidden`, though they may subscribe to it all
 * - `sender` and `other` publish to `in/` and `out/`
 */
const ACL: Acl = {
  maySubscribe: (_guest, filter) => /^(out\/|[#+])/.test(filter),
  mayReceive: (_guest, topic) => topic.startsWith('out/') && !topic.startsWith('out/hidden/'),
  mayPublish: ({ name }, topic) => /^(sender|other)$/.test(name) && /^(in|out)\//.test(topic),
};

class People implements Doorman {
  readonly #listeners = new Map<string, Set<(reason: string) => void>>();

  async admit({ username, password, certificate, remote }: Arrival): Promise<Guest> {
    const name = certificate ?? username ?? '';
    const isRight =
      certificate !== undefined || Buffer.from(password ?? []).toString() === 'secret';
    if (username === 'busy') throw new MqttRefusal('UNAVAILABLE', 'too many log-ins');
    if (!isRight || name === '') throw new MqttRefusal('BAD_CREDENTIALS', 'not the password');
    const user = certificate === undefined ? userOf(name) : undefined;
    return {
      ...{ user, name, login: name, remote },
      current: () => user ?? 'device',
      onEnd: (listener) => {
        const all = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, all.add(listener));
        return () => all.delete(listener);
      },
    };
  }

  end(name: string): void {
    for (const listener of this.#listeners.get(name) ?? []) listener('the log-in has ended');
  }
}

function userOf(username: string): User {
  const fixed = { role: 'admin', grants: [], enabled: true, createdAt: '' } as const;
  return { id: `id-${username}`, username, ...fixed };
}

function logTo(lines: string[]): Log {
  const silent = (): void => {};
  return { debug: silent, info: silent, warn: (_, line) => lines.push(line), error: silent };
}

/** The messages that come, as topic and text, in their order. */
export function received(client: MqttClient): (readonly [topic: string, text: string])[] {
  const all: [string, string][] = [];
  client.on('message', (topic, payload) => all.push([topic, payload.toString()]));
  return all;
}

/** Resolves when a connection or a client has closed, from now on. */
export function closeOf(one: Socket | MqttClient): Promise<unknown> {
  if ('closed' in one && one.closed) return Promise.resolve();
  return new Promise<void>((resolve) => one.once('close', () => resolve()));
}

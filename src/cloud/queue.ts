import { Connection, type Consumer, ConsumerStatus, type Publisher } from 'rabbitmq-client';
import { codeOf } from '#core/errors.ts';
import type { Log } from '../io/log.ts';

/**
 * The only file that knows rabbitmq-client: what comes from the gateways, and where it is put aside.
 *
 * RabbitMQ's MQTT plugin publishes what a gateway sends to the exchange amq.topic, with the slashes of
 * the topic as dots. Two queues are bound to it, one for what must not wait (p0) and one for the rest.
 * Both are quorum queues: replicated where the broker is a cluster, on the disk before the gateway has
 * its PUBACK, and shared among instances, each message going to one of them. Streams would keep the
 * order and every message for readers to come, but every reader of a stream reads all of it, so the
 * work could be shared only by cutting it beforehand; order does not matter here, and what was stored
 * is read in the database. How long they may be is a policy of the broker (reject-publish, so that a
 * gateway that is not acknowledged keeps what it has).
 *
 * A message is acknowledged after its commit. It may come any number of times: no delivery limit, as
 * ten restarts are no fault of the message, and one that is damaged is put aside by us.
 */
const EXCHANGE = 'amq.topic';
/** Where batches are put that nobody can store, each with its reason in the header `reason`. */
const DEAD = 'vigil.dead';
/** The oldest go when there are more. */
const DEAD_MESSAGES_MAX = 100_000;
/** Messages on their way to this instance, a queue. */
const PREFETCH = 200;
const RETRY_MS_MAX = 10_000;
const NO_LIMIT = -1;

export type Lane = 'alerts' | 'telemetry';
const LANES: Readonly<Record<Lane, { queue: string; keys: readonly string[] }>> = {
  alerts: { queue: 'vigil.alerts', keys: ['v1.*.*.up.p0.#'] },
  telemetry: {
    queue: 'vigil.telemetry',
    keys: ['v1.*.*.up.p1.#', 'v1.*.*.up.p2.#', 'v1.*.*.up.p3.#'],
  },
};

/** What becomes of a message: it is done with, or the broker is to bring it again. */
export type Verdict = 'done' | 'again';

export interface QueueOptions {
  /** amqp://user:password@host:port/vhost */
  readonly url: string;
  /** Rejects on a bug only. */
  readonly onMessage: (lane: Lane, routingKey: string, body: Uint8Array) => Promise<Verdict>;
  /** Called with what onMessage rejected with. */
  readonly onBug: (error: unknown) => void;
  readonly log: Log;
}

export interface Queue {
  /** Every lane gets what comes. Until it first was so, a broker drops what nobody has asked for. */
  readonly connected: boolean;
  /** Resolves when the broker has it. Rejects when it has not. */
  putAside(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** Connects, and again whenever the connection ends, until it is closed. */
export function openQueue({ url, onMessage, onBug, log }: QueueOptions): Queue {
  const connection = new Connection({
    url,
    retryHigh: RETRY_MS_MAX,
    connectionName: 'vigil-cloud',
  });
  /** Whose queue is there and bound, and sends to us. */
  const ready = new Set<Lane>();
  connection.on('connection', () => {
    log.info({ source: 'queue' }, 'connected to the broker');
  });
  connection.on('error', (error) => {
    ready.clear();
    log.warn({ source: 'queue' }, `the broker: ${sentenceOf(error)}`);
  });
  const dead = connection.createPublisher({
    confirm: true,
    queues: [
      {
        ...{ queue: DEAD, durable: true },
        arguments: { 'x-queue-type': 'quorum', 'x-max-length': DEAD_MESSAGES_MAX },
      },
    ],
  });
  const consume = (lane: Lane): Consumer => {
    const { queue, keys } = LANES[lane];
    const consumer = connection.createConsumer(
      {
        queue,
        queueOptions: {
          ...{ queue, durable: true },
          arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_LIMIT },
        },
        queueBindings: keys.map((routingKey) => ({ exchange: EXCHANGE, queue, routingKey })),
        qos: { prefetchCount: PREFETCH },
        requeue: true,
      },
      async ({ routingKey, body }) => {
        try {
          const verdict = await onMessage(lane, routingKey, bytesOf(body));
          return verdict === 'done' ? ConsumerStatus.ACK : ConsumerStatus.REQUEUE;
        } catch (error) {
          onBug(error);
          return ConsumerStatus.REQUEUE;
        }
      },
    );
    consumer.on('ready', () => ready.add(lane));
    consumer.on('error', (error) => {
      log.warn({ source: 'queue', lane }, `the queue ${queue}: ${sentenceOf(error)}`);
    });
    return consumer;
  };
  const consumers = [consume('alerts'), consume('telemetry')];
  return {
    get connected() {
      return connection.ready && ready.size === consumers.length;
    },
    putAside: (body, headers) => putAside(dead, body, headers),
    close: async () => {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await dead.close();
      await connection.close();
    },
  };
}

async function putAside(
  dead: Publisher,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  await dead.send({ routingKey: DEAD, durable: true, headers: { ...headers } }, Buffer.from(body));
}

/** What came by MQTT has no content type, and so the package leaves it as it is. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The package's errors have a code, and its sentences are for people. */
function sentenceOf(error: unknown): string {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  return code === '' ? text : `${text} (${code})`;
}

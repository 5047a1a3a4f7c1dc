import {
  type MqttConnection,
  MqttError,
  type MqttMessage,
  type MqttOptions,
} from '../../src/io/mqtt-client.ts';
import { encodeAck } from '../../src/wire/ack.ts';
import { type Batch, decodeBatch } from '../../src/wire/batch.ts';
import { ackTopic, type Place, type Priority, parseUpTopic } from '../../src/wire/topics.ts';

/** What came, as the ingest has read it. */
export interface Received extends Batch {
  readonly priority: Priority;
  readonly topic: string;
  readonly bytes: number;
}

type Mode =
  /** Confirms, commits and acknowledges. */
  | 'works'
  /** Takes everything and says nothing, not even a PUBACK. */
  | 'deaf'
  /** PUBACK, and then the message is lost. */
  | 'loses'
  /** PUBACK, and the messages wait for the ingest. */
  | 'no-ingest';

/**
 * A broker with an ingest behind it, in memory: the in-memory counterpart of a link, for tests in which days
 * pass. It keeps what it has committed in a table of (stream number, seq), so that duplicates and holes show.
 */
export class FakeCloud {
  mode: Mode = 'works';
  /** Nobody listens. */
  isDown = false;
  /** Every batch that was committed, in the order in which it came. */
  readonly received: Received[] = [];
  /** Whatever was published that is no batch, by its topic. */
  readonly said = new Map<string, string>();
  /** Connections that were made, or tried. */
  connections = 0;
  tries = 0;
  /** The most that was without a PUBACK at a time. */
  batchesMost = 0;
  bytesMost = 0;
  /** Values that came more than once. */
  duplicates = 0;
  readonly #place: Place;
  readonly #stored = new Map<number, Stored>();
  readonly #waiting: MqttMessage[] = [];
  #store = '';
  #line: FakeLine | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  readonly connect = (options: MqttOptions, signal: AbortSignal): Promise<MqttConnection> => {
    signal.throwIfAborted();
    this.tries++;
    if (this.isDown) {
      return Promise.reject(new MqttError('CONNECT', 'cloud.example:8883: nothing listens there'));
    }
    this.connections++;
    this.#line = new FakeLine(options, this);
    return Promise.resolve(this.#line);
  };

  get isConnected(): boolean {
    return this.#line?.isOpen ?? false;
  }

  /** The link goes, and what was under way on it with it. */
  cut(): void {
    this.#line?.destroy(new MqttError('CLOSED', 'cloud.example:8883: the connection was cut'));
  }

  /** The first seq that is missing. */
  next(number: number): number {
    return this.#stored.get(number)?.next ?? 0;
  }

  /** What waited for the ingest is committed. */
  ingest(): void {
    for (const message of this.#waiting.splice(0)) this.commit(message);
    this.acknowledge();
  }

  acknowledge(retained = false): void {
    if (this.#store === '') return;
    const next = new Map([...this.#stored].map(([number, stored]) => [number, stored.next]));
    this.say(ackTopic(this.#place), encodeAck({ store: this.#store, next }), retained);
  }

  say(topic: string, payload: string | Uint8Array, retained: boolean): void {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    this.#line?.options.onMessage?.({ topic, payload: bytes, retained });
  }

  takes(message: MqttMessage): void {
    if (parseUpTopic(message.topic) === undefined) {
      this.said.set(message.topic, String(message.payload));
    } else if (this.mode === 'no-ingest') {
      this.#waiting.push(message);
    } else if (this.mode === 'works') {
      this.commit(message);
      this.acknowledge();
    }
  }

  commit({ topic, payload }: MqttMessage): void {
    const up = parseUpTopic(topic);
    if (typeof payload === 'string' || !up) throw new Error(`no batch: ${topic}`);
    const batch = decodeBatch(payload);
    // Numbers and seqs are of one store.
    if (batch.head.store !== this.#store) this.#stored.clear();
    this.#store = batch.head.store;
    this.received.push({ ...batch, priority: up.priority, topic, bytes: payload.length });
    const { number, first, n } = batch.head;
    let stored = this.#stored.get(number);
    if (!stored) {
      stored = { next: 0, ahead: [] };
      this.#stored.set(number, stored);
    }
    if (first < stored.next) this.duplicates += Math.min(stored.next, first + n) - first;
    stored.ahead.push([first, first + n]);
    stored.ahead.sort(([a], [b]) => a - b);
    while (stored.ahead[0] && stored.ahead[0][0] <= stored.next) {
      stored.next = Math.max(stored.next, stored.ahead[0][1]);
      stored.ahead.shift();
    }
  }
}

interface Stored {
  next: number;
  /** Behind a hole. */
  readonly ahead: [from: number, to: number][];
}

class FakeLine implements MqttConnection {
  readonly options: MqttOptions;
  readonly remoteAddress = '192.0.2.1';
  readonly bufferedBytes = 0;
  readonly closed: Promise<MqttError>;
  isOpen = true;
  readonly #cloud: FakeCloud;
  readonly #unsettled = new Set<(error: MqttError) => void>();
  #batches = 0;
  #bytes = 0;
  #close: (reason: MqttError) => void = () => {};

  constructor(options: MqttOptions, cloud: FakeCloud) {
    this.options = options;
    this.#cloud = cloud;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  publish(message: MqttMessage): Promise<void> {
    const bytes = message.payload.length;
    const isBatch = typeof message.payload !== 'string';
    if (isBatch) {
      this.#batches++;
      this.#bytes += bytes;
      this.#cloud.batchesMost = Math.max(this.#cloud.batchesMost, this.#batches);
      this.#cloud.bytesMost = Math.max(this.#cloud.bytesMost, this.#bytes);
    }
    return new Promise((resolve, reject) => {
      this.#unsettled.add(reject);
      if (isBatch && this.#cloud.mode === 'deaf') return;
      // Not at once: the other end is somewhere else.
      setImmediate(() => {
        if (!this.#unsettled.delete(reject)) return;
        if (isBatch) {
          this.#batches--;
          this.#bytes -= bytes;
        }
        resolve();
        this.#cloud.takes(message);
      });
    });
  }

  subscribe(): Promise<void> {
    this.#cloud.acknowledge(true);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.destroy(new MqttError('CLOSED', 'closed'));
    return Promise.resolve();
  }

  destroy(reason: MqttError): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const reject of this.#unsettled) reject(reason);
    this.#unsettled.clear();
    this.#close(reason);
  }
}

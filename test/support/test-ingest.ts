import { connectMqtt, type MqttConnection, type MqttServer } from '../../src/io/mqtt-client.ts';
import { encodeAck } from '../../src/wire/ack.ts';
import { decodeBatch } from '../../src/wire/batch.ts';
import { ackTopic, type Place } from '../../src/wire/topics.ts';

/**
 * What stands behind a real broker in tests: it reads every batch, remembers each value that it has, and
 * acknowledges as the cloud does. While it is away, messages are lost.
 */
export class TestIngest {
  /** Number of a stream -> seqs that are stored. */
  readonly stored = new Map<number, Set<number>>();
  readonly #next = new Map<number, number>();
  duplicates = 0;
  /** Retained, of the last that was said. */
  state = '';
  #store = '';
  readonly #place: Place;
  #connection: MqttConnection | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  async connect(server: MqttServer): Promise<void> {
    this.#connection = await connectMqtt(
      {
        ...{ server, version: 5, clientId: 'ingest' },
        onMessage: ({ topic, payload }) => {
          if (topic.endsWith('/state')) this.state = new TextDecoder().decode(payload);
          else this.#commit(payload);
        },
      },
      new AbortController().signal,
    );
    const { tenant, device } = this.#place;
    await this.#connection.subscribe([
      `v1/${tenant}/${device}/up/#`,
      `v1/${tenant}/${device}/state`,
    ]);
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  /** How many there are from 0 on without a hole. */
  next(number: number): number {
    const seqs = this.stored.get(number) ?? new Set();
    let next = this.#next.get(number) ?? 0;
    while (seqs.has(next)) next++;
    this.#next.set(number, next);
    return next;
  }

  #commit(payload: Uint8Array): void {
    const { number, first, n, store } = decodeBatch(payload).head;
    this.#store = store;
    const seqs = this.stored.get(number) ?? new Set();
    this.stored.set(number, seqs);
    for (let seq = first; seq < first + n; seq++) {
      if (seqs.has(seq)) this.duplicates++;
      seqs.add(seq);
    }
    const next = new Map([...this.stored.keys()].map((key) => [key, this.next(key)]));
    const ack = encodeAck({ store: this.#store, next });
    // The connection may just have ended: then it is said with the next batch.
    this.#connection
      ?.publish({ topic: ackTopic(this.#place), payload: ack, qos: 1, retain: true })
      .catch(() => {});
  }
}

/**
 * Who gets a message: the part of the broker that aedes leaves to a package of its own, mqemitter. That one
 * finishes a message only when each subscriber has it written, and takes 100 at a time: a hundred that
 * wait for one frozen client hold up everybody. Here nobody waits for a subscriber; what may wait for one
 * is the business of its connection.
 */

import { matches } from './topics.ts';

/** Topics whose subscribers are known at a time; with one more all are looked up anew. */
const TOPICS_MAX = 4_096;

export type Deliver = (packet: Delivered, done: () => void) => void;

interface Delivered {
  readonly topic: string;
}

/** What aedes asks of an mqemitter. */
export class FanOut {
  readonly #qosOf: (filter: string, deliver: Deliver) => number;
  readonly #filters = new Map<string, Set<Deliver>>();
  readonly #known = new Map<string, readonly Deliver[]>();
  #isClosed = false;

  /** @param qosOf of a subscription; a client whose filters overlap is served by the highest */
  constructor(qosOf: (filter: string, deliver: Deliver) => number) {
    this.#qosOf = qosOf;
  }

  on(filter: string, deliver: Deliver, done?: () => void): void {
    const all = this.#filters.get(filter) ?? new Set();
    this.#filters.set(filter, all.add(deliver));
    this.#known.clear();
    if (done) queueMicrotask(done);
  }

  removeListener(filter: string, deliver: Deliver, done?: () => void): void {
    const all = this.#filters.get(filter);
    all?.delete(deliver);
    if (all?.size === 0) this.#filters.delete(filter);
    this.#known.clear();
    if (done) queueMicrotask(done);
  }

  emit(packet: Delivered, done: () => void): void {
    if (!this.#isClosed) for (const deliver of this.#match(packet.topic)) deliver(packet, noop);
    done();
  }

  /** Whether anybody gets what is published there. */
  hasSubscriber(topic: string): boolean {
    return this.#match(topic).length > 0;
  }

  close(done: () => void): void {
    this.#isClosed = true;
    queueMicrotask(done);
  }

  /** Those with the highest QoS first, MQTT 3.1.1 clause 3.3.5: aedes serves a client by the first. */
  #match(topic: string): readonly Deliver[] {
    const known = this.#known.get(topic);
    if (known) return known;
    const found = [...this.#filters]
      .filter(([filter]) => matches(filter, topic))
      .flatMap(([filter, all]) =>
        [...all].map((deliver) => ({ deliver, qos: this.#qosOf(filter, deliver) })),
      )
      .toSorted((a, b) => b.qos - a.qos)
      .map(({ deliver }) => deliver);
    if (this.#known.size >= TOPICS_MAX) this.#known.clear();
    this.#known.set(topic, found);
    return found;
  }
}

function noop(): void {}

/** What aedes knows of a subscription of a client, in no declaration. */
export function subscriptionOf(
  client: object,
  filter: string,
): { readonly qos: number; readonly func: Deliver } | undefined {
  return Reflect.get(Reflect.get(client, 'subscriptions'), filter);
}

/** The highest of the subscriptions of a client that match a topic; undefined where none does. */
export function grantedQos(
  client: object,
  filters: Iterable<string>,
  topic: string,
): number | undefined {
  const fitting = [...filters].filter((filter) => matches(filter, topic));
  if (fitting.length === 0) return undefined;
  return Math.max(...fitting.map((filter) => subscriptionOf(client, filter)?.qos ?? 0));
}

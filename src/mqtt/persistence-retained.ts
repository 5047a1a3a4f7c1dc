import type { Json } from '#core/stream.ts';
import { bytesOf, decodePacket, encodePacket, type Packet } from './persistence-packet.ts';
import { matches } from './topics.ts';

/** Messages, and bytes of topics and payloads together. A new topic beyond them is not kept. */
export const RETAINED_MAX = 10_000;
export const RETAINED_BYTES_MAX = 8 * 2 ** 20;

/** The newest message of each topic that says so (MQTT 3.1.1 clause 3.3.1.3), all in memory. */
export class Retained {
  /** Messages that there was no room for. */
  dropped = 0;
  readonly #messages = new Map<string, Packet>();
  /** Topics without a message since the start, whatever the records have; until those are known. */
  #cleared: Set<string> | undefined = new Set();
  #bytes = 0;

  get size(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns whether something has changed */
  put(packet: Packet): boolean {
    const { topic = '', payload = '' } = packet;
    const before = this.#messages.get(topic);
    if (payload.length === 0) return this.#clear(topic);
    if (before && isAlike(before, packet)) return false;
    const bytes = this.#bytes - (before ? bytesOf(before) : 0) + bytesOf(packet);
    const isFull = before === undefined && this.#messages.size >= RETAINED_MAX;
    if (isFull || bytes > RETAINED_BYTES_MAX) {
      this.dropped++;
      // What is there is not the newest any more, and nobody is to take it for that.
      return before !== undefined && this.#clear(topic);
    }
    this.#messages.set(topic, { ...packet });
    this.#bytes = bytes;
    return true;
  }

  /** Those that any of the filters matches, once each. */
  matching(filters: readonly string[]): Packet[] {
    if (!filters.some((filter) => /[+#]/.test(filter))) {
      return [...new Set(filters)].flatMap((topic) => this.#messages.get(topic) ?? []);
    }
    return [...this.#messages]
      .filter(([topic]) => filters.some((filter) => matches(filter, topic)))
      .map(([, packet]) => packet);
  }

  topics(): Iterable<string> {
    return this.#messages.keys();
  }

  /** What is written of a topic. */
  valueOf(topic: string): Json | undefined {
    const packet = this.#messages.get(topic);
    return packet && encodePacket(packet);
  }

  /** A message of an earlier start, where there is none since. */
  take(topic: string, value: Json): void {
    if (this.#messages.has(topic) || this.#cleared?.has(topic)) return;
    this.put(decodePacket(value));
  }

  /** Everything of earlier starts is known. */
  settle(): void {
    this.#cleared = undefined;
  }

  #clear(topic: string): boolean {
    const before = this.#messages.get(topic);
    if (this.#cleared && this.#cleared.size < RETAINED_MAX) this.#cleared.add(topic);
    if (before === undefined) return false;
    this.#messages.delete(topic);
    this.#bytes -= bytesOf(before);
    return true;
  }
}

/** Whether a subscriber could not tell them apart. */
function isAlike(a: Packet, b: Packet): boolean {
  if (a.qos !== b.qos) return false;
  return Buffer.compare(Buffer.from(a.payload ?? ''), Buffer.from(b.payload ?? '')) === 0;
}

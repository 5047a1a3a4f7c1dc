import type { Json } from '#core/stream.ts';
import {
  bytesOf,
  copyOf,
  decodePacket,
  encodePacket,
  isSame,
  type Packet,
} from './persistence-packet.ts';

/** Of one client; of all together. The oldest go, those of the client with the most bytes first. */
export const QUEUE_MESSAGES_MAX = 1_000;
export const QUEUE_BYTES_MAX = 2 ** 20;
const ALL_BYTES_MAX = 32 * 2 ** 20;

/** Of one message in the records. */
interface Place {
  readonly kind: 'outgoing';
  readonly owner: string;
  readonly n: number;
}

interface Entry {
  readonly n: number;
  packet: Packet;
}

interface Queue {
  readonly entries: Entry[];
  bytes: number;
}

/** Messages of QoS 1 and 2 that clients with a session have not acknowledged, oldest first. */
export class Queues {
  /** Messages that went for want of room. */
  dropped = 0;
  readonly #queues = new Map<string, Queue>();
  readonly #changed: (client: string, n: number) => void;
  #bytes = 0;
  #next = 0;

  /** @param changed told of every entry that comes, changes or goes, after it did */
  constructor(changed: (client: string, n: number) => void) {
    this.#changed = changed;
  }

  get size(): number {
    return [...this.#queues.values()].reduce((sum, { entries }) => sum + entries.length, 0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  of(client: string): Packet[] {
    return (this.#queues.get(client)?.entries ?? []).map(({ packet }) => packet);
  }

  add(client: string, packet: Packet): void {
    const entry = { n: this.#next++, packet: copyOf(packet) };
    this.#append(client, entry);
    this.#changed(client, entry.n);
    this.#makeRoom(client);
  }

  /**
   * A message goes out with an identifier, or is replaced by what follows it (PUBREL). One that is not
   * there went for want of room.
   */
  update(client: string, packet: Packet): void {
    const entries = this.#queues.get(client)?.entries ?? [];
    const isOther = (one: Packet): boolean => one.messageId === packet.messageId;
    const entry =
      entries.find((one) => isSame(one.packet, packet)) ??
      (packet.cmd === 'pubrel' ? entries.find((one) => isOther(one.packet)) : undefined);
    if (entry === undefined) return;
    const queue = this.#queues.get(client);
    const before = bytesOf(entry.packet);
    if (isSame(entry.packet, packet)) entry.packet.messageId = packet.messageId;
    else entry.packet = { cmd: 'pubrel', messageId: packet.messageId };
    const grown = bytesOf(entry.packet) - before;
    if (queue) queue.bytes += grown;
    this.#bytes += grown;
    // Of QoS 1 the next delivery may have another one, and the disk is spared.
    if (entry.packet.qos !== 1) this.#changed(client, entry.n);
  }

  /** Takes out what a client has acknowledged, or is not to get. */
  clear(client: string, packet: Packet): Packet | undefined {
    const queue = this.#queues.get(client);
    const { messageId } = packet;
    const i = queue?.entries.findIndex((one) =>
      messageId === undefined ? isSame(one.packet, packet) : one.packet.messageId === messageId,
    );
    if (queue === undefined || i === undefined || i < 0) return undefined;
    return this.#remove(client, queue, i);
  }

  forget(client: string): void {
    for (let queue = this.#queues.get(client); queue?.entries.length; )
      this.#remove(client, queue, 0);
    this.#queues.delete(client);
  }

  clients(): Iterable<string> {
    return this.#queues.keys();
  }

  places(): Place[] {
    return [...this.#queues].flatMap(([owner, { entries }]) =>
      entries.map(({ n }): Place => ({ kind: 'outgoing', owner, n })),
    );
  }

  valueOf(client: string, n: number): Json | undefined {
    const entry = this.#queues.get(client)?.entries.find((one) => one.n === n);
    return entry && encodePacket(entry.packet);
  }

  /**
   * Puts those of earlier starts, in the order in which they are kept, in front of what has come since.
   *
   * @returns those that came since, which are numbered anew behind them
   */
  take(
    records: readonly { readonly owner: string; readonly n: number; readonly value: Json }[],
  ): Place[] {
    const since = [...this.#queues].flatMap(([client, { entries }]) =>
      entries.map(({ n, packet }) => ({ client, n, packet })),
    );
    this.#queues.clear();
    this.#bytes = 0;
    for (const { owner, n, value } of records) {
      this.#append(owner, { n, packet: decodePacket(value) });
      this.#next = Math.max(this.#next, n + 1);
    }
    const renumbered = since
      .toSorted((a, b) => a.n - b.n)
      .map(({ client, packet }) => ({ client, n: this.#next++, packet }));
    for (const { client, n, packet } of renumbered) this.#append(client, { n, packet });
    for (const client of [...this.#queues.keys()]) this.#makeRoom(client);
    return renumbered.map(({ client, n }) => ({ kind: 'outgoing', owner: client, n }));
  }

  #append(client: string, entry: Entry): void {
    const queue = this.#queues.get(client) ?? { entries: [], bytes: 0 };
    this.#queues.set(client, queue);
    queue.entries.push(entry);
    queue.bytes += bytesOf(entry.packet);
    this.#bytes += bytesOf(entry.packet);
  }

  #makeRoom(client: string): void {
    const queue = this.#queues.get(client);
    while (queue && (queue.entries.length > QUEUE_MESSAGES_MAX || queue.bytes > QUEUE_BYTES_MAX)) {
      this.#remove(client, queue, 0);
      this.dropped++;
    }
    while (this.#bytes > ALL_BYTES_MAX) {
      const all = [...this.#queues];
      const [name, longest] = all.reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a));
      this.#remove(name, longest, 0);
      this.dropped++;
    }
  }

  #remove(client: string, queue: Queue, i: number): Packet | undefined {
    const [entry] = queue.entries.splice(i, 1);
    if (entry === undefined) return undefined;
    queue.bytes -= bytesOf(entry.packet);
    this.#bytes -= bytesOf(entry.packet);
    if (queue.entries.length === 0) this.#queues.delete(client);
    this.#changed(client, entry.n);
    return entry.packet;
  }
}

import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Json } from '#core/stream.ts';
import type { MqttKind, MqttPlace, MqttRecord } from '../store/mqtt-records.ts';
import { HALF_RECEIVED_MAX } from './limits.ts';
import { Journal, type Records } from './persistence-journal.ts';
import { decodePacket, encodePacket, type Packet } from './persistence-packet.ts';
import { Queues } from './persistence-queues.ts';
import { Retained } from './persistence-retained.ts';
import { type Ages, Sessions } from './persistence-sessions.ts';

/** Clients that have any; at one more, those go that began first, of those not connected. */
const INCOMING_CLIENTS_MAX = 200;

export interface KeptOptions {
  readonly records: Records;
  readonly ages: Ages;
  /** Whether a topic changes so often that its retained message is written now and then only. */
  readonly isSlow: (topic: string) => boolean;
  readonly isConnected: (client: string) => boolean;
}

/** All that outlives a restart, in memory, with the journal that has the records follow it. */
export class Kept {
  readonly retained = new Retained();
  readonly sessions: Sessions;
  readonly queues: Queues;
  readonly journal: Journal;
  /** Why what earlier starts have left could not be read; empty where nobody has tried, or it could. */
  unopened = '';
  readonly #options: KeptOptions;
  /** By client and identifier. */
  readonly #incoming = new Map<string, Map<number, Packet>>();
  readonly #wills = new Map<string, Packet>();
  /** Retained messages that are to be written some time. */
  readonly #slow = new Set<string>();

  constructor(options: KeptOptions) {
    this.#options = options;
    this.sessions = new Sessions(options.ages);
    this.journal = new Journal(options.records, (place) => this.#contents(place));
    // Who is connected takes a message within moments, and the disk need not know of it.
    this.queues = new Queues((owner, n) => {
      this.journal.note({ kind: 'outgoing', owner, n }, options.isConnected(owner));
    });
  }

  /** Takes what earlier starts have left. @throws as Records.list */
  open(): void {
    const since = this.#places();
    const records = this.journal.open();
    const of = (kind: MqttKind): MqttRecord[] => records.filter((one) => one.kind === kind);
    for (const { owner, value } of of('retained')) this.retained.take(owner, value);
    const taken = of('session').map(({ owner, value }) => {
      return { owner, isWanted: this.sessions.take(owner, value) };
    });
    const gone = new Set(taken.filter(({ isWanted }) => !isWanted).map(({ owner }) => owner));
    const queued = this.queues.take(of('outgoing').filter(({ owner }) => !gone.has(owner)));
    for (const { owner, n, value } of of('incoming')) {
      const incoming = this.#incomingOf(owner);
      if (!gone.has(owner) && !incoming.has(n)) incoming.set(n, decodePacket(value));
    }
    for (const { owner, value } of of('will')) {
      if (!this.#wills.has(owner)) this.#wills.set(owner, decodePacket(value));
    }
    this.retained.settle();
    this.sessions.settle();
    for (const place of [...since, ...queued]) this.journal.note(place);
    for (const { kind, owner, n } of records) {
      if (this.#contents({ kind, owner, n }) === undefined) this.journal.note({ kind, owner, n });
    }
  }

  /** The file is another than it was, or lost its end: all that is in memory is written again. */
  renew(): void {
    for (const place of [...this.#places(), ...this.queues.places()]) this.journal.note(place);
  }

  putRetained(packet: Packet): void {
    const owner = packet.topic ?? '';
    if (!this.retained.put(packet)) return;
    if (this.#options.isSlow(owner)) this.#slow.add(owner);
    else this.journal.note({ kind: 'retained', owner, n: 0 });
  }

  /** Has those be written that are written now and then. */
  writeSlow(): void {
    for (const owner of this.#slow) this.journal.note({ kind: 'retained', owner, n: 0 });
    this.#slow.clear();
  }

  noteSession(owner: string): void {
    this.journal.note({ kind: 'session', owner, n: 0 });
  }

  /** @returns whether there is room for it */
  putIncoming(owner: string, packet: Packet): boolean {
    const n = packet.messageId ?? 0;
    const incoming = this.#incomingOf(owner);
    if (incoming.size >= HALF_RECEIVED_MAX && !incoming.has(n)) return false;
    incoming.set(n, packet);
    this.journal.note({ kind: 'incoming', owner, n });
    return true;
  }

  incoming(owner: string, n: number): Packet | undefined {
    return this.#incoming.get(owner)?.get(n);
  }

  forgetIncoming(owner: string, n: number): void {
    const incoming = this.#incoming.get(owner);
    incoming?.delete(n);
    if (incoming?.size === 0) this.#incoming.delete(owner);
    this.journal.note({ kind: 'incoming', owner, n });
  }

  forgetAllIncoming(owner: string): void {
    for (const n of [...(this.#incoming.get(owner)?.keys() ?? [])]) this.forgetIncoming(owner, n);
  }

  putWill(owner: string, packet: Packet): void {
    this.#wills.set(owner, packet);
    this.journal.note({ kind: 'will', owner, n: 0 });
  }

  will(owner: string): Packet | undefined {
    return this.#wills.get(owner);
  }

  wills(): Iterable<Packet> {
    return this.#wills.values();
  }

  forgetWill(owner: string): void {
    this.#wills.delete(owner);
    this.journal.note({ kind: 'will', owner, n: 0 });
  }

  /** Ends sessions that are over. */
  sweep(): void {
    for (const client of this.sessions.over(this.#options.isConnected)) {
      this.sessions.forget(client);
      this.queues.forget(client);
      this.forgetAllIncoming(client);
      this.noteSession(client);
    }
  }

  /**
   * Notes that who is connected uses their session, and forgets what waits for clients that have left
   * without a subscription: no session is found by which they could come back to it.
   */
  tidy(): void {
    const { isConnected } = this.#options;
    for (const client of this.sessions.clients()) {
      if (isConnected(client) && this.sessions.touch(client)) this.noteSession(client);
    }
    // Before the records are known, theirs are not.
    if (!this.journal.isOpen) return;
    const known = new Set(this.sessions.clients());
    for (const client of [...this.queues.clients()]) {
      if (!known.has(client) && !isConnected(client)) this.queues.forget(client);
    }
  }

  /** Resolves when all is durable, or the records refuse it. */
  async tryFlush(): Promise<void> {
    try {
      await this.journal.flush();
    } catch (error) {
      // Health tells of it, and the next call tries again.
      if (!isExpected(error)) throw error;
    }
  }

  health(): PartHealth {
    const { isOpen, failure, failures, unsaved, commits } = this.journal;
    const why = this.unopened || 'the store is not open';
    const closed = isOpen ? '' : `what the broker keeps is in memory only: ${why}`;
    const trouble = failure === '' ? closed : `what the broker keeps is not written: ${failure}`;
    const { retained, queues, sessions } = this;
    return {
      id: 'mqtt-store',
      status: trouble === '' ? 'ok' : 'waiting',
      text: trouble || 'keeping',
      details: {
        ...{ retained: retained.size, retainedBytes: retained.bytes },
        ...{ retainedDropped: retained.dropped, waiting: queues.size, waitingBytes: queues.bytes },
        ...{ waitingDropped: queues.dropped, sessions: sessions.size },
        ...{ sessionsDisplaced: sessions.displaced, sessionsExpired: sessions.expired },
        ...{ unsaved, failures, commits },
      },
    };
  }

  #incomingOf(owner: string): Map<number, Packet> {
    const known = this.#incoming.get(owner);
    if (known) return known;
    const { isConnected } = this.#options;
    const first = [...this.#incoming.keys()].find((one) => !isConnected(one));
    if (this.#incoming.size >= INCOMING_CLIENTS_MAX && first) this.forgetAllIncoming(first);
    const incoming = new Map<number, Packet>();
    this.#incoming.set(owner, incoming);
    return incoming;
  }

  /** Of everything in memory but for the queues. */
  #places(): MqttPlace[] {
    const place = (kind: MqttKind) => {
      return (owner: string): MqttPlace => ({ kind, owner, n: 0 });
    };
    return [
      ...[...this.retained.topics()].map(place('retained')),
      ...[...this.sessions.clients()].map(place('session')),
      ...[...this.#wills.keys()].map(place('will')),
      ...[...this.#incoming].flatMap(([owner, incoming]) =>
        [...incoming.keys()].map((n): MqttPlace => ({ kind: 'incoming', owner, n })),
      ),
    ];
  }

  #contents({ kind, owner, n }: MqttPlace): Json | undefined {
    switch (kind) {
      case 'retained':
        return this.retained.valueOf(owner);
      case 'session':
        return this.sessions.valueOf(owner);
      case 'outgoing':
        return this.queues.valueOf(owner, n);
      case 'incoming': {
        // That it came is what has to be known when it comes again; what it said is on its way.
        const packet = this.#incoming.get(owner)?.get(n);
        return packet && encodePacket({ ...packet, payload: '' });
      }
      case 'will': {
        const packet = this.#wills.get(owner);
        return packet && encodePacket(packet);
      }
    }
  }
}

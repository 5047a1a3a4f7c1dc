import type { Json } from '#core/stream.ts';

/**
 * A packet as the broker gives it to its persistence, and takes it back. Names are those of the broker's
 * library.
 */
export interface Packet {
  readonly cmd?: string;
  readonly topic?: string;
  readonly payload?: Uint8Array | string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** Which start of the broker it is of, and its number there: together they tell packets apart. */
  readonly brokerId?: string | undefined;
  readonly brokerCounter?: number | undefined;
  /** Of the client that published it. */
  readonly clientId?: string;
  readonly nl?: boolean;
  messageId?: number | undefined;
}

/** For a queue: without the identifier of whoever published it (MQTT 3.1.1 clause 2.3.1). */
export function copyOf(packet: Packet): Packet {
  const { cmd = 'publish', qos = 0 } = packet;
  return {
    ...('clientId' in packet && { clientId: packet.clientId }),
    ...('nl' in packet && { nl: packet.nl }),
    cmd,
    brokerId: packet.brokerId,
    brokerCounter: packet.brokerCounter ?? 0,
    topic: packet.topic ?? '',
    payload: packet.payload ?? new Uint8Array(),
    qos,
    retain: packet.retain ?? false,
    dup: packet.dup ?? false,
    ...((qos > 0 || cmd !== 'publish') && { messageId: undefined }),
  };
}

/** Whether both are the same message, however often it was sent. */
export function isSame(a: Packet, b: Packet): boolean {
  return (
    a.brokerId !== undefined && a.brokerId === b.brokerId && a.brokerCounter === b.brokerCounter
  );
}

/** Bytes that it takes, as far as they differ from packet to packet. */
export function bytesOf({ topic = '', payload = '' }: Packet): number {
  return topic.length + payload.length;
}

export function encodePacket(packet: Packet): Json {
  const { payload, ...rest } = packet;
  const bytes = Buffer.from(payload ?? '');
  return JSON.parse(JSON.stringify({ ...rest, payload: bytes.toString('base64') }));
}

/** What `encodePacket` made: the check of its record says that it did. */
export function decodePacket(value: Json): Packet {
  const { payload, ...rest } = Object(value);
  return { ...rest, payload: Buffer.from(String(payload), 'base64') };
}

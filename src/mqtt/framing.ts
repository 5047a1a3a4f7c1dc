/**
 * Where packets begin and end in what a client sends, and how long they may be, without a copy of it:
 *
 *   0      u8      bits 7-4 the type, bits 3-0 flags             MQTT 3.1.1 clause 2.2
 *   1      1-4     remaining length, 7 bits a byte, least first; bit 7 set: another follows
 *   then   of a PUBLISH  u16 length of the topic, the topic, ...
 *
 * The broker's parser keeps a packet until it is whole, whatever it says of its length (up to 256 MiB), so
 * this stands before it and says no as soon as the length is known. What is within the packets is the
 * parser's business.
 */
import { Cut } from './cut.ts';
import {
  CONNECT_BYTES_MAX,
  INGEST_PACKET_BYTES_MAX,
  LARGE_TOPIC_BYTES_MAX,
  PACKET_BYTES_MAX,
} from './limits.ts';

const CONNECT = 1;
const PUBLISH = 3;
/** Remaining lengths of what clients send, clauses 3.1 to 3.14; those of no row are for servers to send. */
const LENGTHS: Readonly<Record<number, readonly [min: number, max: number]>> = {
  [CONNECT]: [12, CONNECT_BYTES_MAX],
  // The shortest topic has one character, clause 4.7.3.
  [PUBLISH]: [3, INGEST_PACKET_BYTES_MAX],
  4: [2, 2], // PUBACK
  5: [2, 2], // PUBREC
  6: [2, 2], // PUBREL
  7: [2, 2], // PUBCOMP
  8: [6, PACKET_BYTES_MAX], // SUBSCRIBE, with one filter at least: clause 3.8.3
  10: [5, PACKET_BYTES_MAX], // UNSUBSCRIBE
  12: [0, 0], // PINGREQ
  14: [0, 0], // DISCONNECT
};
/** Bytes of a remaining length, clause 2.2.3. */
const LENGTH_BYTES_MAX = 4;

type State = 'type' | 'length' | 'topic' | 'rest';

export class Framing {
  readonly #mayBeLarge: (topic: string) => boolean;
  #state: State = 'type';
  #type = 0;
  #isFirst = true;
  #length = 0;
  #lengthBytes = 0;
  /** Of the packet, still to come. */
  #left = 0;
  /** The length of the topic and the topic, of a PUBLISH that is too large for others. */
  #head: number[] = [];

  /** @param mayBeLarge whether a PUBLISH to this topic may have up to INGEST_PACKET_BYTES_MAX */
  constructor(mayBeLarge: (topic: string) => boolean) {
    this.#mayBeLarge = mayBeLarge;
  }

  /** @returns why the connection has to be closed; undefined while all is well */
  take(bytes: Uint8Array): Cut | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'rest') {
        const skipped = Math.min(this.#left, bytes.length - at);
        at += skipped;
        this.#skip(skipped);
      } else {
        const fault = this.#takeByte(bytes[at++] ?? 0);
        if (fault) return fault;
      }
    }
    return undefined;
  }

  #takeByte(byte: number): Cut | undefined {
    switch (this.#state) {
      case 'type':
        return this.#takeType(byte);
      case 'length':
        return this.#takeLength(byte);
      default:
        return this.#takeTopic(byte);
    }
  }

  #takeType(byte: number): Cut | undefined {
    this.#type = byte >> 4;
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#state = 'length';
    if (LENGTHS[this.#type] === undefined) {
      return new Cut('MALFORMED', `a packet of type ${this.#type}, which no client sends`);
    }
    // Clause 3.1: the first packet must be a CONNECT, and there is one only.
    if ((this.#type === CONNECT) !== this.#isFirst) {
      return new Cut('MALFORMED', this.#isFirst ? 'no CONNECT first' : 'a second CONNECT');
    }
    this.#isFirst = false;
    return undefined;
  }

  #takeLength(byte: number): Cut | undefined {
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
    if (byte & 0x80) {
      if (this.#lengthBytes < LENGTH_BYTES_MAX) return undefined;
      return new Cut('MALFORMED', `a remaining length of more than ${LENGTH_BYTES_MAX} bytes`);
    }
    const [min, max] = LENGTHS[this.#type] ?? [0, 0];
    if (this.#length > max && max >= CONNECT_BYTES_MAX) return this.#tooLarge();
    if (this.#length < min || this.#length > max) {
      return new Cut('MALFORMED', `a packet of type ${this.#type} with ${this.#length} bytes`);
    }
    this.#left = this.#length;
    const isLarge = this.#type === PUBLISH && this.#length > PACKET_BYTES_MAX;
    this.#head = [];
    this.#state = isLarge ? 'topic' : 'rest';
    this.#skip(0);
    return undefined;
  }

  #takeTopic(byte: number): Cut | undefined {
    this.#head.push(byte);
    this.#left--;
    const [high = 0, low = 0] = this.#head;
    if (this.#head.length < 2) return undefined;
    const topicBytes = high * 256 + low;
    if (topicBytes > LARGE_TOPIC_BYTES_MAX) return this.#tooLarge();
    if (this.#head.length < 2 + topicBytes) return undefined;
    this.#state = 'rest';
    const topic = Buffer.from(this.#head.slice(2)).toString();
    return this.#mayBeLarge(topic) ? undefined : this.#tooLarge();
  }

  #skip(bytes: number): void {
    this.#left -= bytes;
    if (this.#left === 0) this.#state = 'type';
  }

  #tooLarge(): Cut {
    return new Cut('TOO_LARGE', `a packet of ${this.#length} bytes, which is more than is taken`);
  }
}

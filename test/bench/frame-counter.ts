/**
 * Counts the messages in the bytes that a WebSocket server sends, without looking into them.
 *
 * RFC 6455 clause 5.2; a server does not mask and ours does not fragment:
 *   0  u8   0x80 final | opcode: 1 text, 2 binary, 8 close, 9 ping, 10 pong
 *   1  u8   length; 126: a u16 with it follows, 127: a u64
 */
const PING = 9;
const CONTROL = 8;
const LENGTH_U16 = 126;
const LENGTH_U64 = 127;

export class FrameCounter {
  readonly #onPing: () => void;
  /** Header bytes of a frame that is not known yet. */
  #head: number[] = [];
  /** Payload bytes still to come. */
  #left = 0;

  /** @param onPing called for every ping: a client that does not answer is cut */
  constructor(onPing: () => void = () => {}) {
    this.#onPing = onPing;
  }

  /** How many text and binary messages began in this chunk. */
  push(chunk: Uint8Array): number {
    let messages = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#head.push(chunk[at++] ?? 0);
      if (this.#head.length < headerBytes(this.#head)) continue;
      const opcode = (this.#head[0] ?? 0) & 0x0f;
      if (opcode === PING) this.#onPing();
      if (opcode < CONTROL) messages++;
      this.#left = payloadBytes(this.#head);
      this.#head = [];
    }
    return messages;
  }
}

function headerBytes([, length = 0]: readonly number[]): number {
  if (length === LENGTH_U16) return 4;
  return length === LENGTH_U64 ? 10 : 2;
}

function payloadBytes([, length = 0, ...extended]: readonly number[]): number {
  if (length < LENGTH_U16) return length;
  return extended.reduce((total, byte) => total * 0x100 + byte, 0);
}

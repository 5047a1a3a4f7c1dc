import { Duplex } from 'node:stream';
import { CLOSE_POLICY, CLOSE_UNSUPPORTED } from '../close-codes.ts';
import type { Peer, PeerSession } from '../transport.ts';

/** Taken from the client and not read yet; nobody can ask a WebSocket here to wait, so with more it ends. */
const UNREAD_BYTES_MAX = 2 * 1024 * 1024;

/**
 * The bytes of a WebSocket's binary messages as one stream, wherever the messages begin and end. A write is
 * done when the kernel has all of it, so that whoever writes notices a client that does not read.
 */
export class PeerStream extends Duplex implements PeerSession {
  readonly #peer: Peer;
  #sent: ((error?: Error) => void) | undefined;
  #isGone = false;

  constructor(peer: Peer) {
    super({ allowHalfOpen: false });
    this.#peer = peer;
  }

  message(data: Uint8Array, binary: boolean): void {
    if (this.destroyed) return;
    // MQTT 3.1.1 clause 6: any other than binary frames end the connection.
    if (!binary) this.#end(CLOSE_UNSUPPORTED, 'binary messages only');
    else if (this.readableLength + data.length > UNREAD_BYTES_MAX) {
      this.#end(CLOSE_POLICY, 'more than is read');
    } else this.push(data.slice()); // What comes is valid only during the call.
  }

  drain(): void {
    if (this.#peer.buffered() > 0) return;
    const sent = this.#sent;
    this.#sent = undefined;
    sent?.();
  }

  /** It has closed: as a socket does, with an end. */
  close(): void {
    this.#isGone = true;
    this.destroy();
  }

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    switch (this.#peer.send(chunk, true)) {
      case 'sent':
        done();
        return;
      case 'buffered':
        this.#sent = done;
        return;
      case 'dropped':
        // It has closed, or has more waiting than a server keeps: nothing more reaches it.
        this.destroy();
    }
  }

  override _final(done: () => void): void {
    this.#end(1000, '');
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#sent = undefined;
    this.#end(1000, '');
    done(error);
  }

  #end(code: number, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#peer.end(code, reason);
    this.destroy();
  }
}

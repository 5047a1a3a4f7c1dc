import { LinkError } from '#core/errors.ts';
import type { Port } from './port.ts';

/** Unread bytes at which the link counts as broken; a reader that is alive never gets near. */
const UNREAD_BYTES_MAX = 1 << 20;

/** The device's end of an in-memory link. */
export interface MemoryDevice {
  /** Sends bytes to the port's reader. Copies nothing: hand over the array. */
  feed(bytes: Uint8Array): void;
  /** Ends the link, as unplugging does. With an error the reader gets it, else it sees the end. */
  hangUp(error?: LinkError): void;
}

/**
 * A link without a wire, for the simulator and for tests.
 *
 * @param onWrite called with what the port's user writes
 * @param onClose called once, when either side or an overflow has ended the link
 */
export function memoryPort(
  onWrite: (bytes: Uint8Array) => void,
  onClose: () => void = () => {},
): { port: Port; device: MemoryDevice } {
  const queue = new ByteQueue(onClose);
  const port: Port = {
    input: queue,
    write(bytes) {
      if (queue.ended) return Promise.reject(new LinkError('LINK_LOST', 'the link is closed'));
      onWrite(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]() {
      queue.end();
      return Promise.resolve();
    },
  };
  return {
    port,
    device: { feed: (bytes) => queue.push(bytes), hangUp: (error) => queue.end(error) },
  };
}

/** Chunks waiting for one reader. */
class ByteQueue implements AsyncIterable<Uint8Array> {
  ended = false;
  readonly #onEnd: () => void;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #error: LinkError | undefined;
  #wake: () => void = () => {};

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  push(chunk: Uint8Array): void {
    if (this.ended || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > UNREAD_BYTES_MAX) {
      this.end(new LinkError('LINK_LOST', `nobody read ${UNREAD_BYTES_MAX} bytes`));
    }
    this.#wake();
  }

  end(error?: LinkError): void {
    if (this.ended) return;
    this.ended = true;
    this.#error = error;
    this.#wake();
    this.#onEnd();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (true) {
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#bytes = 0;
      yield* chunks;
      if (this.#chunks.length > 0) continue;
      if (this.#error) throw this.#error;
      if (this.ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

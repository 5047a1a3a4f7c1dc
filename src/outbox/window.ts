/**
 * What was handed to the broker and has no PUBACK yet: 16 batches and 128 KB at most, so that a slow link
 * has a short queue in front of it. The last slot, and the bytes of one batch, are for P0: an alert never
 * waits behind a backlog.
 */
const WINDOW_BATCHES_MAX = 16;
const WINDOW_BYTES_MAX = 128 * 1024;
/** What a batch aims at; a single event may be larger. */
export const BATCH_BYTES = 16 * 1024;

export class Window {
  #batches = 0;
  #bytes = 0;

  get batches(): number {
    return this.#batches;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether another batch may go. */
  hasRoom(urgent: boolean): boolean {
    if (urgent) return this.#batches < WINDOW_BATCHES_MAX;
    return (
      this.#batches < WINDOW_BATCHES_MAX - 1 && this.#bytes + 2 * BATCH_BYTES <= WINDOW_BYTES_MAX
    );
  }

  /** Returns what to call once when it has its PUBACK. */
  take(bytes: number): () => void {
    this.#batches++;
    this.#bytes += bytes;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#batches--;
      this.#bytes -= bytes;
    };
  }
}

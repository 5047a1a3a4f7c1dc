import { Worker } from 'node:worker_threads';
import type { Clock } from '#core/clock.ts';
import { ReadingError } from './errors.ts';
import type { Reply, ToWorker } from './protocol.ts';

/** One life of the reading thread, from its first question until it ends or is ended. */

/**
 * Without a reply for so long the thread is given up, with all of its questions: it cannot be
 * interrupted in the middle of a piece. The longest known one, the statistics of 8 hours of
 * everything, takes seconds on a Raspberry Pi 4.
 */
const REPLY_MS_MAX = 60_000;
/** A thread that has not ended by then is terminated. */
const END_MS_MAX = 1_000;
/**
 * Of the thread's heap. A small young generation is collected often: with that of the process, the
 * garbage of a Parquet file takes it to 310 MB. Beyond the old generation the thread ends.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };
const PROGRAM = new URL('./worker.ts', import.meta.url);

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: ReadingError) => void;
}

/**
 * @param file of the store, which this process has open
 * @param failed told once when the thread ends without having been asked to, or is given up
 */
export function openConnection(
  file: string,
  clock: Clock,
  failed: (error: ReadingError) => void,
): Connection {
  const options = { workerData: file, resourceLimits: RESOURCE_LIMITS, name: 'reading' };
  return new Connection(new Worker(PROGRAM, options), clock, failed);
}

export class Connection {
  /** Resolves when the thread is gone, for whatever reason. */
  readonly gone: Promise<void>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #failed: (error: ReadingError) => void;
  /** By question: who waits for its next piece. */
  readonly #waiting = new Map<number, Waiting>();
  #failure: ReadingError | undefined;
  #ending = false;
  #watch = new AbortController();

  /** Use `openConnection`. */
  constructor(worker: Worker, clock: Clock, failed: (error: ReadingError) => void) {
    this.#worker = worker;
    this.#clock = clock;
    this.#failed = failed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    worker.on('message', (reply: Reply) => this.#take(reply));
    worker.on('error', (error) => this.#fail('CRASHED', 'ended by a fault', error));
    worker.on('messageerror', (error) => this.#fail('CRASHED', 'sent what cannot be read', error));
    worker.on('exit', (code) => {
      if (!this.#ending) this.#fail('CRASHED', `ended with code ${code}`);
      this.#watch.abort();
      this.#rejectAll(this.#failure ?? stopping());
      resolve();
    });
  }

  /** Resolves with the reply. Rejects with a ReadingError when the thread ends before it. */
  step(message: Extract<ToWorker, { type: 'ask' | 'next' }>): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (this.#ending) return Promise.reject(stopping());
    if (this.#failure) return Promise.reject(this.#failure);
    this.#waiting.set(message.id, { resolve, reject });
    if (this.#waiting.size === 1) this.#expect();
    this.#post(message);
    return promise;
  }

  cancel(id: number): void {
    this.#post({ type: 'cancel', id });
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#watch.abort();
  }

  /** Resolves when the thread is gone. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#watch.abort();
    this.#post({ type: 'end' });
    const late = new AbortController();
    void this.#clock.sleep(END_MS_MAX, late.signal).then(
      () => this.#worker.terminate(),
      () => {}, // It has ended in time.
    );
    await this.gone;
    late.abort();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #take(reply: Reply): void {
    this.#waiting.get(reply.id)?.resolve(reply);
    this.#waiting.delete(reply.id);
    this.#watch.abort();
    if (this.#waiting.size > 0) this.#expect();
  }

  /** Somebody waits: something must come. */
  #expect(): void {
    this.#watch = new AbortController();
    void this.#clock.sleep(REPLY_MS_MAX, this.#watch.signal).then(
      () => this.#fail('TOO_SLOW', `gave no answer in ${REPLY_MS_MAX / 1000} s`),
      () => {}, // It has come.
    );
  }

  /** The first failure counts. The thread is gone soon after, also where it would go on by itself. */
  #fail(code: 'CRASHED' | 'TOO_SLOW', what: string, cause?: unknown): void {
    if (this.#failure) return;
    const detail = cause instanceof Error ? `: ${cause.message}` : '';
    const options = cause === undefined ? {} : { cause };
    this.#failure = new ReadingError(code, `the reading thread ${what}${detail}`, options);
    this.#failed(this.#failure);
    this.#rejectAll(this.#failure);
    void this.#worker.terminate();
  }

  #rejectAll(error: ReadingError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export function stopping(): ReadingError {
  return new ReadingError('CLOSED', 'the gateway is stopping');
}

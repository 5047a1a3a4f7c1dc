/**
 * A process that records the load of store-load.ts through a real Store, faster than time passes, and
 * says what the store has acknowledged. Its one argument is a WriterOptions in JSON. It prints lines:
 *
 *   settled MS STATUS     the store was opened, or could not be, so many ms after the start
 *   taken T               everything that came in before T was given to the store
 *   durable T             the store says that everything before T is durable
 *   committed N           the store says that record N is durable
 *   failed CODE           it refused one of the two
 *   health STATUS TEXT    whenever that changes
 *   details JSON          of health, once a second
 *   closed                at the end, after a SIGTERM
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#core/clock.ts';
import type { Span } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { numberKey } from '../../../src/store/keys.ts';
import { encodeRecord } from '../../../src/store/record.ts';
import { Store } from '../../../src/store/store.ts';
import { fastClock } from '../fast-clock.ts';
import { loadRecord, StoreLoad, tableOfRecord } from '../store-load.ts';

export interface WriterOptions {
  readonly directory: string;
  readonly quotaBytes: number;
  readonly lowBytes: number;
  readonly epoch: number;
  readonly seed: number;
  /** Times as fast as it really is. */
  readonly speed: number;
  /** What the clock shows at first. */
  readonly start: Micros;
  readonly framePeriod: Micros;
  /** The first record that is committed; none where it is negative. */
  readonly record: number;
  readonly pinned: readonly Span[];
  /** Whether there is a load, or the store is only opened. */
  readonly load: boolean;
}

const TAKE_MS = 5;
const MARK_MS = 10;
/** What is taken at once: a writer that was held up does not take the memory. */
const TAKE_US_MAX = 5_000_000;

/** Written at once, so that it is out when the process is killed. */
function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

function nothing(): void {}

class Writer {
  readonly #options: WriterOptions;
  readonly #clock: Clock;
  readonly #load: StoreLoad;
  readonly #store: Store;
  #taken: Micros;

  constructor(options: WriterOptions) {
    const { seed, framePeriod, start, speed, epoch } = options;
    this.#options = options;
    this.#clock = fastClock(speed, start);
    this.#load = new StoreLoad({ seed, framePeriod }, start);
    this.#taken = start;
    this.#store = new Store({
      ...options,
      clock: this.#clock,
      epoch: { id: epoch, wallMs: 0, trust: 'none', bootId: 'test', monotonicMs: 0 },
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      pinned: () => options.pinned,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const real = monotonicClock();
    const running = this.#store.run(signal);
    void this.#store.settled.then(() => {
      say('settled', Math.round(real.now() / 1000), this.#store.health().status);
    });
    const loops = [this.#tellHealth(signal)];
    if (this.#options.load) loops.push(this.#take(signal), this.#mark(signal));
    if (this.#options.record >= 0) loops.push(this.#commit(signal));
    await Promise.all([running, ...loops]);
    say('closed');
  }

  async #take(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const to = Math.min(this.#clock.now(), this.#taken + TAKE_US_MAX);
      this.#store.take(this.#load.readings(this.#taken, to));
      this.#taken = to;
      say('taken', to);
      await sleep(TAKE_MS);
    }
  }

  async #mark(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const mark = this.#taken;
      await this.#ask('durable', mark, () => this.#store.durable());
      await sleep(MARK_MS);
    }
  }

  async #commit(signal: AbortSignal): Promise<void> {
    for (let n = this.#options.record; !signal.aborted; n++) {
      const key = numberKey(n);
      const change = { table: tableOfRecord(n), key, value: encodeRecord(key, loadRecord(n)) };
      await this.#ask('committed', n, () => this.#store.commit([change]));
      await sleep(2 * MARK_MS);
    }
  }

  async #ask(word: string, mark: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      say(word, mark);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      say('failed', 'code' in error ? String(error.code) : error.message);
    }
  }

  async #tellHealth(signal: AbortSignal): Promise<void> {
    let told = '';
    for (let round = 0; !signal.aborted; round++) {
      const { status, text, details } = this.#store.health();
      if (`${status} ${text}` !== told) say('health', status, text);
      told = `${status} ${text}`;
      const memory = { rss: process.memoryUsage.rss() };
      if (round % 20 === 0) say('details', JSON.stringify({ ...details, ...memory }));
      await sleep(50);
    }
  }
}

if (import.meta.main) {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort(new Error('stopped')));
  await new Writer(JSON.parse(process.argv[2] ?? '')).run(stop.signal);
}

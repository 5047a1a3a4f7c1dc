/** Our store on a directory, at whatever pace a benchmark has: its clock goes when it is told to. */
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#core/clock.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import type { Range } from '../../src/codec/columns.ts';
import { createLog } from '../../src/io/log.ts';
import { type Database, openDatabase } from '../../src/store/lmdb.ts';
import { Store } from '../../src/store/store.ts';
import { type Load, samplesIn, steps, together } from './store-load.ts';

export const EPOCH = {
  id: 1,
  wallMs: Date.UTC(2026, 10, 1),
  trust: 'none',
  bootId: 'bench',
  monotonicMs: 0,
} as const;
export const EVERYTHING: Range = { epoch: EPOCH.id, from: 0, to: Number.MAX_SAFE_INTEGER };
/** Far more than a benchmark records, so that nothing is evicted. */
const QUOTA_BYTES = 96 * 2 ** 20;
/** Time that passes between two steps of the preallocation, so that none of the recording's does. */
const IDLE_US = 1_000;
const SECOND_US = 1_000_000;

/** Stands still between two ticks of the store. */
class TickClock implements Clock {
  #now: Micros = 0;
  #wake: () => void = () => {};
  #asleep = Promise.withResolvers<void>();

  now(): Micros {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === 0) return turn();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    this.#wake = () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    this.#asleep.resolve();
    return promise;
  }

  /** Resolves when the store has nothing more to do before the next tick. */
  async settled(): Promise<void> {
    await this.#asleep.promise;
  }

  async moveTo(t: Micros): Promise<void> {
    this.#asleep = Promise.withResolvers<void>();
    this.#now = Math.max(t, this.#now);
    this.#wake();
    await this.#asleep.promise;
  }
}

export class VigilRecording {
  readonly clock: Clock;
  readonly store: Store;
  readonly #clock: TickClock;
  readonly #stopping: AbortController;
  readonly #running: Promise<void>;
  #closedSeals: number | undefined;

  private constructor(clock: TickClock, store: Store) {
    this.clock = clock;
    this.#clock = clock;
    this.store = store;
    this.#stopping = new AbortController();
    this.#running = store.run(this.#stopping.signal);
  }

  /** Resolves when the store is open and its file has all the zeros that it is to have. */
  static async open(directory: string, quotaBytes = QUOTA_BYTES): Promise<VigilRecording> {
    const clock = new TickClock();
    const write = (line: string): void => void process.stderr.write(line);
    const log = createLog({ level: 'error', journald: false, now: () => clock.now(), write });
    const pinned = () => [];
    const options = { directory, quotaBytes, epoch: EPOCH, clock, log, pinned, lowBytes: 0 };
    const recording = new VigilRecording(clock, new Store(options));
    await recording.store.settled;
    await clock.settled();
    for (let before = -1; before !== recording.#detail('fileMB'); ) {
      before = recording.#detail('fileMB');
      await clock.moveTo(clock.now() + IDLE_US);
    }
    return recording;
  }

  /** Seals so far, each an LMDB commit. */
  get seals(): number {
    return this.#closedSeals ?? this.#detail('seals');
  }

  /** Everything taken is durable when this resolves. */
  async second(n: number, readings: readonly Reading[]): Promise<void> {
    this.store.take(readings);
    await this.endOf(n);
  }

  /** The n-th second is over. */
  async endOf(n: number): Promise<void> {
    await this.#clock.moveTo((n + 1) * SECOND_US);
  }

  /** Seals everything. @throws Error where something was not stored */
  async close(): Promise<void> {
    const lost = ['dropped', 'failures', 'lost', 'refusedStreams', 'evicted'] as const;
    const losses = lost.filter((name) => this.#detail(name) !== 0);
    this.#closedSeals = this.seals + 1; // With that of the stop.
    this.#stopping.abort();
    await this.#running;
    if (losses.length > 0) throw new Error(`the store did not keep everything: ${losses}`);
  }

  #detail(name: string): number {
    return Number(this.store.health().details[name]);
  }
}

/** What was recorded, for reading. */
export function openRecorded(directory: string): Database {
  return openDatabase(path.join(directory, 'data.mdb'), { fileBytes: QUOTA_BYTES, readOnly: true });
}

/** Has the store record, and tells how many samples there are of each stream. */
export async function record(loads: readonly Load[], seconds: number, directory: string) {
  const recording = await VigilRecording.open(directory);
  const counts = new Map<Stream, number>();
  for (const { n, readings } of steps(together('all', loads), seconds)) {
    for (const one of readings) {
      counts.set(one.stream, (counts.get(one.stream) ?? 0) + samplesIn([one]));
    }
    await recording.second(n, readings);
  }
  await recording.close();
  return [...counts].map(([stream, samples]) => ({ stream, samples }));
}

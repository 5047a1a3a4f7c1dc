import { nameKey } from '../keys.ts';
import type { Change } from '../lmdb.ts';
import { encodeRecord, soundRecord } from '../record.ts';
import type { Unsent } from '../writing/retention.ts';
import type { Cursor, Ground, Limits, Position, QueuedStream, Stretch } from './outbox.ts';
import { nextSealTime } from './seal-record.ts';
import { SealedReading } from './sealed-reading.ts';
import { readTail } from './tail-reading.ts';

/**
 * The ring store as the queue of what is to be sent. There is no second copy: every value has a `seq`
 * in its stream that never restarts, and whoever sends owns no more than a cursor for each stream.
 *
 * - Only what is durable is given out: after a power cut the `seq` of anything else is given again.
 * - What LMDB has is found by the seals (seal-record.ts), what it does not have yet lies in memory. What no
 *   seal tells of, of a store of before there were any or by a damaged one, is looked for (unlisted.ts).
 * - What is not there any more, or never came, is told as a gap, so that reading from 0 to the end gives
 *   each `seq` exactly once.
 */

const STORE_KEY = nameKey('store');
const STORE_BYTES = 8;
const CURSORS_KEY = nameKey('bridge');

/** What the queue needs of the store. */
export interface QueueStore {
  /** Undefined while it is not open. */
  ground(): Ground | undefined;
  /** @throws StoreError */
  commit(changes: readonly Change[]): Promise<void>;
  /** Events that must not be evicted. */
  keepUnsent(unsent: Unsent | undefined): void;
}

interface CursorRecord {
  readonly store: string;
  readonly cursors: readonly (readonly [number, number, Position | null])[];
}

export class Queue {
  readonly #store: QueueStore;
  readonly #random: (bytes: number) => Uint8Array;
  #sealed = new SealedReading();
  #cursors: ReadonlyMap<number, Cursor> | undefined;
  /** Of the opening that the fields above are of. */
  #opening = 0;
  #id = '';
  #naming: Promise<void> | undefined;

  constructor(store: QueueStore, random: (bytes: number) => Uint8Array) {
    this.#store = store;
    this.#random = random;
  }

  /**
   * Which store it is, 16 hexadecimal digits, as numbers and `seq` begin anew with another one. Empty while
   * it is not open, or has none yet: `named` makes one. May change when a damaged store was begun anew.
   */
  get store(): string {
    this.#ground();
    return this.#id;
  }

  /** Gives a new store its name, once. @throws StoreError OFF, FAILED */
  async named(): Promise<string> {
    if (this.store !== '') return this.#id;
    this.#naming ??= this.#name().finally(() => {
      this.#naming = undefined;
    });
    await this.#naming;
    return this.store;
  }

  /** Everything that was ever stored, sys streams too; none while the store is not open. */
  streams(): readonly QueuedStream[] {
    const ground = this.#ground();
    if (ground === undefined) return [];
    const { progress, streams } = ground;
    return streams.map(({ number, stream }) => {
      return { number, stream, next: progress.durable(number) };
    });
  }

  /**
   * The next values of a stream from a seq on, of one epoch and without a hole, at least one; a gap where
   * what comes next is not there. Undefined where nothing durable is there yet, or no store.
   *
   * @param at of the stretch that ended at `from`
   * @throws StoreError FAILED, BAD_FILE
   */
  read(
    number: number,
    from: number,
    at: Position | undefined,
    limits: Limits,
  ): Stretch | undefined {
    const ground = this.#ground();
    const stored = ground?.streams.find((one) => one.number === number);
    if (ground === undefined || stored === undefined) return undefined;
    const { progress, reads, epoch, contents } = ground;
    const wanted = { number, stream: stored.stream, from, epoch };
    const sealed = progress.sealed(number);
    if (from < sealed) {
      return this.#sealed.read(reads, { ...wanted, end: sealed }, at, limits);
    }
    const end = progress.durable(number);
    if (from >= end) return undefined;
    const position = { epoch, t: nextSealTime(reads, epoch) };
    return readTail(contents, { ...wanted, end }, position, limits);
  }

  /** What was kept last of this store; none of another. */
  cursors(): ReadonlyMap<number, Cursor> {
    const ground = this.#ground();
    if (ground === undefined) return new Map();
    this.#cursors ??= cursorsIn(ground, this.#id);
    return this.#cursors;
  }

  /**
   * Keeps them, durable when it resolves. A commit costs some 20 KB of writes, however few they are: once
   * a minute is enough where whoever receives tells on every connection how far it is.
   *
   * @throws StoreError OFF, FAILED
   */
  async keepCursors(cursors: ReadonlyMap<number, Cursor>): Promise<void> {
    const store = await this.named();
    const record: CursorRecord = {
      store,
      cursors: [...cursors].map(([number, { next, at }]) => [number, next, at ?? null] as const),
    };
    const value = encodeRecord(CURSORS_KEY, record);
    await this.#store.commit([{ table: 'cursors', key: CURSORS_KEY, value }]);
    this.#cursors = new Map(cursors);
  }

  /**
   * Events from these seqs on are not evicted before they are sent; of a stream that is not here, from 0
   * on. Undefined: nothing is ever sent, and all may go.
   */
  keep(needed: Unsent | undefined): void {
    this.#store.keepUnsent(needed && new Map(needed));
  }

  /** The store as it is now. What was known of one that was opened before is forgotten. */
  #ground(): Ground | undefined {
    const ground = this.#store.ground();
    if (ground === undefined || ground.opening === this.#opening) return ground;
    this.#opening = ground.opening;
    this.#sealed = new SealedReading();
    this.#cursors = undefined;
    this.#id = nameOf(ground);
    return ground;
  }

  async #name(): Promise<void> {
    const id = Buffer.from(this.#random(STORE_BYTES)).toString('hex');
    const value = encodeRecord(STORE_KEY, { id });
    await this.#store.commit([{ table: 'meta', key: STORE_KEY, value }]);
    const ground = this.#ground();
    this.#id = ground ? nameOf(ground) : '';
  }
}

function nameOf({ reads }: Ground): string {
  const record = reads.get('meta', STORE_KEY);
  return record === undefined ? '' : String(Object(soundRecord(STORE_KEY, record)).id ?? '');
}

function cursorsIn({ reads }: Ground, store: string): Map<number, Cursor> {
  const value = reads.get('cursors', CURSORS_KEY);
  const record = value && soundRecord(CURSORS_KEY, value);
  if (record === undefined) return new Map();
  const kept = record as unknown as CursorRecord; // Its CRC says that we wrote it.
  if (kept.store !== store || store === '') return new Map();
  return new Map(
    kept.cursors.map(([number, next, at]) => [number, { next, at: at ?? undefined }] as const),
  );
}

import type { StreamKind } from '#core/stream.ts';
import { nameKey } from '../keys.ts';
import type { Change } from '../lmdb.ts';
import { encodeRecord, soundRecord } from '../record.ts';
import type { Unsent } from '../writing/retention.ts';
import { BYTES_PER_VALUE } from './measure.ts';
import type {
  Backlog,
  Cursor,
  Ground,
  Limits,
  Position,
  QueueClass,
  QueuedStream,
  Stretch,
} from './outbox.ts';
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

const CLASS_OF: Readonly<Record<StreamKind, QueueClass>> = {
  sample: 'samples',
  wave: 'waves',
  frame: 'frames',
  event: 'events',
};

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
  #firsts: Map<number, number> | undefined;
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
    this.#firsts ??= this.#sealed.firsts(ground.reads, ground.streams);
    const firsts = this.#firsts;
    return ground.streams.map(({ number, stream }) => {
      const first = firsts.get(number) ?? this.#firstInTail(ground, number);
      const next = ground.progress.durable(number);
      return { number, stream, first: Math.min(first, next), next };
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
      const stretch = this.#sealed.read(reads, { ...wanted, end: sealed }, at, limits);
      this.#learn(number, stretch);
      return stretch;
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

  /** What is behind the cursors that were kept last, by class. */
  backlog(): Readonly<Record<QueueClass, Backlog>> {
    const classes = ['events', 'samples', 'waves', 'frames'] as const;
    const sums = new Map(classes.map((name) => [name, { records: 0, bytes: 0 }]));
    const cursors = this.cursors();
    for (const { number, stream, first, next } of this.streams()) {
      const sum = sums.get(CLASS_OF[stream.kind]);
      if (sum === undefined) continue;
      const records = Math.max(0, next - Math.max(first, cursors.get(number)?.next ?? 0));
      sum.records += records;
      sum.bytes += Math.ceil(records * BYTES_PER_VALUE[stream.kind]);
    }
    return Object.fromEntries(sums) as Record<QueueClass, Backlog>; // One entry per name.
  }

  /** Events that the ring took before they were sent, since the start. */
  get unsentEvicted(): number {
    return this.#ground()?.unsentEvicted ?? 0;
  }

  /** The store as it is now. What was known of one that was opened before is forgotten. */
  #ground(): Ground | undefined {
    const ground = this.#store.ground();
    if (ground === undefined || ground.opening === this.#opening) return ground;
    this.#opening = ground.opening;
    this.#sealed = new SealedReading();
    this.#firsts = undefined;
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

  /** What is known to have gone is not looked for again. */
  #learn(number: number, { first, n, content }: Stretch): void {
    if (content.kind !== 'gap' || this.#firsts === undefined) return;
    if (first <= (this.#firsts.get(number) ?? 0)) this.#firsts.set(number, first + n);
  }

  #firstInTail({ progress, contents }: Ground, number: number): number {
    // What was sealed and is found nowhere has gone.
    const sealed = progress.sealed(number);
    if (sealed > 0) return sealed;
    for (const content of contents) {
      const event = content.eventsByStream().get(number)?.[0];
      if (event) return event.ordinal;
      for (const piece of content.columnsFrom(number, 0)) return piece.seq;
    }
    return 0;
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

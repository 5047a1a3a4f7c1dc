/**
 * A recorder on a database and a disk in memory that can lose its power, with a queue on it, and a list of
 * what every `seq` has to be: what was recorded in that place, as far as the disk had it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Reading, Stream } from '#core/stream.ts';
import { type Columns, countOf } from '../../src/codec/columns.ts';
import { sealedSeq } from '../../src/store/changes.ts';
import { StoreError } from '../../src/store/errors.ts';
import { Journal } from '../../src/store/journal/journal.ts';
import { type Database, openDatabase } from '../../src/store/lmdb.ts';
import { recover } from '../../src/store/opening/recovery.ts';
import type { Limits, Position, Stretch } from '../../src/store/outbox/outbox.ts';
import { Queue } from '../../src/store/outbox/queue.ts';
import { recordsOf } from '../../src/store/reading/walk.ts';
import { RollupHours } from '../../src/store/rollup/rollup-hours.ts';
import { Intake } from '../../src/store/writing/intake.ts';
import { Recorder } from '../../src/store/writing/recorder.ts';
import { StreamRegistry } from '../../src/store/writing/registry.ts';
import type { Unsent } from '../../src/store/writing/retention.ts';
import { FaultyDisk } from './disk.ts';

const SEGMENT_BYTES = 2 ** 20;
const FILE_BYTES = 2 ** 26;
const RING_BYTES = 2 ** 30;

function declare(id: string, kind: Stream['kind'], more: Partial<Stream> = {}): Stream {
  return { id, name: id, unit: '1', range: [-1e9, 1e9], hz: 1, kind, ...more };
}

export const RPM = declare('obd.rpm', 'sample');
export const EEG = declare('eeg.raw', 'wave', { hz: 100, lsb: 1 });
export const BUS = declare('can.bus', 'frame');
export const MARKS = declare('marks', 'event');
export const NOTES = declare('notes', 'event');
export const STREAMS = [RPM, EEG, BUS, MARKS, NOTES] as const;

export const ENOUGH: Limits = { values: 100_000, bytes: 2 ** 20 };

/** What one `seq` is. Waves have no time here: it is as exact as a line through many. */
export type Value = string;
/** What the queue gave for one `seq`. */
export type Got = { readonly value: Value } | { readonly gap: string };

export class QueueWorld {
  readonly database: Database;
  readonly queue: Queue;
  disk = new FaultyDisk();
  recorder!: Recorder;
  now = 0;
  epoch = 1;
  /** Bytes that the next seal may leave in use. */
  limit = RING_BYTES;
  /** By stream id: what each `seq` is, as far as any was given out. */
  readonly recorded = new Map<string, Map<number, Value>>();
  readonly #directory: string;
  #registry = new StreamRegistry();
  #intake = new Intake();
  #opening = 0;
  #unsent: Unsent | undefined;
  /** Taken and not in a journal: its `seq` is not known to the model yet. */
  #pending: Reading[] = [];
  /** Of waves, in this process. */
  #position = 0;
  /** The `seq` at the position 0. */
  #waveBase = 0;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'vigil-queue-'));
    const file = join(this.#directory, 'data.mdb');
    this.database = openDatabase(file, { fileBytes: FILE_BYTES, readOnly: false });
    const store = {
      ground: () => ({
        ...{ opening: this.#opening, reads: this.database, epoch: this.epoch },
        progress: this.recorder.progress,
        streams: this.#registry.list(),
        contents: this.recorder.contents(),
      }),
      commit: (changes: Parameters<Database['commit']>[0]) => this.database.commit(changes),
      keepUnsent: (unsent: Unsent | undefined) => {
        this.#unsent = unsent;
      },
    };
    this.queue = new Queue(store, (bytes) => new Uint8Array(bytes).fill(7));
  }

  /**
   * Opens what is on the disk, as a start of the process would.
   *
   * @param again within the process, after the store had to be closed: what has not been taken yet is kept
   */
  async open({ again = false } = {}): Promise<void> {
    const files = [
      this.disk.open('j0', SEGMENT_BYTES),
      this.disk.open('j1', SEGMENT_BYTES),
    ] as const;
    const before = sealedSeq(this.database);
    const { journal, replay } = await Journal.open(files, before);
    const registry = new StreamRegistry();
    registry.load(recordsOf(this.database, 'streams'));
    const hours = new RollupHours();
    await recover({ database: this.database, registry, hours, epoch: this.epoch }, replay);
    journal.retired();
    if (again) registry.resume(this.#registry);
    else this.#intake = new Intake();
    this.#registry = registry;
    this.#opening++;
    this.recorder = new Recorder(
      {
        ...{ database: this.database, journal, registry, hours, intake: this.#intake },
        epoch: { id: this.epoch, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 },
        clock: { now: () => this.now, sleep: async () => {} },
        limit: () => this.limit,
        pinned: () => [],
        unsent: () => this.#unsent,
      },
      replay.at(-1)?.seq ?? before,
    );
    this.#forgetLost();
    if (again) return;
    this.#pending = [];
    this.#position = 0;
    this.#waveBase = this.#nextOf(EEG);
  }

  async close(): Promise<void> {
    await this.database.close();
    rmSync(this.#directory, { recursive: true });
  }

  take(reading: Reading): void {
    this.#intake.add(reading);
    this.#pending.push(reading);
  }

  /** `lost` samples of the wave never come. */
  takeWave(t: number, v: readonly number[], lost: number): void {
    this.#position += lost;
    const seq = this.#position;
    this.#position += v.length;
    this.take({ kind: 'wave', stream: EEG, t, hz: 100, v: Int16Array.from(v), seq, lost });
  }

  /** What it has to be once it has a place. To be called before whatever drains the intake. */
  place(): void {
    for (const reading of this.#pending) {
      const { stream } = reading;
      const known = this.recorded.get(stream.id) ?? new Map<number, Value>();
      this.recorded.set(stream.id, known);
      if (reading.kind === 'wave') {
        for (const [i, v] of reading.v.entries()) {
          known.set(this.#waveBase + reading.seq + i, `${this.epoch} ${v}`);
        }
      } else known.set(Math.max(-1, ...known.keys()) + 1, readingValue(this.epoch, reading));
    }
    this.#pending = [];
  }

  async flush(): Promise<void> {
    this.place();
    await this.recorder.flush();
  }

  async seal(): Promise<void> {
    this.place();
    await this.recorder.seal();
  }

  async finish(): Promise<void> {
    this.place();
    await this.recorder.finish();
  }

  /** The next commit fails. */
  failCommit(): void {
    const { database } = this;
    const commit = database.commit.bind(database);
    database.commit = async () => {
      database.commit = commit;
      throw new StoreError('FAILED', 'the data file could not be written');
    };
  }

  numberOf({ id }: Stream): number | undefined {
    return this.#registry.list().find(({ stream }) => stream.id === id)?.number;
  }

  #nextOf(stream: Stream): number {
    const number = this.numberOf(stream);
    return number === undefined ? 0 : this.recorder.progress.durable(number);
  }

  /** What the power took has no place any more: it is given to something else. */
  #forgetLost(): void {
    for (const stream of STREAMS) {
      const next = this.#nextOf(stream);
      const known = this.recorded.get(stream.id);
      for (const seq of known?.keys() ?? []) if (seq >= next) known?.delete(seq);
    }
  }
}

function readingValue(epoch: number, reading: Reading): Value {
  switch (reading.kind) {
    case 'sample':
      return `${epoch} ${reading.t} ${reading.v}`;
    case 'frame':
      return `${epoch} ${reading.t} ${reading.id} ${reading.data.join()}`;
    case 'event':
      return `${epoch} ${reading.t} ${JSON.stringify(reading.data)}`;
    case 'wave':
      return '';
  }
}

/** Somebody who reads one stream to the end, and goes on where they were. */
export class Consumer {
  readonly got = new Map<number, Got>();
  readonly stretches: Stretch[] = [];
  readonly #world: QueueWorld;
  readonly #stream: Stream;
  readonly #hints: boolean;
  #next = 0;
  #at: Position | undefined;

  /** @param hints whether it keeps where it was */
  constructor(world: QueueWorld, stream: Stream, { hints = true } = {}) {
    this.#world = world;
    this.#stream = stream;
    this.#hints = hints;
  }

  get next(): number {
    return this.#next;
  }

  /** Reads so many stretches, or all there are. */
  read(limits: Limits = ENOUGH, stretches = Number.POSITIVE_INFINITY): this {
    const number = this.#world.numberOf(this.#stream);
    if (number === undefined) return this;
    for (let i = 0; i < stretches; i++) {
      const hint = this.#hints ? this.#at : undefined;
      const stretch = this.#world.queue.read(number, this.#next, hint, limits);
      if (stretch === undefined) break;
      this.#take(stretch, limits);
      expect(this.#next).toBeLessThanOrEqual(this.#world.recorder.progress.durable(number));
    }
    return this;
  }

  #take(stretch: Stretch, limits: Limits): void {
    expect(stretch.first).toBe(this.#next);
    expect(stretch.n).toBeGreaterThan(0);
    if (stretch.content.kind !== 'gap') expect(stretch.n).toBeLessThanOrEqual(limits.values);
    for (const [i, one] of valuesOf(stretch).entries()) this.got.set(stretch.first + i, one);
    this.stretches.push(stretch);
    this.#next += stretch.n;
    expect(this.got.size).toBe(this.#next);
    this.#at = stretch.position;
  }
}

/** One for each `seq`. */
function valuesOf({ epoch, first, n, content }: Stretch): Got[] {
  expect(content.seq).toBe(first);
  if (content.kind === 'gap') {
    expect(content.n).toBe(n);
    return Array.from({ length: n }, () => ({ gap: content.reason }));
  }
  if (content.kind === 'events') {
    expect(content.events.length).toBe(n);
    return content.events.map(({ t, data }) => ({
      value: `${epoch} ${t} ${JSON.stringify(data)}`,
    }));
  }
  expect(countOf(content)).toBe(n);
  return columnValues(epoch, content).map((value) => ({ value }));
}

function columnValues(epoch: number, columns: Columns): Value[] {
  if (columns.kind === 'waves') return [...columns.v].map((v) => `${epoch} ${v}`);
  if (columns.kind === 'scalars')
    return [...columns.t].map((t, i) => `${epoch} ${t} ${columns.v[i]}`);
  return [...columns.t].map((t, i) => {
    const data = columns.data.subarray(i * 8, i * 8 + (columns.length[i] ?? 0));
    return `${epoch} ${t} ${columns.id[i]} ${data.join()}`;
  });
}

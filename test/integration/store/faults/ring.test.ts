/**
 * The ring goes round, VIGIL_FAULT_WRAPS times: the file does not grow, what is pinned stays to the
 * sample, the oldest goes first, and what was just recorded is all there. Time is what the store makes
 * of it: each of its sleeps is a second in which the load comes in.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import type { Span } from '#core/session.ts';
import { EXTENDED_FLAG, type Reading } from '#core/stream.ts';
import type { Columns, Range } from '../../../../src/codec/columns.ts';
import { SLOT_US, slotOf } from '../../../../src/codec/slot.ts';
import { parseBlockKey, parseEventKey } from '../../../../src/store/keys.ts';
import type { Reads } from '../../../../src/store/lmdb.ts';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { Store } from '../../../../src/store/store.ts';
import { StoreLoad } from '../../../support/store-load.ts';

const WRAPS = Number(process.env['VIGIL_FAULT_WRAPS'] ?? 4);
/** A file of two steps of 16 MB where there is time for it, and of one where not. */
const FILE_BYTES = (WRAPS > 10 ? 32 : 16) * 2 ** 20;
const QUOTA_BYTES = Math.floor(FILE_BYTES / 1.4);
const SECOND_US = 1_000_000;
const WAVE_HZ = 512;
/**
 * Frames go a slot at a time. So that the newest slot is not what goes, it, two that are pinned and one more
 * have to be within the share of frames, 40 %: of a frame a millisecond, that takes the larger file.
 */
const FRAME_PERIOD_US = WRAPS > 10 ? 1000 : 2000;
const MEMORY_GROWTH_MAX = 12 * 2 ** 20;
const EPOCH = { id: 1, wallMs: 0, trust: 'none', bootId: 'test', monotonicMs: 0 } as const;
const EARLY: Range = { epoch: 1, from: 100e6, to: 160e6 };
/** A reader that goes through everything reads one piece in so many seconds. */
const READ_S = 3;
/** A session half-way, that is open for so many seconds. */
const MIDWAY_S = 60;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-ring-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function nothing(): void {}

/** Records the load a second after the other, and looks at the store in between. */
class Drive implements Clock {
  readonly load = new StoreLoad({ seed: 1, framePeriod: FRAME_PERIOD_US }, 0);
  readonly errors: string[] = [];
  readonly sizes: number[] = [];
  readonly memory: number[] = [];
  midway: Span | undefined;
  wraps = 0;
  /** Streams that were read from beginning to end meanwhile. */
  reads = 0;
  readonly #stop = new AbortController();
  readonly #store = new Store({
    directory,
    quotaBytes: QUOTA_BYTES,
    lowBytes: 0,
    epoch: EPOCH,
    clock: this,
    log: { debug: nothing, info: nothing, warn: nothing, error: (_, text) => this.tell(text) },
    pinned: () => (this.midway === undefined ? [EARLY] : [EARLY, this.midway]),
  });
  #now = 0;
  #blocksOfWrap = Number.POSITIVE_INFINITY;
  #reader: StoreReader | undefined;
  #pieces: Iterator<unknown> = [].values();
  readonly #started = performance.now();

  now(): number {
    return this.#now;
  }

  tell(text: string | undefined): void {
    this.errors.push(text ?? '');
  }

  async sleep(ms: number): Promise<void> {
    await turn();
    if (ms === 0 || this.#stop.signal.aborted) return;
    const to = this.#now + SECOND_US;
    this.#store.take(this.load.readings(this.#now, to));
    this.#now = to;
    if (this.#store.isOpen) await this.#look();
  }

  async run(): Promise<void> {
    await this.#store.run(this.#stop.signal);
  }

  async #look(): Promise<void> {
    if ((this.#now / SECOND_US) % READ_S === 0) this.#readOn();
    const details = this.#store.health().details ?? {};
    const [blocks, evicted] = [Number(details['blocks']), Number(details['evicted'])];
    if (evicted > 0) this.#blocksOfWrap = Math.min(this.#blocksOfWrap, blocks);
    if (this.midway?.to === null && this.#now - this.midway.from >= MIDWAY_S * SECOND_US) {
      this.midway = { ...this.midway, to: this.#now };
    }
    if (blocks < (this.wraps + 1) * this.#blocksOfWrap) return;
    this.wraps++;
    await this.#measure(details);
    if (this.wraps === Math.ceil(WRAPS / 2)) this.midway = { epoch: 1, from: this.#now, to: null };
    if (this.wraps >= WRAPS) this.#stop.abort();
  }

  /** Goes on with the stream that is being read, however much of it has gone meanwhile. */
  #readOn(): void {
    if (!this.#pieces.next().done) return;
    const [damage] = this.#reader?.damaged.first ?? [];
    if (damage !== undefined) this.tell(`a reader: ${damage}`);
    this.#reader = new StoreReader(this.#store.reads, this.#store.tail());
    const streams = this.#reader.streams().filter(({ stream }) => stream.kind !== 'event');
    const { number } = streams[this.reads++ % streams.length] ?? { number: 0 };
    this.#pieces = this.#reader.columns(number, { epoch: 1, from: 0, to: this.#now });
  }

  /** Just behind a seal, when nothing waits for one; a reader's tail does not count. */
  async #measure(details: { readonly [key: string]: unknown }): Promise<void> {
    this.#reader = undefined;
    this.#pieces = [].values();
    collect();
    await turn();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const { size } = statSync(path.join(directory, 'data.mdb'));
    this.sizes.push(size);
    this.memory.push(heapUsed + external);
    const s = Math.round((performance.now() - this.#started) / 1000);
    const { seals, evicted, usedMB, lost, pressed } = details;
    const memory = ((heapUsed + external) / 2 ** 20).toFixed(1);
    const file = (size / QUOTA_BYTES).toFixed(2);
    process.stdout.write(
      `wrap ${this.wraps}: file/quota ${file}, used ${usedMB} MB, seals ${seals}, ` +
        `evicted ${evicted}, pinned ${details['pinnedBytes']}, lost ${lost}, pressed ${pressed}, ` +
        `memory ${memory} MB, recorded ${this.#now / 1e6} s, ${s} s\n`,
    );
  }
}

/** What was to be stored of a range, a line each, sorted: the streams' samples, frames and waves. */
function expected(load: StoreLoad, { from, to }: Range): string[] {
  const lines = load.readings(from - SECOND_US, to + 10 * SECOND_US).flatMap(linesOf);
  return within(lines, from, to);
}

interface Line {
  readonly t: number;
  readonly text: string;
}

function linesOf(reading: Reading): Line[] {
  const { stream, t } = reading;
  switch (reading.kind) {
    case 'sample':
      return [{ t, text: `${stream.id} ${t} ${reading.v}` }];
    case 'wave':
      return waveLines(stream.id, t, reading.v);
    case 'frame': {
      const id = reading.extended ? (reading.id | EXTENDED_FLAG) >>> 0 : reading.id;
      return [{ t, text: `${stream.id} ${t} ${id} ${Buffer.from(reading.data).toString('hex')}` }];
    }
    case 'event':
      return [];
  }
}

/** By its position, which a time that is a little off still tells. */
function waveLines(id: string, t0: number, v: ArrayLike<number>): Line[] {
  const first = Math.round((t0 * WAVE_HZ) / 1e6);
  return Array.from(v, (value, k) => {
    return { t: ((first + k) * 1e6) / WAVE_HZ, text: `${id} ${first + k} ${value}` };
  });
}

function within(lines: readonly Line[], from: number, to: number): string[] {
  const inside = lines.filter(({ t }) => t >= from && t < to);
  return inside.map(({ text }) => text).sort();
}

function found(reader: StoreReader, { epoch, from, to }: Range): string[] {
  const wide = { epoch, from: Math.max(0, from - SECOND_US), to: to + SECOND_US };
  const lines = reader.streams().flatMap(({ number, stream }) => {
    return [...reader.columns(number, wide)].flatMap((columns) => storedLines(stream.id, columns));
  });
  return within(lines, from, to);
}

function storedLines(id: string, columns: Columns): Line[] {
  if (columns.kind === 'waves') return waveLines(id, columns.t0, columns.v);
  return Array.from(columns.t, (t, k) => {
    if (columns.kind === 'scalars') return { t, text: `${id} ${t} ${columns.v[k]}` };
    const data = columns.data.subarray(k * 8, k * 8 + (columns.length[k] ?? 0));
    return { t, text: `${id} ${t} ${columns.id[k]} ${Buffer.from(data).toString('hex')}` };
  });
}

/** The slots in which something of a class is kept. */
function slotsOf(reads: Reads, table: 'samples' | 'waves' | 'frames' | 'events'): number[] {
  const end = Buffer.alloc(16, 0xff);
  const keys = reads.keys(table, { start: Uint8Array.of(0), end, limit: 1_000_000 });
  const slots = keys.map((key) => {
    return table === 'events' ? slotOf(parseEventKey(key).t) : parseBlockKey(key).slot;
  });
  return [...new Set(slots)];
}

function isPinned(slot: number, pins: readonly Range[]): boolean {
  return pins.some(({ from, to }) => from < (slot + 1) * SLOT_US && to > slot * SLOT_US);
}

test(`${WRAPS} wraps of the ring`, { timeout: 120_000 + WRAPS * 60_000 }, async () => {
  const drive = new Drive();
  await drive.run();
  expect(drive.errors).toEqual([]);
  expect(drive.reads).toBeGreaterThan(WRAPS);
  expect(new Set(drive.sizes)).toEqual(new Set([FILE_BYTES]));
  const half = Math.ceil(drive.memory.length / 2);
  const early = Math.max(...drive.memory.slice(0, half));
  expect(Math.max(...drive.memory.slice(half))).toBeLessThan(early + MEMORY_GROWTH_MAX);

  const epoch = { ...EPOCH, id: 2 };
  const opened = await openStore({ directory, quotaBytes: QUOTA_BYTES, lowBytes: 0, epoch });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    expect(damages).toEqual([]);
    const { midway } = drive;
    const pins = [EARLY, { epoch: 1, from: midway?.from ?? 0, to: midway?.to ?? 0 }];
    const newest = { epoch: 1, from: drive.now() - 120e6, to: drive.now() - 10e6 };
    for (const range of [...pins, newest]) {
      const lines = expected(drive.load, range);
      expect(lines.length).toBeGreaterThan(50_000);
      expect(found(reader, range)).toEqual(lines);
    }
    for (const table of ['samples', 'waves', 'frames', 'events'] as const) {
      const kept = slotsOf(opened.database, table);
      const first = kept.find((slot) => !isPinned(slot, pins)) ?? 0;
      const all = Array.from({ length: slotOf(drive.now()) - first + 1 }, (_, k) => first + k);
      expect(
        kept.filter((slot) => slot >= first),
        table,
      ).toEqual(all);
      // Events go last, and are few.
      if (table !== 'events') expect(first, table).toBeGreaterThan(slotOf(EARLY.to) + 1);
    }
  } finally {
    await opened.close();
  }
});

/**
 * A database with a recording in it, as the gateway would have sealed it: blocks within their slots,
 * events with their index, rollups of closed hours; and whatever a test wants in the tail.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stream } from '#core/stream.ts';
import { encodeBlock } from '../../src/codec/block.ts';
import type { Columns, Scalars, StoredStream, Waves } from '../../src/codec/columns.ts';
import { joinPieces, startOf } from '../../src/codec/join.ts';
import { slotOf } from '../../src/codec/slot.ts';
import { rollupChange, sealedChange } from '../../src/store/changes.ts';
import {
  blockKey,
  eventIndexKey,
  eventKey,
  numberKey,
  rollupKey,
  subOf,
} from '../../src/store/keys.ts';
import { type Change, type Database, openDatabase } from '../../src/store/lmdb.ts';
import { encodeRecord } from '../../src/store/record.ts';
import { decodeRollup, mergeRollup } from '../../src/store/rollup/rollup.ts';
import { RollupHours } from '../../src/store/rollup/rollup-hours.ts';
import type { Tail, TailEvent } from '../../src/store/tail.ts';

export const EPOCH = 3;

type Declared = Pick<Stream, 'id' | 'kind'> & Partial<Stream>;

export function stored(number: number, stream: Declared): StoredStream {
  const defaults = { name: stream.id, unit: '1', range: [-1e9, 1e9] as const, hz: 1 };
  return { number, stream: { ...defaults, ...stream } };
}

/** Even samples of a scalar stream: `n` from `from`, one each `periodUs`. */
export function scalars(from: number, n: number, periodUs: number, seq = 0): Scalars {
  return {
    kind: 'scalars',
    seq,
    t: Float64Array.from({ length: n }, (_, i) => from + Math.round((i * periodUs) / 1000) * 1000),
    v: Float64Array.from({ length: n }, (_, i) => Math.round(800 + 500 * Math.sin((seq + i) / 99))),
  };
}

/** A wave of `n` samples from `from` at `hz`. */
export function wave(from: number, n: number, hz: number, seq = 0): Waves {
  return {
    kind: 'waves',
    seq,
    t0: from,
    span: Math.round(((n - 1) * 1e6) / hz),
    v: Int32Array.from({ length: n }, (_, i) => Math.round(900 * Math.sin((seq + i) / 17))),
  };
}

export class StoreFixture {
  readonly database: Database;
  /** Rollups of everything that was sealed and whose hour has not been closed. */
  readonly hours = new RollupHours();
  readonly #directory: string;
  readonly #streams = new Map<number, StoredStream>();
  #seals = 0;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'vigil-reader-'));
    const path = join(this.#directory, 'data.mdb');
    this.database = openDatabase(path, { fileBytes: 2 ** 26, readOnly: false });
  }

  async close(): Promise<void> {
    await this.database.close();
    rmSync(this.#directory, { recursive: true });
  }

  async declare(...streams: readonly StoredStream[]): Promise<void> {
    const changes = streams.map(({ number, stream }): Change => {
      this.#streams.set(number, { number, stream });
      const key = numberKey(number);
      return { table: 'streams', key, value: encodeRecord(key, { stream, nextSeq: 0 }) };
    });
    await this.database.commit(changes);
  }

  /** Seals pieces of one stream: blocks and the rollups of open hours. Returns the blocks' keys. */
  async seal({ number, stream }: StoredStream, pieces: readonly Columns[]): Promise<Uint8Array[]> {
    const used = new Set<number>();
    const changes: Change[] = [];
    for (const columns of joinPieces(pieces)) {
      const slot = slotOf(startOf(columns));
      let sub = subOf(startOf(columns));
      while (used.has(slot * 0x1_0000 + sub)) sub++;
      used.add(slot * 0x1_0000 + sub);
      const key = blockKey({ epoch: EPOCH, slot, stream: number, sub });
      const table = stream.kind === 'wave' ? 'waves' : 'samples';
      changes.push({ table, key, value: encodeBlock(columns, key, { stream }) });
      this.hours.add(number, stream, EPOCH, columns);
    }
    this.#seals++;
    changes.push(sealedChange(this.#seals));
    await this.database.commit(changes);
    return changes.slice(0, -1).map(({ key }) => key);
  }

  async closeHours(beforeHour: number): Promise<void> {
    const changes = this.hours.close(beforeHour).map((rollup) => {
      const written = this.database.get('rollups', rollupKey(rollup));
      return rollupChange(written ? mergeRollup(decodeRollup(rollup, written), rollup) : rollup);
    });
    await this.database.commit(changes);
  }

  async sealEvents(events: readonly TailEvent[]): Promise<void> {
    const changes = events.flatMap(({ stream, t, seq, ordinal, data }): Change[] => {
      const key = eventKey({ epoch: EPOCH, t, seq });
      const index = eventIndexKey(stream, { epoch: EPOCH, t, seq });
      return [
        { table: 'events', key, value: encodeRecord(key, { stream, ordinal, data }) },
        { table: 'eventIndex', key: index, value: new Uint8Array() },
      ];
    });
    await this.database.commit(changes);
  }

  tail(pieces: readonly (readonly [number, readonly Columns[]])[], more: Partial<Tail> = {}): Tail {
    return {
      epoch: EPOCH,
      sealed: this.#seals,
      streams: [...this.#streams.values()],
      pieces: new Map(pieces),
      events: [],
      hours: this.hours.open(),
      ...more,
    };
  }
}

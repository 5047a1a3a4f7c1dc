/** What our store is held against: a row a sample in SQLite, and no structure at all. */
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Reading, Stream, Wave } from '#core/stream.ts';

/** One way to record: what a second brings is on the disk when `second` resolves. */
export interface Recording {
  second(n: number, readings: readonly Reading[]): Promise<void> | void;
  close(): Promise<void> | void;
}

/**
 * The design that this gateway replaces: a row a sample in SQLite, found by stream and time, a
 * transaction a second, a write-ahead log and a sync with every commit.
 */
export class SqliteRecording implements Recording {
  readonly database: DatabaseSync;
  readonly #sample: StatementSync;
  readonly #frame: StatementSync;
  readonly #numbers = new Map<Stream, number>();

  constructor(directory: string) {
    this.database = new DatabaseSync(path.join(directory, 'peer.db'));
    this.database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE samples (stream INTEGER, t INTEGER, v REAL, PRIMARY KEY (stream, t))
        WITHOUT ROWID;
      CREATE TABLE frames (t INTEGER, stream INTEGER, id INTEGER, data BLOB);`);
    this.#sample = this.database.prepare('INSERT OR REPLACE INTO samples VALUES (?, ?, ?)');
    this.#frame = this.database.prepare('INSERT INTO frames VALUES (?, ?, ?, ?)');
  }

  second(_n: number, readings: readonly Reading[]): void {
    this.database.exec('BEGIN');
    for (const reading of readings) this.#insert(reading);
    this.database.exec('COMMIT');
  }

  numberOf(stream: Stream): number {
    const number = this.#numbers.get(stream) ?? this.#numbers.size + 1;
    this.#numbers.set(stream, number);
    return number;
  }

  /** Bytes of the file, all of the log in it. */
  bytes(): number {
    this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const size = 'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size';
    return Number(this.database.prepare(size).get()?.['bytes']);
  }

  close(): void {
    this.database.close();
  }

  #insert(reading: Reading): void {
    const number = this.numberOf(reading.stream);
    switch (reading.kind) {
      case 'sample':
        this.#sample.run(number, reading.t, reading.v);
        return;
      case 'wave':
        for (const [i, v] of reading.v.entries()) this.#sample.run(number, timeOf(reading, i), v);
        return;
      case 'frame':
        this.#frame.run(reading.t, number, reading.id, reading.data);
        return;
      case 'event':
        throw new Error('no load has events');
    }
  }
}

/** Of the i-th sample. */
export function timeOf({ t, hz }: Wave, i: number): number {
  return t + Math.round((i * 1e6) / hz);
}

/** A page that is written for nothing costs as much as any other. */
const ZEROS = new Uint8Array(2 ** 20);
const SAMPLE_BYTES = 10;
const WAVE_HEADER_BYTES = 8;
const FRAME_BYTES = 16;

/**
 * The floor: readings as compact as they are without looking at them, one behind the other in a file
 * of zeros, a write and a sync a second. Nothing could be found in it again.
 *
 *   sample  0 u16 stream, 2 u32 ms, 6 f32 value
 *   wave    0 u16 stream, 2 u16 samples, 4 u32 ms, 8 i16 each
 *   frame   0 u32 ms, 4 u32 id, 8 data
 */
export class RawRecording implements Recording {
  readonly #file: FileHandle;
  readonly #numbers = new Map<Stream, number>();
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param bytes that will be written, at least */
  static async open(directory: string, bytes: number): Promise<RawRecording> {
    const file = await open(path.join(directory, 'raw'), 'w+');
    for (let at = 0; at < bytes; at += ZEROS.length) await file.write(ZEROS, 0, ZEROS.length, at);
    await file.sync();
    return new RawRecording(file);
  }

  async second(_n: number, readings: readonly Reading[]): Promise<void> {
    const bytes = Buffer.alloc(rawBytes(readings));
    let at = 0;
    for (const reading of readings) {
      const number = this.#numbers.get(reading.stream) ?? this.#numbers.size + 1;
      this.#numbers.set(reading.stream, number);
      at = put(bytes, at, reading, number);
    }
    await this.#file.write(bytes, 0, bytes.length, this.#end);
    await this.#file.datasync();
    this.#end += bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** What RawRecording makes of them. */
export function rawBytes(readings: readonly Reading[]): number {
  return readings.reduce((sum, one) => sum + rawBytesOf(one), 0);
}

function rawBytesOf(reading: Reading): number {
  if (reading.kind === 'wave') return WAVE_HEADER_BYTES + 2 * reading.v.length;
  return reading.kind === 'frame' ? FRAME_BYTES : SAMPLE_BYTES;
}

/** Returns where the next reading goes. */
function put(bytes: Buffer, at: number, reading: Reading, number: number): number {
  const ms = Math.floor(reading.t / 1000);
  switch (reading.kind) {
    case 'sample':
      bytes.writeUInt16LE(number, at);
      bytes.writeUInt32LE(ms, at + 2);
      return bytes.writeFloatLE(reading.v, at + 6);
    case 'wave':
      bytes.writeUInt16LE(number, at);
      bytes.writeUInt16LE(reading.v.length, at + 2);
      bytes.writeUInt32LE(ms, at + 4);
      for (const [i, v] of reading.v.entries())
        bytes.writeInt16LE(v, at + WAVE_HEADER_BYTES + 2 * i);
      break;
    case 'frame':
      bytes.writeUInt32LE(ms, at);
      bytes.writeUInt32LE(reading.id, at + 4);
      bytes.set(reading.data, at + 8);
      break;
    case 'event':
      throw new Error('no load has events');
  }
  return at + rawBytesOf(reading);
}

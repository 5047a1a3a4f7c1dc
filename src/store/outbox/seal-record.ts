import { crc32 } from 'node:zlib';
import type { Micros } from '#core/stream.ts';
import { readHeader } from '../../codec/block.ts';
import { BlockError } from '../../codec/block-error.ts';
import { ByteReader, ByteWriter } from '../../codec/varint.ts';
import { StoreError } from '../errors.ts';
import { momentKey, parseBlockKey, parseMomentKey } from '../keys.ts';
import { readList } from '../list.ts';
import type { Change, Reads } from '../lmdb.ts';
import type { TailEvent } from '../tail.ts';
import type { Sealed, Unsealed } from '../writing/unsealed.ts';

/**
 * What a seal took to LMDB, in the order of `seq`: blocks and events are found by their time, and whoever
 * goes by `seq` looks here which times these are. Late data is found like any other by that. One record a
 * seal, at the end of its table: some 8 bytes a stream and 6 an event. Of blocks it tells the slot only, so
 * that what an erasure writes again is still found.
 *
 *   0  u32     crc32 of the key and what follows (little-endian)
 *   4  u8      version of this layout
 *      varint  streams; and for each
 *        varint  number
 *        u8      0 blocks, 1 events
 *        varint  seq at which the seal before had ended
 *        varint  runs; and for each
 *          varint  seqs that were left out before it, lost for ever
 *          varint  values
 *          blocks: signed, slot, less that of the run before
 *          events: for each signed t, less that of the event before; varint seq of its key
 */
const CRC_BYTES = 4;
const VERSION = 1;
const BLOCKS = 0;
const EVENTS = 1;

/** Values that follow each other in `seq`, in blocks of one slot. */
export interface BlockRun {
  readonly kind: 'blocks';
  readonly seq: number;
  readonly n: number;
  readonly slot: number;
}

/** Events that follow each other in `seq`. */
export interface EventRun {
  readonly kind: 'events';
  readonly seq: number;
  readonly n: number;
  /** What tells the key of each. */
  readonly places: readonly EventPlace[];
}

export interface EventPlace {
  readonly t: Micros;
  /** Tells events of one microsecond apart. */
  readonly seq: number;
}

export type Run = BlockRun | EventRun;

export interface SealedStream {
  readonly number: number;
  /** The seq at which the seal before had ended: from there to the first run nothing was kept. */
  readonly begin: number;
  /** In the order of seq, at least one. */
  readonly runs: readonly Run[];
}

/** Where a seal is among all: of one epoch in the order of time. */
export interface Moment {
  readonly epoch: number;
  readonly t: Micros;
}

/** One behind the last seq of a stream in a seal. */
export function endOfSealed({ begin, runs }: SealedStream): number {
  const last = runs.at(-1);
  return last ? last.seq + last.n : begin;
}

/**
 * The record of what is sealed; none where that is nothing.
 *
 * @param blocks of each stream, in the order of seq
 * @param from where the seal before has ended, by stream number
 * @param now earliest time of the record
 */
export function sealChanges(
  reads: Pick<Reads, 'keys'>,
  content: Unsealed,
  blocks: ReadonlyMap<number, readonly Sealed[]>,
  { from, now }: { readonly from: (number: number) => number; readonly now: Micros },
): Change[] {
  const streams = [
    ...[...blocks].map(([number, sealed]) => streamOf(number, from(number), runsOf(sealed))),
    ...[...content.eventsByStream()].map(([number, events]) => {
      return streamOf(number, from(number), eventRuns(events));
    }),
  ].filter(({ runs }) => runs.length > 0);
  if (streams.length === 0) return [];
  const t = Math.max(Math.floor(now), nextSealTime(reads, content.epoch));
  const key = momentKey({ epoch: content.epoch, t });
  return [{ table: 'seals', key, value: encodeSeal(key, streams) }];
}

/** The earliest time that the next seal of an epoch may have. */
export function nextSealTime(reads: Pick<Reads, 'keys'>, epoch: number): Micros {
  const start = momentKey({ epoch, t: 0 });
  const end = momentKey({ epoch: epoch + 1, t: 0 });
  const [last] = reads.keys('seals', { start, end, limit: 1, reverse: true });
  return last ? parseMomentKey(last).t + 1 : 0;
}

function streamOf(number: number, begin: number, runs: readonly Run[]): SealedStream {
  // Nothing goes back: a store whose counters were damaged begins with what it has.
  const first = runs[0]?.seq ?? begin;
  return { number, begin: Math.min(begin, first), runs };
}

function runsOf(sealed: readonly Sealed[]): BlockRun[] {
  const runs: BlockRun[] = [];
  for (const { key, block } of sealed) {
    const { seq, n } = readHeader(block);
    const { slot } = parseBlockKey(key);
    const last = runs.at(-1);
    if (last?.slot === slot && last.seq + last.n === seq) {
      runs[runs.length - 1] = { ...last, n: last.n + n };
    } else runs.push({ kind: 'blocks', seq, n, slot });
  }
  return runs;
}

function eventRuns(events: readonly TailEvent[]): EventRun[] {
  const runs: { kind: 'events'; seq: number; n: number; places: EventPlace[] }[] = [];
  for (const { ordinal, t, seq } of events) {
    let run = runs.at(-1);
    if (run === undefined || run.seq + run.n !== ordinal) {
      run = { kind: 'events', seq: ordinal, n: 0, places: [] };
      runs.push(run);
    }
    run.places.push({ t, seq });
    run.n++;
  }
  return runs;
}

function encodeSeal(key: Uint8Array, streams: readonly SealedStream[]): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.varint(streams.length);
  for (const { number, begin, runs } of streams) {
    writer.varint(number);
    writer.byte(runs[0]?.kind === 'events' ? EVENTS : BLOCKS);
    writer.varint(begin);
    writer.varint(runs.length);
    let [next, slot, t] = [begin, 0, 0];
    for (const run of runs) {
      writer.varint(run.seq - next);
      writer.varint(run.n);
      next = run.seq + run.n;
      if (run.kind === 'blocks') {
        writer.signed(run.slot - slot);
        slot = run.slot;
        continue;
      }
      for (const place of run.places) {
        writer.signed(place.t - t);
        writer.varint(place.seq);
        t = place.t;
      }
    }
  }
  const body = writer.written();
  const record = Buffer.allocUnsafe(CRC_BYTES + body.length);
  record.set(body, CRC_BYTES);
  record.writeUInt32LE(crc32(body, crc32(key)), 0);
  return record;
}

/** @throws StoreError BAD_RECORD */
export function decodeSeal(key: Uint8Array, record: Uint8Array): SealedStream[] {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
  const body = bytes.subarray(CRC_BYTES);
  if (bytes.length < CRC_BYTES || bytes.readUInt32LE(0) !== crc32(body, crc32(key))) {
    throw badSeal(key, `its ${bytes.length} bytes are damaged`);
  }
  try {
    return readSeal(new ByteReader(body));
  } catch (error) {
    if (error instanceof BlockError) throw badSeal(key, error.message);
    throw error;
  }
}

function readSeal(reader: ByteReader): SealedStream[] {
  const version = reader.byte();
  if (version !== VERSION) throw reader.bad(`version ${version} of a seal`);
  const streams = readList(reader, () => {
    const number = reader.varint();
    const isEvents = reader.byte() === EVENTS;
    const begin = reader.varint();
    let [next, slot, t] = [begin, 0, 0];
    const runs = readList(reader, (): Run => {
      const seq = next + reader.varint();
      const n = reader.varint();
      next = seq + n;
      if (!isEvents) {
        slot += reader.signed();
        return { kind: 'blocks', seq, n, slot };
      }
      if (n > reader.left) throw reader.bad(`a run of ${n}`);
      const places = Array.from({ length: n }, () => {
        t += reader.signed();
        return { t, seq: reader.varint() };
      });
      return { kind: 'events', seq, n, places };
    });
    return { number, begin, runs };
  });
  reader.end();
  return streams;
}

function badSeal(key: Uint8Array, what: string): StoreError {
  return new StoreError('BAD_RECORD', `seal ${Buffer.from(key).toString('hex')}: ${what}`);
}

import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Event, Stream } from '#core/stream.ts';
import { ZSTD_OPTIONS } from '../../codec/body.ts';
import type { Columns, StoredStream } from '../../codec/columns.ts';
import { decodePiece, encodePiece } from '../../codec/piece.ts';
import { ByteReader, ByteWriter } from '../../codec/varint.ts';
import { readList, readSome } from '../list.ts';
import type { TailEvent } from '../tail.ts';
import type { Taken } from '../writing/intake.ts';

/**
 * The payload of a record of the journal: what came in over one second, of all streams. Packed with
 * zstd as a whole; unpacked:
 *
 *   u8      version of this layout
 *   varint  streams; and for each
 *     varint  number
 *     varint  bytes of its definition, 0 where an earlier record of the segment has it; JSON
 *     varint  pieces; and for each: varint bytes, piece (piece.ts)
 *     varint  events; and where there are any:
 *       varint  place of the first in its stream, which the others follow; not in version 1
 *       for each: varint t, varint seq, varint bytes, JSON
 *
 * Each segment defines the streams in it, because a stream that is new may not be in LMDB yet.
 */
const VERSION = 2;
/** Without the places of events. */
const VERSION_UNPLACED = 1;
/** Unpacked; several times what a segment could hold packed. */
const BATCH_BYTES_MAX = 256 * 2 ** 20;

/** One stream of a record that was read back. */
export interface BatchPart {
  readonly number: number;
  readonly definition: Stream | undefined;
  readonly columns: readonly Columns[];
  readonly events: readonly JournalEvent[];
}

/** Records of earlier versions do not tell the place of an event. */
export type JournalEvent = Omit<TailEvent, 'ordinal'> & { readonly ordinal: number | undefined };

const writer = new ByteWriter();

/** @param defined numbers of the streams that the segment has defined; those defined here are added */
export function encodeBatch(parts: readonly Taken[], defined: Set<number>): Uint8Array {
  writer.clear();
  writer.byte(VERSION);
  writer.varint(parts.length);
  for (const { number, stream, columns, events } of parts) {
    writer.varint(number);
    if (defined.has(number)) writer.varint(0);
    else writeBytes(writer, jsonBytes(stream));
    defined.add(number);
    writer.varint(columns.length);
    for (const piece of columns) writeBytes(writer, encodePiece(piece, stream));
    writer.varint(events.length);
    const [first] = events;
    if (first) writer.varint(first.ordinal);
    for (const { t, seq, data } of events) {
      writer.varint(t);
      writer.varint(seq);
      writeBytes(writer, jsonBytes(data));
    }
  }
  return zstdCompressSync(writer.written(), ZSTD_OPTIONS);
}

/** @throws BlockError, or an error of zstd, where the bytes are not what encodeBatch wrote */
export function decodeBatch(payload: Uint8Array): BatchPart[] {
  const bytes = zstdDecompressSync(payload, { maxOutputLength: BATCH_BYTES_MAX });
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== VERSION && version !== VERSION_UNPLACED) {
    throw reader.bad(`version ${version} of a batch`);
  }
  const parts = readList(reader, () => readPart(reader, version === VERSION));
  reader.end();
  return parts;
}

/** The streams that a batch defines. */
export function definitionsOf(parts: readonly BatchPart[]): StoredStream[] {
  return parts.flatMap(({ number, definition }) =>
    definition === undefined ? [] : [{ number, stream: definition }],
  );
}

function readPart(reader: ByteReader, placed: boolean): BatchPart {
  const number = reader.varint();
  const definition = readBytes(reader);
  const columns = readList(reader, () => decodePiece(readBytes(reader)));
  const events = readEvents(reader, number, placed);
  return {
    number,
    definition: definition.length === 0 ? undefined : parse<Stream>(definition),
    columns,
    events,
  };
}

function readEvents(reader: ByteReader, stream: number, placed: boolean): JournalEvent[] {
  const length = reader.varint();
  const first = placed && length > 0 ? reader.varint() : undefined;
  return readSome(reader, length, (i) => ({
    stream,
    t: reader.varint(),
    seq: reader.varint(),
    ordinal: first === undefined ? undefined : first + i,
    data: parse<Event['data']>(readBytes(reader)),
  }));
}

function readBytes(reader: ByteReader): Uint8Array {
  return reader.take(reader.varint());
}

function writeBytes(target: ByteWriter, bytes: Uint8Array): void {
  target.varint(bytes.length);
  target.reserve(bytes.length).set(bytes, target.length);
  target.length += bytes.length;
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** JSON that we wrote ourselves, as the check of the record says. */
function parse<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
}

import { crc32 } from 'node:zlib';
import type { Json } from '#core/stream.ts';
import { StoreError } from './errors.ts';

/**
 * A value that is not a block: `0 u32 crc32 of key and text (little-endian), 4 JSON in UTF-8`. The
 * key is part of the check, so that a record found under another one is found out.
 */
const HEADER_BYTES = 4;

export function encodeRecord(key: Uint8Array, value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value), 'utf8');
  const record = Buffer.allocUnsafe(HEADER_BYTES + text.length);
  record.writeUInt32LE(crc32(text, crc32(key)), 0);
  text.copy(record, HEADER_BYTES);
  return record;
}

/** @throws StoreError BAD_RECORD */
export function decodeRecord(key: Uint8Array, record: Uint8Array): Json {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
  const text = bytes.subarray(HEADER_BYTES);
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== crc32(text, crc32(key))) {
    const name = Buffer.from(key).toString('hex');
    throw new StoreError('BAD_RECORD', `record ${name}: its ${record.length} bytes are damaged`);
  }
  return JSON.parse(text.toString('utf8'));
}

/** What a record holds; undefined where it is damaged. */
export function soundRecord(key: Uint8Array, record: Uint8Array): Json | undefined {
  try {
    return decodeRecord(key, record);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_RECORD') return undefined;
    throw error;
  }
}

/** What is kept of an event, under its key in the table `events`. */
export interface EventRecord {
  /** Number of its stream. */
  readonly stream: number;
  /** Its place in its stream; earlier versions kept none. */
  readonly ordinal?: number;
  readonly data: { readonly [key: string]: Json };
}

/** @throws StoreError BAD_RECORD */
export function eventRecord(key: Uint8Array, value: Uint8Array): EventRecord {
  return decodeRecord(key, value) as unknown as EventRecord; // Its CRC says that we wrote it.
}

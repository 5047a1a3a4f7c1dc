import { crc32 } from 'node:zlib';

/**
 * The records of a journal segment, little-endian, one behind the other from offset 0:
 *
 *    0  u32  length of the payload
 *    4  u32  CRC-32 (that of zlib) of everything behind it: offset 8 to the end of the payload
 *    8  u32  epoch, see core/clock.ts
 *   12  u32  seq, from 1; it only ever increases, over segments, epochs and restarts
 *   16  u32  magic, the bytes e7 56 4a 9d
 *   20       payload
 *
 * A segment is used again from its beginning without being wiped, so behind the last record lies what
 * is left of earlier ones. They are told by their seq: a record counts only if its seq is greater
 * than that of the record before it. A seq may be left out, where a write failed.
 *
 * The length is not in the CRC: a wrong one moves the end of what the CRC is taken over.
 *
 * Where the chain breaks, the magic is looked for, and the chain goes on at the next record that is
 * whole and new. As the magic read as a length is more than a segment has, a run of magics is no row
 * of records that each have to be checked.
 */
export const RECORD_HEADER_BYTES = 20;
const MAGIC = 0x9d4a_56e7;
const MAGIC_AT = 16;
const MAGIC_BYTES = [0xe7, 0x56, 0x4a, 0x9d] as const;
const U32_MAX = 0xffff_ffff;

/**
 * What a scan may spend on candidates that turn out to be no records: bytes, with CHECK_BYTES for
 * each besides its own. Only bytes made for it reach this, as a length in every few bytes that leads
 * far ahead. Then the scan ends, and what is behind counts as one more damaged place.
 */
const WASTE_BYTES_MAX = 64 << 20;
const CHECK_BYTES = 4096;

export interface JournalRecord {
  readonly epoch: number;
  readonly seq: number;
  /** Of the record in its segment. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

export interface SegmentScan {
  /** In the order of seq. Payloads are views of the bytes that were scanned. */
  readonly records: readonly JournalRecord[];
  /** Where the next record goes: behind the last of them, 0 where there is none. */
  readonly end: number;
  /** Places at which at least one record is lost, each followed by one that is whole. */
  readonly damaged: number;
  /** Whether a newer record begins behind the last whole one: cut off, or damaged as if it were. */
  readonly cut: boolean;
}

/** @throws RangeError when epoch or seq is not a u32, or seq is 0 */
export function encodeRecord(epoch: number, seq: number, payload: Uint8Array): Uint8Array {
  if (!isU32(epoch) || !isU32(seq) || seq === 0) {
    throw new RangeError(`journal: no record can have epoch ${epoch} and seq ${seq}`);
  }
  const record = Buffer.alloc(RECORD_HEADER_BYTES + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(epoch, 8);
  record.writeUInt32LE(seq, 12);
  record.writeUInt32LE(MAGIC, MAGIC_AT);
  record.set(payload, RECORD_HEADER_BYTES);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/**
 * Finds the records of a segment, whatever else is in it. A last record that was cut off is no
 * damage: that is how a power cut looks.
 *
 * @param after records up to this seq are passed over, as if they were not there
 */
export function scanSegment(bytes: Uint8Array, after = 0): SegmentScan {
  const segment = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: JournalRecord[] = [];
  let [last, end, damaged, wasted] = [after, 0, 0, 0];
  let broken = false;
  let cut = false;
  let at = 0;
  while (at >= 0) {
    const record = recordAt(segment, at);
    if (record === undefined) {
      wasted += CHECK_BYTES + lengthAt(segment, at);
      if (wasted > WASTE_BYTES_MAX) return { records, end, damaged: damaged + 1, cut };
      broken = true;
      cut ||= announcesNewer(segment, at, last);
      at = nextCandidate(segment, at + 1, last);
      continue;
    }
    at += RECORD_HEADER_BYTES + record.payload.length;
    if (record.seq <= last) continue; // Sealed, or left from an earlier use.
    // A break without a missing seq cost nothing: it was in what is passed over.
    if (broken && record.seq !== last + 1) damaged++;
    broken = false;
    cut = false;
    records.push(record);
    last = record.seq;
    end = at;
  }
  return { records, end, damaged, cut };
}

/** The record at `at`, if a whole one is there. */
function recordAt(segment: Buffer, at: number): JournalRecord | undefined {
  if (!fits(segment, at) || segment.readUInt32LE(at + MAGIC_AT) !== MAGIC) return undefined;
  const payloadAt = at + RECORD_HEADER_BYTES;
  const end = payloadAt + segment.readUInt32LE(at);
  if (crc32(segment.subarray(at + 8, end)) !== segment.readUInt32LE(at + 4)) return undefined;
  return {
    epoch: segment.readUInt32LE(at + 8),
    seq: segment.readUInt32LE(at + 12),
    offset: at,
    payload: segment.subarray(payloadAt, end),
  };
}

/** Where a header of a record newer than `last` may be, at `from` or behind it; -1 at the end. */
function nextCandidate(segment: Buffer, from: number, last: number): number {
  const [b0, b1, b2, b3] = MAGIC_BYTES;
  const end = segment.length - RECORD_HEADER_BYTES;
  for (let at = from; at <= end; at++) {
    const i = at + MAGIC_AT;
    if (segment[i] !== b0 || segment[i + 1] !== b1) continue;
    if (segment[i + 2] !== b2 || segment[i + 3] !== b3) continue;
    if (fits(segment, at) && segment.readUInt32LE(at + 12) > last) return at;
  }
  return -1;
}

/** Whether the header of a record newer than `last` is at `at`, whatever became of the rest. */
function announcesNewer(segment: Buffer, at: number, last: number): boolean {
  if (at + RECORD_HEADER_BYTES > segment.length) return false;
  return segment.readUInt32LE(at + MAGIC_AT) === MAGIC && segment.readUInt32LE(at + 12) > last;
}

/** Whether there is room for a header at `at`, and for the payload that it announces. */
function fits(segment: Buffer, at: number): boolean {
  const room = segment.length - at - RECORD_HEADER_BYTES;
  return room >= 0 && segment.readUInt32LE(at) <= room;
}

/** The length of the payload that a header at `at` announces; 0 where it cannot be one. */
function lengthAt(segment: Buffer, at: number): number {
  return fits(segment, at) ? segment.readUInt32LE(at) : 0;
}

function isU32(n: number): boolean {
  return Number.isInteger(n) && n >= 0 && n <= U32_MAX;
}

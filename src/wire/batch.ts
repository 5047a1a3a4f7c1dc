import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Event, Micros } from '#core/stream.ts';
import { BlockError } from '../codec/block-error.ts';
import { readBody, WAVE, writeBody } from '../codec/body.ts';
import { type Columns, countOf } from '../codec/columns.ts';
import { SPAN_US_MAX } from '../codec/time-codec.ts';
import { ByteReader, ByteWriter } from '../codec/varint.ts';
import { BatchError } from './batch-error.ts';
import { type BatchHead, decodeHead, encodeHead } from './head.ts';

/**
 * A batch: a contiguous range of one stream on its way to the cloud. Little-endian:
 *
 *   0  u16  magic, the letters VW
 *   2  u8   version of this layout
 *   3  u8   what the body is: 1 columns, 2 events, 3 a gap; bit 7: packed with zstd
 *   4  u16  length of the head
 *   6       head (head.ts)
 *   ..      body, to the last four bytes
 *   -4 u32  crc32 of all before it
 *
 * Body of columns:
 *   u8      value codec, as in a block (codec/block.ts)
 *   number  the earliest time, less t0 of the head, in microseconds
 *   varint  for waves: span, in microseconds
 *   ...     the body, as in a block
 * Body of events: a line of JSON for each, `[t - t0, data]`.
 * Body of a gap: the reason as text.
 *
 * All that a reader makes room for is bounded by BATCH_BYTES_MAX and BODY_BYTES_MAX, whatever numbers
 * it finds, as every sample and every event has a byte at least.
 */
const FIXED_BYTES = 6;
const CRC_BYTES = 4;
const MAGIC = 0x5756;
const VERSION = 1;
const FORM = { columns: 1, events: 2, gap: 3 };
const PACKED = 0x80;
/** A gateway aims at 16 KB; one event alone may be larger. */
export const BATCH_BYTES_MAX = 256 * 1024;
/** The body unpacked. A slot of EEG, 300 s at 512 Hz, has some 300 KB. */
const BODY_BYTES_MAX = 2 ** 20;
/** Brackets within brackets in the data of an event; whoever walks through it does so by recursion. */
const DEPTH_MAX = 64;
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

export interface EventItem {
  readonly t: Micros;
  readonly data: Event['data'];
}

export interface EventRun {
  readonly kind: 'events';
  readonly seq: number;
  readonly events: readonly EventItem[];
}

/**
 * - evicted: the ring took it before it was sent
 * - lost: it was never stored, the device or the link lost it
 * - erased: a person had it deleted
 * - refused: the gateway may not or cannot send it
 */
export const GAP_REASONS = ['evicted', 'lost', 'erased', 'refused'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** What will never come. */
export interface Gap {
  readonly kind: 'gap';
  readonly seq: number;
  readonly n: number;
  readonly reason: GapReason;
}

export type BatchContent = Columns | EventRun | Gap;
export type { BatchHead } from './head.ts';

export interface Batch {
  readonly head: BatchHead;
  readonly content: BatchContent;
}

/** What the head tells beside the content. */
export type Origin = Omit<BatchHead, 'v' | 'first' | 'n' | 't0'>;

/** A batch whose head fits its content. @param t0 of a gap */
export function batchOf(origin: Origin, content: BatchContent, t0: Micros = 0): Batch {
  const n = rowsOf(content);
  const head = { ...origin, v: 1, first: content.seq, n, t0: startOf(content) ?? t0 } as const;
  return { head, content };
}

/** Samples, frames, events, or what is missing. */
function rowsOf(content: BatchContent): number {
  if (content.kind === 'gap') return content.n;
  return content.kind === 'events' ? content.events.length : countOf(content);
}

/** The earliest time in it. */
function startOf(content: BatchContent): Micros | undefined {
  switch (content.kind) {
    case 'gap':
      return undefined;
    case 'waves':
      return content.t0;
    case 'events':
      return content.events.reduce((least, { t }) => Math.min(least, t), Number.POSITIVE_INFINITY);
    default:
      return content.t.reduce((least, t) => Math.min(least, t), Number.POSITIVE_INFINITY);
  }
}

const body = new ByteWriter();

/**
 * @throws RangeError for what no gateway has: a head that does not fit its content or is above its
 *   limit, columns that writeBody refuses, an event nested too deep, a batch above BATCH_BYTES_MAX
 */
export function encodeBatch({ head, content }: Batch): Uint8Array {
  if (head.first !== content.seq || head.n !== rowsOf(content)) {
    const range = `${head.n} from ${head.first} on`;
    throw new RangeError(`a head of ${range} for ${rowsOf(content)} from ${content.seq} on`);
  }
  const top = encodeHead(head);
  const plain = bodyOf(head, content);
  if (plain.length > BODY_BYTES_MAX) {
    throw new RangeError(`a body of ${plain.length} bytes: ${BODY_BYTES_MAX} at most`);
  }
  const frame = zstdCompressSync(plain, ZSTD_OPTIONS);
  const packed = frame.length < plain.length;
  const rest = packed ? frame : plain;
  const bytes = new Uint8Array(FIXED_BYTES + top.length + rest.length + CRC_BYTES);
  if (bytes.length > BATCH_BYTES_MAX) {
    throw new RangeError(`a batch of ${bytes.length} bytes: ${BATCH_BYTES_MAX} at most`);
  }
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC, true);
  bytes[2] = VERSION;
  bytes[3] = formOf(content) | (packed ? PACKED : 0);
  view.setUint16(4, top.length, true);
  bytes.set(top, FIXED_BYTES);
  bytes.set(rest, FIXED_BYTES + top.length);
  const end = bytes.length - CRC_BYTES;
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

function formOf({ kind }: BatchContent): number {
  return kind === 'events' || kind === 'gap' ? FORM[kind] : FORM.columns;
}

function bodyOf(head: BatchHead, content: BatchContent): Uint8Array {
  if (content.kind === 'gap') return new TextEncoder().encode(content.reason);
  if (content.kind === 'events') {
    const lines = content.events.map(({ t, data }) => JSON.stringify([t - head.t0, data]));
    // What nobody could read would come again and again.
    if (lines.some((line) => depthOf(line) > DEPTH_MAX)) {
      throw new RangeError(`an event that is nested deeper than ${DEPTH_MAX}`);
    }
    return new TextEncoder().encode(lines.join('\n'));
  }
  // The time is known when the columns are written: they go into a writer of their own.
  const columns = new ByteWriter();
  const { codec, t0, span } = writeBody(columns, content, head.stream);
  body.clear();
  body.byte(codec);
  body.number(t0 - head.t0);
  if (codec === WAVE) body.varint(span);
  const whole = new Uint8Array(body.length + columns.length);
  whole.set(body.written());
  whole.set(columns.written(), body.length);
  return whole;
}

/** @throws BatchError for whatever is not as encodeBatch wrote it */
export function decodeBatch(bytes: Uint8Array): Batch {
  const { form, packed, top, rest } = sections(bytes);
  const head = decodeHead(top);
  const plain = packed ? unpack(rest) : rest;
  if (plain.length > BODY_BYTES_MAX) {
    throw new BatchError('TOO_LARGE', `a body of ${plain.length} bytes, ${BODY_BYTES_MAX} at most`);
  }
  switch (form) {
    case FORM.columns:
      return { head, content: columnsOf(head, plain) };
    case FORM.events:
      return { head, content: eventsOf(head, plain) };
    case FORM.gap:
      return { head, content: gapOf(head, plain) };
    default:
      throw new BatchError('NEWER_VERSION', `a body of form ${form} is not known here`);
  }
}

interface Sections {
  readonly form: number;
  readonly packed: boolean;
  readonly top: Uint8Array;
  readonly rest: Uint8Array;
}

function sections(bytes: Uint8Array): Sections {
  if (bytes.length < FIXED_BYTES + CRC_BYTES) {
    const least = FIXED_BYTES + CRC_BYTES;
    throw new BatchError('SHORT_BATCH', `${bytes.length} bytes, a batch has ${least} at least`);
  }
  if (bytes.length > BATCH_BYTES_MAX) {
    const text = `${bytes.length} bytes, a batch has ${BATCH_BYTES_MAX} at most`;
    throw new BatchError('TOO_LARGE', text);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = view.getUint16(0, true);
  if (magic !== MAGIC) {
    const text = `no batch: it begins with ${hex(magic)}, not ${hex(MAGIC)}`;
    throw new BatchError('BAD_MAGIC', text);
  }
  const version = view.getUint8(2);
  if (version > VERSION) {
    throw new BatchError('NEWER_VERSION', `batch version ${version}, ${VERSION} is known here`);
  }
  const end = bytes.length - CRC_BYTES;
  const told = view.getUint32(end, true);
  const found = crc32(bytes.subarray(0, end));
  if (told !== found) {
    throw new BatchError('BAD_CRC', `its check says ${hex(told)}, its bytes ${hex(found)}`);
  }
  const from = FIXED_BYTES + view.getUint16(4, true);
  if (from > end) {
    throw new BatchError('SHORT_BATCH', `its head ends at byte ${from} of ${end}`);
  }
  const form = view.getUint8(3);
  return {
    form: form & ~PACKED,
    packed: (form & PACKED) !== 0,
    top: bytes.subarray(FIXED_BYTES, from),
    rest: bytes.subarray(from, end),
  };
}

function unpack(frame: Uint8Array): Uint8Array {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: BODY_BYTES_MAX });
  } catch (cause) {
    const most = `${BODY_BYTES_MAX} bytes`;
    throw new BatchError('BAD_BODY', `its body is not what zstd wrote, or above ${most}`, {
      cause,
    });
  }
}

function columnsOf(head: BatchHead, plain: Uint8Array): Columns {
  const { n, first: seq, stream } = head;
  try {
    const reader = new ByteReader(plain);
    const codec = reader.byte();
    const t0 = head.t0 + reader.number();
    if (!Number.isSafeInteger(t0)) throw reader.bad(`a time of ${t0} us`);
    const span = codec === WAVE ? reader.varint() : 0;
    if (span > SPAN_US_MAX) throw reader.bad(`a span of ${span} us`);
    const columns = readBody(reader.take(reader.left), { codec, n, seq, t0, span });
    if (KIND_OF[columns.kind] === stream.kind) return columns;
    throw reader.bad(`${columns.kind} of a ${stream.kind} stream`);
  } catch (cause) {
    if (!(cause instanceof BlockError)) throw cause;
    throw new BatchError('BAD_BODY', cause.message, { cause });
  }
}

const KIND_OF = { scalars: 'sample', waves: 'wave', frames: 'frame' };

function eventsOf({ n, first: seq, t0, stream }: BatchHead, plain: Uint8Array): EventRun {
  if (stream.kind !== 'event') {
    throw new BatchError('BAD_BODY', `events of a ${stream.kind} stream`);
  }
  const lines = textOf(plain).split('\n');
  if (lines.length !== n) throw new BatchError('BAD_BODY', `${lines.length} events, not ${n}`);
  return { kind: 'events', seq, events: lines.map((line, i) => eventOf(line, i, t0)) };
}

function eventOf(line: string, i: number, t0: Micros): EventItem {
  if (depthOf(line) > DEPTH_MAX) {
    throw new BatchError('BAD_BODY', `event ${i} is nested deeper than ${DEPTH_MAX}`);
  }
  const item = parsed(line, i);
  if (Array.isArray(item) && item.length === 2) {
    const [after, data]: unknown[] = item;
    const t = t0 + Number(after);
    if (Number.isInteger(after) && Number.isSafeInteger(t) && isObject(data)) return { t, data };
  }
  throw new BatchError('BAD_BODY', `event ${i} is not a time and an object`);
}

/** How deep its brackets nest; those in strings count for nothing. */
function depthOf(line: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (char === '"') inString = !inString;
    else if (inString && char === '\\') i++;
    else if (!inString && (char === '[' || char === '{')) deepest = Math.max(deepest, ++depth);
    else if (!inString && (char === ']' || char === '}')) depth--;
  }
  return deepest;
}

function parsed(line: string, i: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new BatchError('BAD_BODY', `event ${i} is no JSON`, { cause });
  }
}

/** What JSON.parse gives has nothing in it but Json. */
function isObject(value: unknown): value is EventItem['data'] {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function gapOf({ n, first: seq }: BatchHead, plain: Uint8Array): Gap {
  const told = textOf(plain);
  const reason = GAP_REASONS.find((name) => name === told);
  if (reason === undefined) {
    throw new BatchError('BAD_BODY', `a gap for no reason that is known: ${told.slice(0, 40)}`);
  }
  return { kind: 'gap', seq, n, reason };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BatchError('BAD_BODY', 'its body is no UTF-8', { cause });
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/**
 * The frames of ISO 15765-2 on classical CAN, by their protocol control information (table 9):
 *
 *   0L                     single frame, L = 1..7 data bytes follow
 *   1L LL                  first frame, LLL = 8..4095 bytes in the whole message, 6 data bytes follow
 *   10 00 LL LL LL LL      first frame of a message of 4096 bytes or more, 2 data bytes follow
 *   2N                     consecutive frame, N = 1..15, 0, 1.. counts on from the first frame
 *   3S BB TT               flow control: status, block size, least time between consecutive frames
 *
 * In extended and mixed addressing (10.3.4, 10.3.5) an address byte comes before all that, and each
 * frame holds one data byte less.
 */
export const SINGLE = 0;
export const FIRST = 1;
export const CONSECUTIVE = 2;
export const FLOW = 3;

/** A classical CAN frame, and what is left of it behind an address byte. */
export const FRAME_BYTES = 8;
/** The longest message that the 12-bit length of a first frame can tell. */
export const SHORT_LENGTH_MAX = 4095;
/** A first frame tells its length in two bytes, or after `10 00` in four more. */
export const SHORT_HEAD_BYTES = 2;
export const LONG_HEAD_BYTES = 6;
/** Status, block size and separation time. */
const FLOW_BYTES = 3;

/** Flow status (table 18): go on, wait for another one, too long for the receiver. */
export const CONTINUE = 0;
export const WAIT = 1;
export const OVERFLOW = 2;

/** What is the same in all frames that one end sends. */
export interface FrameShape {
  /** The address byte; undefined in normal addressing. */
  readonly prefix: number | undefined;
  /** Fills short frames up to 8 bytes; undefined leaves them short. */
  readonly padding: number | undefined;
}

/** How many bytes of a frame are left for ISO-TP: 8, or 7 behind an address byte. */
export function roomOf({ prefix }: FrameShape): number {
  return prefix === undefined ? FRAME_BYTES : FRAME_BYTES - 1;
}

/** The data bytes of a frame with a whole message of 1 to 7 bytes; 6 behind an address byte. */
export function singleFrame(pdu: Uint8Array, shape: FrameShape): Uint8Array {
  return frame(shape, [pdu.length], pdu);
}

/** The first frame of a message that is longer, and how many bytes of it that holds. */
export function firstFrame(
  pdu: Uint8Array,
  shape: FrameShape,
): { readonly data: Uint8Array; readonly held: number } {
  const length = pdu.length;
  const head =
    length <= SHORT_LENGTH_MAX
      ? [(FIRST << 4) | (length >> 8), length & 0xff]
      : [FIRST << 4, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
  const held = roomOf(shape) - head.length;
  return { data: frame(shape, head, pdu.subarray(0, held)), held };
}

/**
 * A consecutive frame with what fits of the message from `at` on.
 *
 * @param index counts the consecutive frames of a message from 1; its low four bits are sent
 */
export function consecutiveFrame(
  index: number,
  pdu: Uint8Array,
  at: number,
  shape: FrameShape,
): Uint8Array {
  const start = shape.prefix === undefined ? 0 : 1;
  const part = Math.min(pdu.length - at, FRAME_BYTES - start - 1);
  const end = start + 1 + part;
  const data = new Uint8Array(shape.padding === undefined ? end : FRAME_BYTES);
  if (shape.prefix !== undefined) data[0] = shape.prefix;
  data[start] = (CONSECUTIVE << 4) | (index & 0x0f);
  for (let i = 0; i < part; i++) data[start + 1 + i] = pdu[at + i] ?? 0;
  if (shape.padding !== undefined && end < FRAME_BYTES) data.fill(shape.padding, end);
  return data;
}

export interface FlowControl {
  /** CONTINUE, WAIT, OVERFLOW, or one of the reserved 3 to 15. */
  readonly status: number;
  /** Consecutive frames until the next flow control; 0 for all that are left. */
  readonly blockSize: number;
  /** Code of the separation time: 00-7F are milliseconds, F1-F9 are 100 to 900 us. */
  readonly stMin: number;
}

/** The data bytes of flow control. */
export function flowFrame(flow: FlowControl, shape: FrameShape): Uint8Array {
  return frame(shape, [(FLOW << 4) | flow.status, flow.blockSize, flow.stMin], NOTHING);
}

const NOTHING = new Uint8Array(0);

/**
 * Reads flow control, or undefined when a byte of it is missing or it is no frame of classical CAN.
 *
 * @param data of a frame whose kind is FLOW, without the address byte
 */
export function readFlow(data: Uint8Array): FlowControl | undefined {
  const [control = 0, blockSize = 0, stMin = 0] = data;
  if (data.length < FLOW_BYTES || data.length > FRAME_BYTES) return undefined;
  return { status: control & 0x0f, blockSize, stMin };
}

const ST_MIN_MS_MAX = 0x7f;

/** The least time between two consecutive frames, in milliseconds. */
export function separationMs(stMin: number): number {
  if (stMin >= 0xf1 && stMin <= 0xf9) return (stMin - 0xf0) / 10;
  // Reserved values mean the longest time (ISO 15765-2, 9.6.5.5).
  return Math.min(stMin, ST_MIN_MS_MAX);
}

function frame(shape: FrameShape, head: readonly number[], part: Uint8Array): Uint8Array {
  const start = shape.prefix === undefined ? 0 : 1;
  const content = start + head.length + part.length;
  const data = new Uint8Array(shape.padding === undefined ? content : FRAME_BYTES);
  if (shape.prefix !== undefined) data[0] = shape.prefix;
  for (let i = 0; i < head.length; i++) data[start + i] = head[i] ?? 0;
  data.set(part, start + head.length);
  if (shape.padding !== undefined && content < FRAME_BYTES) data.fill(shape.padding, content);
  return data;
}

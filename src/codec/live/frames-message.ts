/**
 * Raw frames of a CAN bus as clients get them while they come: over the WebSocket, and under
 * `car/<device>/stream/` of MQTT. Little-endian:
 *
 *    0  u8   2 = frames
 *    1  u8   version of this layout, 1
 *    2  u16  number of the stream, as told in `subscribed` (WebSocket) or `info` (MQTT)
 *    4  u32  place of the first frame in its stream, modulo 2^32
 *    8  i64  time of the first frame, us
 *   16  u16  frames, n
 *   18       6 bytes, 0
 *   24       n frames of 16 bytes each:
 *    0  u32  identifier, with bit 31 set where it has 29 bits
 *    4  u24  time after that of the first frame, us
 *    7  u8   bytes of data, 0 to 8
 *    8       data, filled up with 0 to 8 bytes
 */
import { EXTENDED_FLAG, type Frame } from '#core/stream.ts';

const FRAMES_TYPE = 2;
const LAYOUT_VERSION = 1;
const HEADER_BYTES = 24;
const FRAME_BYTES = 16;

/** Frames in a row, of which the first has the place `seq` in the stream. */
export interface FrameBlock {
  readonly seq: number;
  /** At least one, none more than 2^24 us after the first and none before it. */
  readonly frames: readonly [Frame, ...Frame[]];
}

/** @param number of the stream, as the client was told */
export function encodeFramesBinary({ seq, frames }: FrameBlock, number: number): Uint8Array {
  const [{ t }] = frames;
  const bytes = Buffer.alloc(HEADER_BYTES + frames.length * FRAME_BYTES);
  bytes.writeUInt8(FRAMES_TYPE, 0);
  bytes.writeUInt8(LAYOUT_VERSION, 1);
  bytes.writeUInt16LE(number, 2);
  bytes.writeUInt32LE(seq % 2 ** 32, 4);
  bytes.writeBigInt64LE(BigInt(t), 8);
  bytes.writeUInt16LE(frames.length, 16);
  let at = HEADER_BYTES;
  for (const frame of frames) {
    bytes.writeUInt32LE(numberOf(frame), at);
    bytes.writeUIntLE(frame.t - t, at + 4, 3);
    bytes.writeUInt8(frame.data.length, at + 7);
    bytes.set(frame.data, at + 8);
    at += FRAME_BYTES;
  }
  return bytes;
}

/** The identifier, marked where it has 29 bits. */
export function numberOf({ id, extended }: Frame): number {
  return extended ? id + EXTENDED_FLAG : id;
}

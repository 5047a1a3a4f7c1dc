/**
 * Raw frames of CAN buses on their way to clients.
 *
 * A bus brings thousands a second, so they go to those alone who ask for them by name, and together: a
 * message at most every POST_MS for each bus, or as soon as FRAMES_MAX have come.
 *
 * JSON text:
 *   {"type":"frames","stream":"can.<bus>","seq":<n>,"t":<us>,"frames":[[<us>,<id>,"DEADBEEF"],...]}
 *
 * `t` is the time of the first frame; in the list, each frame has its time after that, its identifier,
 * to which 2147483648 is added where it has 29 bits (EXTENDED_FLAG of core/stream.ts), and its data.
 * `seq` is the place of the first frame in its stream, from 0 at the start of the process: where it is
 * further on than the frames before it reached, some are missing.
 *
 * Binary, little-endian:
 *    0  u8   2 = frames
 *    1  u8   version of this layout, 1
 *    2  u16  number of the stream, as told in `subscribed`
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
import type { Clock } from '#core/clock.ts';
import { EXTENDED_FLAG, type Frame, type Micros } from '#core/stream.ts';
import type { Outgoing } from './client.ts';
import { encodeJson } from './encode.ts';
import type { Channel, Subscription } from './feed.ts';

/** Between two messages of a bus: a page can draw 20 lists a second and nobody can read more. */
const POST_MS = 50;
/** Frames of one message; one that is full goes out at once. A full bus of 1 Mbit/s has 450 in 50 ms. */
const FRAMES_MAX = 1_000;
/** The time of a frame after the first has 24 bits: another message begins where they do not do. */
const SPAN_US_MAX = 0xff_ffff;
const FRAMES_TYPE = 2;
const LAYOUT_VERSION = 1;
const HEADER_BYTES = 24;
const FRAME_BYTES = 16;
const HEX = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);

/** Frames in a row, of which the first has the place `seq` in the stream. */
export interface FrameBlock {
  readonly seq: number;
  /** At least one, none more than SPAN_US_MAX after the first and none before it. */
  readonly frames: readonly [Frame, ...Frame[]];
}

export function encodeFramesJson({ seq, frames }: FrameBlock): Uint8Array {
  const [{ stream, t }] = frames;
  const rows = frames.map((frame) => [frame.t - t, numberOf(frame), hexOf(frame.data)]);
  return encodeJson({ type: 'frames', stream: stream.id, seq, t, frames: rows });
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

function numberOf({ id, extended }: Frame): number {
  return extended ? id + EXTENDED_FLAG : id;
}

function hexOf(data: Uint8Array): string {
  let text = '';
  for (const byte of data) text += HEX[byte];
  return text;
}

/** Gathers the frames of every bus and makes messages of them. */
export class FramePost {
  readonly #realTime: Clock;
  readonly #batches = new Map<Channel, Batch>();
  /** Ones with frames that wait. */
  readonly #waiting = new Set<Batch>();
  #timing = false;

  /** @param realTime in which clients wait */
  constructor(realTime: Clock) {
    this.#realTime = realTime;
  }

  take(channel: Channel, frame: Frame): void {
    let batch = this.#batches.get(channel);
    if (batch === undefined) {
      batch = new Batch(channel);
      this.#batches.set(channel, batch);
    }
    if (channel.pacers.size === 0) {
      batch.pass();
      return;
    }
    if (!batch.fits(frame)) batch.post();
    batch.add(frame);
    this.#waiting.add(batch);
  }

  /** Sends what is due, and will send the rest when it is. */
  flush(now: Micros): void {
    for (const batch of this.#waiting) {
      if (now >= batch.dueAt) {
        batch.post();
        batch.dueAt = now + POST_MS * 1000;
        this.#waiting.delete(batch);
      }
      // Messages that were full may be there too.
      for (const pacer of batch.channel.pacers) pacer.flush(now);
    }
    if (this.#waiting.size > 0 && !this.#timing) void this.#flushWhenDue(now);
  }

  /** Sends all that wait, due or not: who comes now is not to get what came before. */
  flushAll(): void {
    for (const batch of this.#waiting) {
      batch.post();
      for (const pacer of batch.channel.pacers) pacer.flush(this.#realTime.now());
    }
    this.#waiting.clear();
  }

  async #flushWhenDue(from: Micros): Promise<void> {
    this.#timing = true;
    for (let now = from; this.#waiting.size > 0; now = this.#realTime.now()) {
      this.flush(now);
      const dueAt = Math.min(...[...this.#waiting].map((batch) => batch.dueAt));
      if (dueAt < Infinity) await this.#realTime.sleep(Math.ceil((dueAt - now) / 1000));
    }
    this.#timing = false;
  }
}

/** What has come of one bus and has not gone out. */
class Batch {
  readonly channel: Channel;
  /** When the next message may go out. */
  dueAt: Micros = 0;
  #frames: Frame[] = [];
  /** Frames that have gone out, or that nobody wanted. */
  #seq = 0;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Counts one that nobody wants, and those that waited for somebody who has gone. */
  pass(): void {
    this.#seq += this.#frames.length + 1;
    this.#frames = [];
  }

  /** Whether it may share a message with those that wait. */
  fits({ t }: Frame): boolean {
    const [first] = this.#frames;
    if (first === undefined) return true;
    const after = t - first.t;
    return this.#frames.length < FRAMES_MAX && after >= 0 && after <= SPAN_US_MAX;
  }

  add(frame: Frame): void {
    this.#frames.push(frame);
  }

  /** Makes a message of all that wait, once for each format, and puts it where it goes out from. */
  post(): void {
    const [first, ...others] = this.#frames;
    if (first === undefined) return;
    const block: FrameBlock = { seq: this.#seq, frames: [first, ...others] };
    this.#seq += this.#frames.length;
    this.#frames = [];
    const made: { json?: Outgoing; bin?: Outgoing } = {};
    for (const pacer of this.channel.pacers) {
      const { format } = pacer.subscription;
      made[format] ??= message(block, this.channel, format);
      pacer.outbox.push(made[format]);
    }
  }
}

function message(
  block: FrameBlock,
  { stream, number }: Channel,
  format: Subscription['format'],
): Outgoing {
  const binary = format === 'bin';
  const bytes = binary ? encodeFramesBinary(block, number) : encodeFramesJson(block);
  return { kind: 'frames', stream, samples: block.frames.length, binary, bytes };
}

/**
 * Raw frames of CAN buses on their way to clients.
 *
 * A bus brings thousands a second, so they go to those alone who ask for them by name, and together: a
 * message at most every POST_MS for each bus, or as soon as one is full: codec/live/frame-batch.ts.
 *
 * JSON text:
 *   {"type":"frames","stream":"can.<bus>","seq":<n>,"t":<us>,"frames":[[<us>,<id>,"DEADBEEF"],...]}
 *
 * `t` is the time of the first frame; in the list, each frame has its time after that, its identifier,
 * to which 2147483648 is added where it has 29 bits (EXTENDED_FLAG of core/stream.ts), and its data.
 * `seq` is the place of the first frame in its stream, from 0 at the start of the process: where it is
 * further on than the frames before it reached, some are missing.
 *
 * In binary they are codec/live/frames-message.ts.
 */
import type { Clock } from '#core/clock.ts';
import type { Frame, Micros } from '#core/stream.ts';
import { FrameBatch, POST_MS } from '../codec/live/frame-batch.ts';
import { encodeFramesBinary, type FrameBlock, numberOf } from '../codec/live/frames-message.ts';
import type { Outgoing } from './client.ts';
import { encodeJson } from './encode.ts';
import type { Channel, Subscription } from './feed.ts';

const HEX = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);

export function encodeFramesJson({ seq, frames }: FrameBlock): Uint8Array {
  const [{ stream, t }] = frames;
  const rows = frames.map((frame) => [frame.t - t, numberOf(frame), hexOf(frame.data)]);
  return encodeJson({ type: 'frames', stream: stream.id, seq, t, frames: rows });
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

/** What has come of one bus and has not gone out, and to whom it is to go. */
class Batch extends FrameBatch {
  readonly channel: Channel;

  constructor(channel: Channel) {
    super();
    this.channel = channel;
  }

  /** Makes a message of all that wait, once for each format, and puts it where it goes out from. */
  post(): void {
    const block = this.take();
    if (block === undefined) return;
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

/**
 * Waves and raw frames as MQTT brings them: `stream/<id>`, each message a block as the WebSocket has it
 * (wave-message.ts and frames-message.ts of codec/live), QoS 0 and never retained. They are thousands of
 * values a second, so that a block is made only while somebody subscribes to it.
 */
import type { Frame, Micros, Stream, Wave } from '#core/stream.ts';
import { FrameBatch, POST_MS } from '../codec/live/frame-batch.ts';
import { encodeFramesBinary } from '../codec/live/frames-message.ts';
import { encodeWaveBinary } from '../codec/live/wave-message.ts';

export interface BlocksOptions {
  numberOf(stream: Stream): number;
  isWanted(stream: Stream): boolean;
  send(stream: Stream, bytes: Uint8Array): void;
}

interface Bus {
  readonly batch: FrameBatch;
  readonly stream: Stream;
}

export class Blocks {
  readonly #options: BlocksOptions;
  /** By the id of the stream. */
  readonly #buses = new Map<string, Bus>();
  readonly #waiting = new Set<Bus>();
  /** Asked once in a turn: thousands of frames come in one. */
  readonly #wanted = new Map<Stream, boolean>();

  constructor(options: BlocksOptions) {
    this.#options = options;
  }

  /** Whether frames wait to be sent. */
  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  /** Asks anew who wants what. */
  beginTurn(): void {
    this.#wanted.clear();
  }

  wave(wave: Wave): void {
    const { stream } = wave;
    if (!this.#isWanted(stream)) return;
    this.#options.send(stream, encodeWaveBinary(wave, this.#options.numberOf(stream)));
  }

  frame(frame: Frame): void {
    const { stream } = frame;
    let bus = this.#buses.get(stream.id);
    if (bus?.stream !== stream) {
      bus = { batch: bus?.batch ?? new FrameBatch(), stream };
      this.#buses.set(stream.id, bus);
    }
    if (!this.#isWanted(stream)) {
      bus.batch.pass();
      return;
    }
    if (!bus.batch.fits(frame)) this.#post(bus);
    bus.batch.add(frame);
    this.#waiting.add(bus);
  }

  /** Sends the frames that are due. */
  flush(now: Micros): void {
    for (const bus of this.#waiting) {
      if (now < bus.batch.dueAt) continue;
      this.#post(bus);
      bus.batch.dueAt = now + POST_MS * 1000;
      this.#waiting.delete(bus);
    }
  }

  #post({ batch, stream }: Bus): void {
    const block = batch.take();
    if (block === undefined) return;
    this.#options.send(stream, encodeFramesBinary(block, this.#options.numberOf(stream)));
  }

  #isWanted(stream: Stream): boolean {
    let isWanted = this.#wanted.get(stream);
    if (isWanted === undefined) {
      isWanted = this.#options.isWanted(stream);
      this.#wanted.set(stream, isWanted);
    }
    return isWanted;
  }
}

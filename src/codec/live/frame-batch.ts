import type { Frame, Micros } from '#core/stream.ts';
import type { FrameBlock } from './frames-message.ts';

/** Between two messages of a bus, ms: a page can draw 20 lists a second and nobody can read more. */
export const POST_MS = 50;
/** Frames of one message; one that is full goes out at once. A full bus of 1 Mbit/s has 450 in 50 ms. */
const FRAMES_MAX = 1_000;
/** The time of a frame after the first has 24 bits: another message begins where they do not do. */
const SPAN_US_MAX = 0xff_ffff;

/** What has come of one bus and has not gone out. */
export class FrameBatch {
  /** When the next message may go out. */
  dueAt: Micros = 0;
  #frames: Frame[] = [];
  /** Frames that have gone out, or that nobody wanted. */
  #seq = 0;

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

  /** Takes all that wait; undefined where there are none. */
  take(): FrameBlock | undefined {
    const [first, ...others] = this.#frames;
    if (first === undefined) return undefined;
    const block: FrameBlock = { seq: this.#seq, frames: [first, ...others] };
    this.#seq += this.#frames.length;
    this.#frames = [];
    return block;
  }
}

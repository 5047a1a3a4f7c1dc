/**
 * Signals of CAN frames as samples.
 *
 * A bus brings some 30,000 values a second, most of them the same as before, and the raw frames keep every
 * one of them: a replay or an export can decode them again. So a signal is told
 * - when it has changed, at once where it was last told CHANGE_US_MIN ago or more; else when that is over,
 *   with the newest value and the time at which it came, even if no further frame does;
 * - with any frame when it was last told REFRESH_US ago or more, so that who listens sees that it is alive.
 * A change that is taken back before it could be told is told only by the frames; it is counted.
 *
 * Where all signals of a bus together come to more than SAMPLES_HZ_MAX, the time between two changes of one
 * is doubled, up to CHANGE_US_MAX, and halved again when there is room.
 */
import type { Emit, Micros, Sample, Stream } from '#core/stream.ts';
import type { MessageDecoder } from './dbc/decode.ts';

/** Between two samples of one signal that changes: 20 a second. */
const CHANGE_US_MIN = 50_000;
/** The same where a bus has more to tell than SAMPLES_HZ_MAX. */
const CHANGE_US_MAX = 800_000;
/** A signal that stays the same is told so often while its frames come. */
export const REFRESH_HZ = 1;
const REFRESH_US = 1e6 / REFRESH_HZ;
/** Samples a second of one bus: a twentieth of a core of a small computer. */
const SAMPLES_HZ_MAX = 2_000;
/** Changes are further apart as soon as a second has more, and closer again below this part of it. */
const ROOMY = 1 / 3;

/** What all signals of a bus share. */
export class Pace {
  /** Between two changes of a signal, us. */
  changeUs = CHANGE_US_MIN;
  /** Samples since the start. */
  told = 0;
  /** Changes that were over before they could be told. */
  merged = 0;
  /** Signals that frames were too short for, or that were no number. */
  missing = 0;
  /** Those with a change that has not been told. */
  readonly waiting = new Set<MessageSignals>();
  #toldBefore = 0;

  /** Called once a second. */
  adapt(): void {
    const rate = this.told - this.#toldBefore;
    this.#toldBefore = this.told;
    if (rate > SAMPLES_HZ_MAX) this.changeUs = Math.min(2 * this.changeUs, CHANGE_US_MAX);
    else if (rate < SAMPLES_HZ_MAX * ROOMY) {
      this.changeUs = Math.max(this.changeUs / 2, CHANGE_US_MIN);
    }
  }

  /**
   * Tells the changes that have waited long enough.
   *
   * @param afterUs since their signal was told before; with -Infinity all that wait
   */
  flush(now: Micros, emit: Emit, afterUs = this.changeUs): void {
    for (const message of this.waiting) message.flush(now, emit, afterUs);
  }
}

/** The signals of one message. */
export class MessageSignals {
  readonly #streams: readonly Stream[];
  readonly #decoder: MessageDecoder;
  readonly #pace: Pace;
  /** By place: what was told last, and when. */
  readonly #value: Float64Array;
  readonly #at: Float64Array;
  /** By place: a change that waits, and when it came; the time is NaN where none does. */
  readonly #next: Float64Array;
  readonly #nextAt: Float64Array;
  /** Of the frame that is being decoded. */
  #t: Micros = 0;
  #emit: Emit = () => {};

  /** @param streams by place */
  constructor(streams: readonly Stream[], decoder: MessageDecoder, pace: Pace) {
    const n = streams.length;
    this.#streams = streams;
    this.#decoder = decoder;
    this.#pace = pace;
    this.#value = new Float64Array(n).fill(Number.NaN);
    this.#at = new Float64Array(n).fill(Number.NEGATIVE_INFINITY);
    this.#next = new Float64Array(n);
    this.#nextAt = new Float64Array(n).fill(Number.NaN);
  }

  /** @param t never before that of the frame before */
  take(data: Uint8Array, t: Micros, emit: Emit): void {
    this.#t = t;
    this.#emit = emit;
    this.#pace.missing += this.#decoder.decode(data, this.#give);
  }

  flush(now: Micros, emit: Emit, afterUs: Micros): void {
    this.#emit = emit;
    let waits = false;
    for (let place = 0; place < this.#nextAt.length; place++) {
      const t = this.#nextAt[place] ?? Number.NaN;
      if (Number.isNaN(t)) continue;
      const isDue = now - (this.#at[place] ?? 0) >= afterUs;
      if (isDue) {
        this.#tell(place, this.#next[place] ?? 0, t);
        // The value is from then, but the next one is to come after as long a time as any other.
        this.#at[place] = now;
      } else waits = true;
    }
    if (!waits) this.#pace.waiting.delete(this);
  }

  /** Made once, so that a frame costs no function. */
  readonly #give = (place: number, v: number): void => {
    const t = this.#t;
    const age = t - (this.#at[place] ?? 0);
    const isSame = Object.is(v, this.#value[place]);
    const waits = !Number.isNaN(this.#nextAt[place]);
    // Another value waited: nobody will be told of it.
    if (waits && !Object.is(v, this.#next[place])) this.#pace.merged++;
    if (age >= REFRESH_US || (!isSame && age >= this.#pace.changeUs)) {
      this.#tell(place, v, t);
    } else if (isSame) {
      this.#nextAt[place] = Number.NaN;
    } else if (!waits || !Object.is(v, this.#next[place])) {
      this.#next[place] = v;
      this.#nextAt[place] = t;
      this.#pace.waiting.add(this);
    }
  };

  #tell(place: number, v: number, t: Micros): void {
    const stream = this.#streams[place];
    if (stream === undefined) return;
    this.#value[place] = v;
    this.#at[place] = t;
    this.#nextAt[place] = Number.NaN;
    this.#pace.told++;
    const sample: Sample = { kind: 'sample', stream, t, v };
    this.#emit(sample);
  }
}

import type { Emit, Micros, Stream } from '#core/stream.ts';
import { type LossLedger, type LossReason, SampleClock } from './sampling.ts';

/**
 * The wave of a ThinkGear headset: samples in, waves with time, position and losses out.
 *
 * The packets carry no number. But a headset sends exactly SECOND_SAMPLES samples between two of its
 * 1 Hz packets, so what is missing is known, to the sample, when the next of those arrives:
 *
 *   - A wave has BLOCK_SAMPLES samples and leaves with the chunk that completes it. It ends early
 *     where something is missing, so that what is missing is always before its first sample.
 *   - A damaged packet that can be nothing but a sample (see `damaged`) is missing at once and in
 *     its place. All else is in the total of the next 1 Hz packet, and stands before the wave after
 *     it: up to a second late in `seq`, not in `t`, which allows for a loss as soon as the line has
 *     been late for RECENT_US (sampling.ts).
 *   - When 1 Hz packets are missing too, the clock tells how many.
 *   - After GAP_US without data, waves are held back for as long as it takes to see whether they are
 *     late (then nothing is missing), but at most DOUBT_US.
 *   - More samples than there should be (a packet that is there twice) never turn `seq` back: they
 *     are set off against the losses that follow.
 *
 * `seq` goes on over reconnections; the outage counts as lost, by the clock.
 *
 * How good it is, over lines with bursts of 5-100 ms and as much as 30 ms of jitter: times are within
 * 2 ms of the truth without losses, and mostly within 15 ms (30 at worst) in the second in which 5 %
 * are lost at random. What was lost before the first 1 Hz packet of a connection stays unknown.
 */
const SECOND_SAMPLES = 512;
const BLOCK_SAMPLES = 32;
const RAW_PACKET_BYTES = 8;
const SECOND_PACKET_BYTES = 36;
/** A pause longer than this is an interruption. */
const GAP_US = 250_000;
const DOUBT_US = 150_000;
/** A line that is late by less than this is only slow: one that lost nothing of late, and one that did. */
const SLOW_US_MAX = 25_000;
const SLOW_US = 8_000;
/** By how much even the least late of some chunks is late. */
const JITTER_US = 3_000;
/** Count and clock may differ by this before the count is not believed: the headset began anew. */
const PHASE_SAMPLES_MAX = 64;

interface Missing {
  readonly count: number;
  readonly reason: LossReason;
}

interface Block {
  /** The device's count at v[0]. */
  n: number;
  readonly v: Int16Array;
  length: number;
  readonly missing: Missing[];
}

export class RawStream {
  /** Samples that came twice. */
  surplus = 0;
  readonly #stream: Stream;
  readonly #ledger: LossLedger;
  readonly #clock: SampleClock;
  #seq = 0;
  /** Surplus samples that `seq` has counted and no loss has made up for yet. */
  #ahead = 0;
  /** The device's count of the next sample: 0 at the start of a connection. */
  #n = 0;
  /** The count at the last 1 Hz packet. */
  #secondAt: number | undefined;
  /** Whether samples were missing, and nobody knew where, in the last second. */
  #leaks = false;
  /** Damaged bytes of this second that may have been samples. */
  #damagedBytes = 0;
  /** Whether there was an interruption since the last 1 Hz packet. */
  #interruption = false;
  #open: Block = newBlock(0);
  #ready: Block[] = [];
  /** Set after an interruption, until it is known whether it cost anything. */
  #doubt: { readonly since: Micros; late: number } | undefined;
  /** Time of the last sample that went out; undefined before the first. */
  #last: number | undefined;
  #outage = false;

  constructor(stream: Stream, ledger: LossLedger) {
    this.#stream = stream;
    this.#ledger = ledger;
    this.#clock = new SampleClock(stream.hz);
  }

  /** Samples per second of our clock. */
  get hz(): number {
    return this.#clock.hz;
  }

  /** A new connection: the device's count starts anew, `seq` does not. */
  connected(): void {
    this.#clock.restart();
    this.#n = 0;
    this.#secondAt = undefined;
    this.#damagedBytes = 0;
    this.#interruption = false;
    this.#open = newBlock(0);
    this.#outage = this.#last !== undefined;
  }

  /** A chunk arrived at `now`; its packets follow. */
  chunkBegins(now: Micros, emit: Emit): void {
    if (this.#doubt || !this.#clock.started) return;
    if (now - this.#clock.timeAt(this.#n) - this.#clock.late < GAP_US) return;
    this.#close();
    this.#release(now, emit);
    this.#doubt = { since: now, late: Number.POSITIVE_INFINITY };
  }

  sample(v: number): void {
    const block = this.#open;
    block.v[block.length++] = v;
    this.#n++;
    if (block.length === BLOCK_SAMPLES) this.#close();
  }

  /**
   * Bytes that were no packet came before the next one. A multiple of a sample's packet, with a
   * wrong checksum in it, was that many samples; so it was if a 1 Hz packet is in it, too. Anything
   * else may have been noise between packets, which costs nothing: the count will tell.
   */
  damaged(bytes: number, badChecksums: number): void {
    const spare = bytes % RAW_PACKET_BYTES;
    const second = spare === SECOND_PACKET_BYTES % RAW_PACKET_BYTES && bytes >= SECOND_PACKET_BYTES;
    const samples = (bytes - (second ? SECOND_PACKET_BYTES : spare)) / RAW_PACKET_BYTES;
    const certain = badChecksums > 0 && (spare === 0 || second);
    if (certain && this.#n > 0) this.#miss(samples, 'checksum');
    else this.#damagedBytes += bytes;
  }

  /** A 1 Hz packet came: now the count is known. */
  second(): void {
    if (this.#doubt) return; // The next one counts for both.
    if (this.#n === 0) return; // A headset without raw output has nothing to count.
    const before = this.#secondAt;
    const known = before !== undefined && !this.#interruption;
    if (before !== undefined) this.#settle(this.#n - before);
    this.#secondAt = this.#n;
    this.#interruption = false;
    this.#damagedBytes = 0;
    // What was lost since an interruption or the beginning had bent the line.
    if (known) this.#clock.mark();
    else this.#clock.forget();
  }

  /** The chunk's packets are through: what is complete and certain goes out. */
  chunkEnds(now: Micros, emit: Emit): void {
    if (this.#n > 0) this.#arrived(now);
    if (!this.#doubt) this.#release(now, emit);
  }

  /** The connection is over: what is left goes out as it is. */
  disconnected(now: Micros, emit: Emit): void {
    this.#doubt = undefined;
    this.#close();
    this.#release(now, emit);
  }

  /** The time of the newest sample: when something that came with it was measured. */
  timeAt(now: Micros): Micros {
    if (!this.#clock.started || this.#doubt) return now;
    return Math.round(Math.min(now, this.#clock.timeAt(this.#n - 1) + this.#slip()));
  }

  #arrived(now: Micros): void {
    const newest = this.#n - 1;
    if (!this.#doubt) {
      this.#clock.arrived(newest, now);
      return;
    }
    // What the line was late before the pause is not the pause's doing.
    const late = now - this.#clock.timeAt(newest) - this.#clock.late;
    this.#doubt.late = Math.min(this.#doubt.late, late);
    if (late > GAP_US / 2 && now - this.#doubt.since < DOUBT_US) return;
    if (late > GAP_US / 2) this.#interrupted(this.#doubt.late);
    this.#doubt = undefined;
  }

  /** The pause was a loss: it stands before the first block after it. What is over is left to the count. */
  #interrupted(late: number): void {
    const count = Math.floor((late - SLOW_US) * (this.#clock.hz / 1e6));
    const first = this.#ready[0] ?? this.#open;
    first.missing.push({ count: this.#setOff(count), reason: 'link' });
    for (const block of this.#ready) block.n += count;
    this.#open.n += count;
    this.#n += count;
    this.#interruption = true;
    // The line still holds, as time is what the count was made from; its points are of the past.
    this.#clock.forget();
  }

  /** Compares what came since the last 1 Hz packet with what the device has sent. */
  #settle(count: number): void {
    const late = (this.#clock.late * this.#clock.hz) / 1e6;
    const seconds = Math.max(1, Math.round((count + late) / SECOND_SAMPLES));
    const missing = seconds * SECOND_SAMPLES - count;
    const restarted = this.#interruption && Math.abs(missing - late) > PHASE_SAMPLES_MAX;
    if (restarted) return; // What there is to know, the clock has told.
    if (missing < 0) {
      this.#close();
      this.surplus -= missing;
      this.#ahead -= missing;
      this.#jump(missing);
    } else {
      const damaged = Math.min(missing, Math.round(this.#damagedBytes / RAW_PACKET_BYTES));
      this.#miss(damaged, 'checksum');
      this.#miss(missing - damaged, 'unexplained');
      this.#leaks = missing > 0;
    }
  }

  /** So many samples are missing here. */
  #miss(count: number, reason: LossReason): void {
    if (count === 0) return;
    this.#close();
    this.#open.missing.push({ count: this.#setOff(count), reason });
    this.#jump(count);
  }

  #jump(count: number): void {
    this.#n += count;
    this.#open.n += count;
    this.#clock.advance(count);
  }

  /** What is left of a loss after the surplus before it. */
  #setOff(count: number): number {
    const off = Math.min(this.#ahead, count);
    this.#ahead -= off;
    return count - off;
  }

  #close(): void {
    if (this.#open.length === 0) return;
    this.#ready.push(this.#open);
    this.#open = newBlock(this.#n);
  }

  /** Delay of the line that must be samples missing and not counted yet, in microseconds. */
  #slip(): number {
    const { late } = this.#clock;
    return late > (this.#leaks ? SLOW_US : SLOW_US_MAX) ? late - JITTER_US : 0;
  }

  #release(now: Micros, emit: Emit): void {
    const { hz } = this.#clock;
    const slip = this.#slip();
    const newest = this.#ready.at(-1);
    const end = newest === undefined ? 0 : newest.n + newest.length;
    for (const { n, v, length, missing } of this.#ready) {
      // No sample is newer than its arrival, nor older than the one before it; and the newest of
      // several blocks that came together arrived last.
      const latest = now - ((end - n - 1) * 1e6) / hz;
      const t = Math.round(
        Math.max(Math.min(this.#clock.timeAt(n) + slip, latest), (this.#last ?? -1) + 1),
      );
      if (this.#outage && this.#last !== undefined) {
        const count = Math.max(0, Math.round(((t - this.#last) * hz) / 1e6) - 1);
        missing.unshift({ count, reason: 'link' });
        this.#outage = false;
      }
      const lost = this.#enter(missing, t);
      const wave = length === BLOCK_SAMPLES ? v : v.slice(0, length);
      emit({ kind: 'wave', stream: this.#stream, t, hz, v: wave, seq: this.#seq, lost });
      this.#seq += length;
      this.#last = t + ((length - 1) * 1e6) / hz;
    }
    this.#ready = [];
  }

  /** Moves `seq` over what is missing and writes it down. Returns how much it was. */
  #enter(missing: readonly Missing[], t: Micros): number {
    let lost = 0;
    for (const { count, reason } of missing) {
      if (count === 0) continue;
      this.#ledger.add({ seq: this.#seq, count, reason, t });
      this.#seq += count;
      lost += count;
    }
    return lost;
  }
}

function newBlock(n: number): Block {
  return { n, v: new Int16Array(BLOCK_SAMPLES), length: 0, missing: [] };
}

import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { memoryPort } from '../io/memory.ts';
import type { OpenPort } from '../io/port.ts';
import { Head } from './head.ts';
import { hash01 } from './random.ts';

/**
 * The bytes a ThinkGear headset makes of a head: 512 packets of one sample each second, and after
 * them one of 36 bytes with contact, band powers, attention and meditation. The layout is described
 * in sources/eeg/thinkgear.ts; it is written down here a second time on purpose, so that the two can
 * be tested against each other.
 */
const SYNC = 0xaa;
const HZ = 512;
const BAND_MAX = 0xff_ffff;
/** Poor signal without skin contact. */
const NO_CONTACT = 200;

/** First and last whole Hz of delta, theta, low/high alpha, low/high beta, low/mid gamma. */
const BANDS_HZ = [
  [1, 2],
  [4, 6],
  [8, 9],
  [10, 11],
  [13, 16],
  [18, 29],
  [31, 39],
  [41, 49],
] as const;

/** What MindWave Mobile+ sends after connecting: codes above 0x7F without the length they need. */
const GREETING = [
  [0xba, 0x04],
  [0xbc, 0x04],
] as const;

/** What may go wrong on the way. The fields can be changed at any time. */
export interface HeadFaults {
  /** Chance 0..1 of a packet to get lost whole. */
  lossProbability: number;
  /** Chance 0..1 of a packet to have one byte changed. */
  corruptProbability: number;
  /** Chance 0..1 of 1 to 16 random bytes before a packet. */
  garbageProbability: number;
  /** True while the headset is not on a head: hum instead of EEG, poor signal 200. */
  off: boolean;
  /** Bytes leave the headset at multiples of this many milliseconds; 0 as soon as they are made. */
  burstMs: number;
}

export function noFaults(): HeadFaults {
  return {
    lossProbability: 0,
    corruptProbability: 0,
    garbageProbability: 0,
    off: false,
    burstMs: 0,
  };
}

/** One sample as the headset took it, whatever became of it on the way. */
export interface TrueSample {
  /** Samples taken before it. */
  readonly n: number;
  /** When it was taken, in microseconds with a fraction. */
  readonly t: number;
  /** Counts of the ADC. */
  readonly v: number;
  readonly fate: Fate;
}

export type Fate = 'sent' | 'lost' | 'damaged';

export interface HeadOptions {
  readonly seed: number;
  /** How much faster than 512 Hz the headset's crystal runs, in parts per million. */
  readonly rateErrorPpm?: number;
  readonly faults?: HeadFaults;
  /** Called with every sample: the truth that the receiver is to find out. */
  readonly onSample?: (sample: TrueSample) => void;
}

/** A headset from the moment it is switched on. */
export class HeadBytes {
  readonly faults: HeadFaults;
  /** Microseconds between two samples. */
  readonly period: number;
  readonly #options: HeadOptions;
  readonly #head: Head;
  readonly #start: Micros;
  readonly #second = new Int16Array(HZ);
  #samples = 0;
  #packets = 0;
  #out: number[] = [];

  /** @param start when the first sample is taken */
  constructor(options: HeadOptions, start: Micros) {
    this.#options = options;
    this.#head = new Head(options.seed);
    this.#start = start;
    this.faults = options.faults ?? noFaults();
    this.period = 1e6 / (HZ * (1 + (options.rateErrorPpm ?? 0) / 1e6));
  }

  /** What the headset has sent by `t` and after the last call. */
  until(t: Micros): Uint8Array {
    const burst = this.faults.burstMs * 1000;
    const end = burst > 0 ? Math.floor(t / burst) * burst : t;
    if (this.#packets === 0) for (const payload of GREETING) this.#send(payload);
    while (this.#start + this.#samples * this.period <= end) this.#sample();
    const bytes = Uint8Array.from(this.#out);
    this.#out = [];
    return bytes;
  }

  #sample(): void {
    const n = this.#samples++;
    const t = this.#start + n * this.period;
    const v = this.faults.off ? this.#hum(n, t) : this.#head.counts(t);
    this.#second[n % HZ] = v;
    const fate = this.#send([0x80, 2, (v >> 8) & 0xff, v & 0xff]);
    this.#options.onSample?.({ n, t, v, fate });
    if (this.#samples % HZ === 0) this.#send(this.#summary(t));
  }

  /** An open input: mostly mains, the rest noise. */
  #hum(n: number, t: number): number {
    return Math.round(
      400 * Math.sin(2 * Math.PI * 50e-6 * t) + 200 * hash01(this.#options.seed, n),
    );
  }

  /** The payload of the packet that closes a second. */
  #summary(t: Micros): number[] {
    const { attention, meditation } = this.#head.mind(t);
    const { off } = this.faults;
    const bands = bandPowers(this.#second).flatMap((v) => [v >> 16, (v >> 8) & 0xff, v & 0xff]);
    return [
      ...[0x02, off ? NO_CONTACT : 0],
      ...[0x83, bands.length, ...bands],
      ...[0x04, off ? 0 : attention],
      ...[0x05, off ? 0 : meditation],
    ];
  }

  #send(payload: readonly number[]): Fate {
    const n = this.#packets++;
    const { lossProbability, corruptProbability, garbageProbability } = this.faults;
    const u = (i: number): number => hash01(this.#options.seed + 1000, 32 * n + i);
    if (u(0) < garbageProbability) {
      for (let i = 0; i <= 16 * u(1); i++) this.#out.push(Math.floor(256 * u(8 + i)));
    }
    if (u(2) < lossProbability) return 'lost';
    const packet = thinkGearPacket(payload);
    const damaged = u(3) < corruptProbability;
    if (damaged) {
      const at = Math.floor(packet.length * u(4));
      packet[at] = (packet[at] ?? 0) ^ (1 + Math.floor(255 * u(5)));
    }
    this.#out.push(...packet);
    return damaged ? 'damaged' : 'sent';
  }
}

/** Payload to packet: sync, length, payload, check. */
export function thinkGearPacket(payload: readonly number[]): number[] {
  const sum = payload.reduce((a, b) => a + b, 0);
  return [SYNC, SYNC, payload.length, ...payload, ~sum & 0xff];
}

/** Band powers of one second, unit-less like the headset's, as 24-bit numbers. */
function bandPowers(counts: Int16Array): number[] {
  const windowed = Float64Array.from(
    counts,
    (v, i) => v * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / counts.length)),
  );
  return BANDS_HZ.map(([from, to]) => {
    let power = 0;
    for (let hz = from; hz <= to; hz++) power += goertzel(windowed, hz) / counts.length;
    return Math.min(BAND_MAX, Math.round(power));
  });
}

/** Squared magnitude of one line of the discrete Fourier transform (Goertzel 1958). */
function goertzel(x: Float64Array, line: number): number {
  const c = 2 * Math.cos((2 * Math.PI * line) / x.length);
  let a = 0;
  let b = 0;
  for (const value of x) [a, b] = [value + c * a - b, a];
  return a * a + b * b - c * a * b;
}

/** Chunks reach the reader at random pauses between these, as over Bluetooth. */
const CHUNK_MS_MIN = 20;
const CHUNK_MS_MAX = 60;

/**
 * A headset that is switched on whenever the port is opened. It hears nothing: what is written to it
 * is dropped.
 */
export function headPort(options: HeadOptions, clock: Clock): OpenPort {
  return () => {
    const closed = new AbortController();
    const { port, device } = memoryPort(
      () => {},
      () => closed.abort(),
    );
    const bytes = new HeadBytes(options, clock.now());
    const pump = async (): Promise<void> => {
      for (let n = 0; !closed.signal.aborted; n++) {
        const ms = CHUNK_MS_MIN + (CHUNK_MS_MAX - CHUNK_MS_MIN) * hash01(options.seed, n);
        await clock.sleep(ms, closed.signal).catch(() => {}); // Closing ends the loop.
        device.feed(bytes.until(clock.now()));
      }
    };
    void pump();
    return Promise.resolve(port);
  };
}

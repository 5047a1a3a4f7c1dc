import type { Micros } from '#core/stream.ts';
import { hash01 } from './random.ts';

/**
 * A driver's head: what one electrode on the forehead (Fp1) would measure, as a pure function of a
 * seed and a time. It gets drowsy for about a minute in every three, and how much is known, so that
 * whatever judges fatigue can be held against the truth.
 *
 *   background   1/f noise, about 10 uV
 *   alpha        8-12 Hz, waxes and wanes; grows with drowsiness
 *   theta        5-7 Hz, in drowsiness
 *   blinks       17 a minute, 150-300 ms long and 120-220 uV high; up to twice as long when drowsy
 *   hum          50 Hz from the mains, 1 uV
 *
 * It is made to look right in a spectrum, not to teach physiology.
 */

/** Microvolts per count of the ThinkGear ADC: 1.8 V over 4096 steps behind a gain of 2000. */
const UV_PER_COUNT = (1.8 / 4096 / 2000) * 1e6;
/** The ADC has 12 bits. */
const COUNTS_MAX = 2047;

const OCTAVES_HZ = [1, 2, 4, 8, 16, 32, 64] as const;
const OCTAVE_UV = 8;
const HUM_HZ = 50;
const HUM_UV = 1;
const ALPHA_HZ = 10;
const THETA_HZ = 6;

const EPISODE_EVERY_S = 180;
/** Every episode leaves at least so many seconds of an awake driver before it. */
const EPISODE_AFTER_S = 60;
const EPISODE_RAMP_S = 8;
const BLINK_EVERY_S = 3.5;
/** Share of a blink that is the closing of the eye. */
const CLOSING = 0.35;

/** What each hash of the seed is for, so that no two parts of the signal move together. */
const SALT = {
  octave: 100,
  alpha: 1,
  alphaPhase: 2,
  theta: 3,
  thetaPhase: 4,
  blink: 5,
  mind: 6,
  episode: 7,
};

export interface Blink {
  /** When the eye begins to close, in seconds. */
  readonly startS: number;
  readonly lengthS: number;
  readonly peakUv: number;
}

export class Head {
  readonly #seed: number;

  constructor(seed: number) {
    // Seeds are spread, so that the salts of one are not those of the next.
    this.#seed = Math.imul(seed, 1009);
  }

  /** How drowsy the driver is: 0 awake .. 1 nodding off. */
  drowsiness(t: Micros): number {
    const seconds = t / 1e6;
    const episode = Math.floor(seconds / EPISODE_EVERY_S);
    const u = (n: number): number => hash01(this.#seed + SALT.episode, 3 * episode + n);
    const start = episode * EPISODE_EVERY_S + EPISODE_AFTER_S + 40 * u(0);
    const end = start + 40 + 30 * u(1);
    const depth = 0.7 + 0.3 * u(2);
    return (
      depth *
      Math.min(ramp((seconds - start) / EPISODE_RAMP_S), ramp((end - seconds) / EPISODE_RAMP_S))
    );
  }

  /** The potential at the electrode. */
  microvolts(t: Micros): number {
    const seconds = t / 1e6;
    const drowsy = this.drowsiness(t);
    let uv = HUM_UV * Math.sin(2 * Math.PI * HUM_HZ * seconds);
    for (const hz of OCTAVES_HZ) uv += OCTAVE_UV * this.#noise(SALT.octave + hz, seconds * hz);
    uv += (4 + 22 * drowsy) * this.#rhythm(ALPHA_HZ, SALT.alpha, SALT.alphaPhase, seconds);
    uv += (2 + 18 * drowsy) * this.#rhythm(THETA_HZ, SALT.theta, SALT.thetaPhase, seconds);
    const slot = Math.floor(seconds / BLINK_EVERY_S);
    // A blink late in its slot reaches into the next one.
    return uv + blinkUv(this.blink(slot), seconds) + blinkUv(this.blink(slot - 1), seconds);
  }

  /** The same as the headset sends it. */
  counts(t: Micros): number {
    return clip(Math.round(this.microvolts(t) / UV_PER_COUNT), -COUNTS_MAX - 1, COUNTS_MAX);
  }

  /** The blink that begins in the n-th BLINK_EVERY_S seconds. */
  blink(n: number): Blink {
    const u = (i: number): number => hash01(this.#seed + SALT.blink, 3 * n + i);
    const startS = (n + u(0)) * BLINK_EVERY_S;
    const stretch = 1 + this.drowsiness(startS * 1e6);
    return { startS, lengthS: (0.15 + 0.15 * u(1)) * stretch, peakUv: 120 + 100 * u(2) };
  }

  /** The headset's own figures, 1..100: attention falls and meditation rises with drowsiness. */
  mind(t: Micros): { readonly attention: number; readonly meditation: number } {
    const wander = this.#noise(SALT.mind, t / 4e6);
    const drowsy = this.drowsiness(t);
    return {
      attention: clip(Math.round(68 - 45 * drowsy + 15 * wander), 1, 100),
      meditation: clip(Math.round(48 + 25 * drowsy - 12 * wander), 1, 100),
    };
  }

  /** An oscillation of amplitude 0..1 that comes and goes within seconds and keeps no exact pitch. */
  #rhythm(hz: number, salt: number, phaseSalt: number, seconds: number): number {
    const amplitude = 0.5 + 0.5 * this.#noise(salt, seconds * 0.7);
    const phase = 2 * this.#noise(phaseSalt, seconds);
    return amplitude * Math.sin(2 * Math.PI * hz * seconds + phase);
  }

  /** Smooth noise in -1..1 with one free value for each whole `x`. */
  #noise(salt: number, x: number): number {
    const n = Math.floor(x);
    const from = 2 * hash01(this.#seed + salt, n) - 1;
    const to = 2 * hash01(this.#seed + salt, n + 1) - 1;
    return from + (to - from) * ramp(x - n);
  }
}

function blinkUv({ startS, lengthS, peakUv }: Blink, seconds: number): number {
  const x = (seconds - startS) / lengthS;
  if (x <= 0 || x >= 1) return 0;
  return peakUv * (x < CLOSING ? ramp(x / CLOSING) : ramp((1 - x) / (1 - CLOSING)));
}

/** 0 below 0, 1 above 1, smooth between. */
function ramp(x: number): number {
  const c = clip(x, 0, 1);
  return c * c * (3 - 2 * c);
}

function clip(x: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, x));
}

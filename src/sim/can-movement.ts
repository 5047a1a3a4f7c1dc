import type { CarState } from './car.ts';
import { hash01 } from './random.ts';

/** How the simulated car turns, which its drive cycle knows nothing of: a function of (seed, state). */
export interface Movement {
  /** Degrees at the steering wheel, positive to the left (ISO 8855). */
  readonly steeringDeg: number;
  readonly steeringRateDegS: number;
  /** Degrees a second, positive to the left. */
  readonly yawDegS: number;
  /** m/s2, positive to the left. */
  readonly lateralMs2: number;
  /** km/h: front left, front right, rear left, rear right. */
  readonly wheelsKmh: readonly [number, number, number, number];
  /** Brake pressure in bar; the pedal is down above 0. */
  readonly brakeBar: number;
  /** 0 dry to 1 pouring. */
  readonly rain: number;
}

const STEERING_RATIO = 15.5;
const WHEELBASE_M = 2.65;
const TRACK_M = 1.54;
/** In a car park the wheel is turned far, on the motorway hardly. */
const STEERING_DEG_MAX = 240;
const STEERING_DEG_MIN = 3;
const SLOW_KMH = 18;
const BAR_PER_MS2 = 11;
const HOLDING_BAR = 14;
/** The engine brakes so much without the pedal. */
const COASTING_MS2 = 0.35;
const DERIVATIVE_S = 0.02;
/** Each wander of a seed has numbers of its own. */
const SALT = { bend: 1, hand: 2, rain: 3 };

export function movementOf(car: CarState, seed: number): Movement {
  const s = car.t / 1e6;
  const { speedKmh, acceleration } = car.motion;
  const speed = speedKmh / 3.6;
  const range = STEERING_DEG_MIN + STEERING_DEG_MAX * Math.exp(-speedKmh / SLOW_KMH);
  const turned = (at: number): number =>
    range * (0.85 * wander(seed + SALT.bend, at / 5) + 0.15 * wander(seed + SALT.hand, at / 0.9));
  const steeringDeg = turned(s);
  const roadDeg = steeringDeg / STEERING_RATIO;
  const yaw = (speed * Math.tan((roadDeg * Math.PI) / 180)) / WHEELBASE_M;
  const half = (yaw * TRACK_M * 3.6) / 2;
  const [left, right] = [Math.max(0, speedKmh - half), Math.max(0, speedKmh + half)];
  const braking = Math.max(0, -acceleration - COASTING_MS2) * BAR_PER_MS2;
  return {
    steeringDeg,
    steeringRateDegS: (turned(s + DERIVATIVE_S) - steeringDeg) / DERIVATIVE_S,
    yawDegS: (yaw * 180) / Math.PI,
    lateralMs2: yaw * speed,
    wheelsKmh: [left, right, left, right],
    brakeBar: speedKmh === 0 ? HOLDING_BAR : braking,
    rain: Math.max(0, wander(seed + SALT.rain, s / 90)),
  };
}

/** Smooth noise in -1..1 with one free value for each whole `x`. */
function wander(seed: number, x: number): number {
  const n = Math.floor(x);
  const from = 2 * hash01(seed, n) - 1;
  const to = 2 * hash01(seed, n + 1) - 1;
  const u = x - n;
  return from + (to - from) * u * u * (3 - 2 * u);
}

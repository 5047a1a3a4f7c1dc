import { clamp } from './drivetrain.ts';
import type { Engine } from './engine.ts';

/** What the lambda control sees and does on bank 1. */
export interface Exhaust {
  /** Short and long term fuel trim in %. */
  readonly shortTrimPct: number;
  readonly longTrimPct: number;
  /** Narrow-band sensors before and behind the catalyst, in volts. */
  readonly frontV: number;
  readonly rearV: number;
  /** Wide-band sensor: measured equivalence ratio, its voltage, and its pump current in mA. */
  readonly lambda: number;
  readonly wideV: number;
  readonly pumpMa: number;
}

const SWITCHING_PERIOD_S = 1.3;
const TRIM_PERIOD_S = 7;
const LONG_TRIM_PERIOD_S = 300;

/**
 * The sensors at one moment. In closed loop the mixture swings around lambda 1; a good catalyst
 * stores the swings away, so that the rear sensor hardly moves, and a worn one (P0420) lets them pass.
 */
export function exhaustOf(engine: Engine, s: number, wornCatalyst: boolean): Exhaust {
  const swing = Math.sin((2 * Math.PI * s) / SWITCHING_PERIOD_S);
  const closed = engine.loop === 'closed' && engine.phase === 'running';
  const lambda = closed ? 1 - 0.012 * swing : engine.lambda;
  const longTrimPct = 2.5 + 1.8 * Math.sin((2 * Math.PI * s) / LONG_TRIM_PERIOD_S);
  const shortTrimPct = closed ? 2.4 * Math.sin((2 * Math.PI * s) / TRIM_PERIOD_S) + 1.1 * swing : 0;
  return {
    shortTrimPct,
    longTrimPct,
    frontV: engine.phase === 'running' ? narrowBandV(lambda, swing, closed) : 0.45,
    rearV: rearV(closed, swing, wornCatalyst),
    lambda,
    wideV: clamp(1.5 + 3 * (lambda - 1), 0, 5),
    pumpMa: clamp(9 * (lambda - 1), -20, 20),
  };
}

function narrowBandV(lambda: number, swing: number, closed: boolean): number {
  if (closed) return 0.45 + 0.4 * Math.tanh(3 * swing);
  return lambda < 1 ? 0.85 : 0.05;
}

function rearV(closed: boolean, swing: number, worn: boolean): number {
  if (!closed) return 0.6;
  return worn ? 0.48 + 0.33 * Math.tanh(3 * swing) : 0.68 + 0.02 * swing;
}

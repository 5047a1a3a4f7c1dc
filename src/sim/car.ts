import type { Micros } from '#core/stream.ts';
import { DriveCycle } from './drive-cycle.ts';
import { AT_REST, type Motion, nextMotion } from './drivetrain.ts';
import { ENGINE_OFF, type Engine, nextEngine } from './engine.ts';
import { type Exhaust, exhaustOf } from './exhaust.ts';
import { cold, type Heat, nextHeat, STUCK_THERMOSTAT_C, THERMOSTAT_C } from './heat.ts';
import { hash01 } from './random.ts';

/**
 * A car that drives by itself: a pure function of (seed, time).
 *
 * It is integrated in steps of STEP_MICROS from the start. States are immutable; one in
 * CHECKPOINT_STEPS is kept, so that going forward costs a step at a time, going back at most a
 * minute's worth, and no order of questions changes an answer. Between steps the state stands still,
 * as the values in a control unit do between two runs of its loop.
 */
export interface Car {
  readonly traits: Traits;
  /** The car at `t` microseconds; times before 0 count as 0. */
  at(t: Micros): CarState;
}

/** All that is true of the car at one moment. */
export interface CarState {
  /** Time of the step, a multiple of STEP_MICROS. */
  readonly t: Micros;
  readonly ignition: boolean;
  /** Seconds since the ignition last came on; 0 while it is off. */
  readonly ignitionS: number;
  readonly motion: Motion;
  readonly engine: Engine;
  readonly heat: Heat;
  readonly exhaust: Exhaust;
  /** Terminal voltage of the battery. */
  readonly voltageV: number;
  readonly ambientC: number;
  readonly baroKpa: number;
  /** Content of the tank, 0 to 100 %. */
  readonly fuelPct: number;
  readonly odometerKm: number;
}

export interface CarOptions {
  /** The driver has stopped and switches off at this second; never when absent. */
  readonly ignitionOffAtS?: number;
  /** Drives `onS` seconds, stays parked `offS` seconds, and so on. */
  readonly ignitionCycles?: { readonly onS: number; readonly offS: number };
  /** The driver has stopped so many seconds after the ignition came on, and turns off the engine alone. */
  readonly engineOffAfterS?: number;
  /** False: the ignition comes on, but nobody starts the engine. */
  readonly engineStarts?: boolean;
  /** False: the engine runs, and the car stands where it is. */
  readonly drives?: boolean;
  /** The trouble that will show; chosen by the seed when absent. */
  readonly trouble?: TroubleCode | 'none';
}

/** Cylinder 1 misfire; catalyst below threshold; coolant below the thermostat's temperature. */
export type TroubleCode = 'P0301' | 'P0420' | 'P0128';

/** What makes this car this car. */
export interface Traits {
  readonly vin: string;
  readonly ambientC: number;
  readonly baroKpa: number;
  readonly fuelPct: number;
  readonly odometerKm: number;
  readonly trouble: TroubleCode | 'none';
  /** Seconds after the start, or after clearing, at which the trouble is first seen, then confirmed. */
  readonly pendingAfterS: number;
  readonly storedAfterS: number;
}

const STEP_MICROS = 50_000;
const STEP_S = STEP_MICROS / 1e6;
const CHECKPOINT_STEPS = 1200;
const CRANK_FROM_S = 0.8;
const CRANK_TO_S = 1.8;
/** The driver comes to a stop this long before switching off: enough from motorway speed. */
const STOP_LEAD_S = 25;
const TANK_L = 50;
const TROUBLES: readonly TroubleCode[] = ['P0301', 'P0420', 'P0128'];

export function createCar(seed: number, options: CarOptions = {}): Car {
  const traits = traitsOf(seed, options);
  const world: World = { traits, options, cycle: new DriveCycle(seed) };
  const checkpoints: CarState[] = [parked(traits)];
  let latest = { step: 0, state: parked(traits) };
  return {
    traits,
    at(t) {
      const step = Math.max(0, Math.floor(t / STEP_MICROS));
      const kept = Math.min(Math.floor(step / CHECKPOINT_STEPS), checkpoints.length - 1);
      const checkpoint = checkpoints[kept];
      if (checkpoint && (step < latest.step || latest.step < kept * CHECKPOINT_STEPS)) {
        latest = { step: kept * CHECKPOINT_STEPS, state: checkpoint };
      }
      while (latest.step < step) {
        latest = { step: latest.step + 1, state: nextState(latest.state, latest.step + 1, world) };
        if (latest.step === checkpoints.length * CHECKPOINT_STEPS) checkpoints.push(latest.state);
      }
      return latest.state;
    },
  };
}

interface World {
  readonly traits: Traits;
  readonly options: CarOptions;
  readonly cycle: DriveCycle;
}

function traitsOf(seed: number, { trouble, engineStarts = true }: CarOptions): Traits {
  const pick = (n: number, low: number, high: number): number =>
    low + hash01(seed, n) * (high - low);
  const seeded = TROUBLES[Math.floor(pick(5, 0, TROUBLES.length))];
  return {
    vin: `VGLZZZ1KZ${String(Math.floor(pick(0, 0, 1e8))).padStart(8, '0')}`,
    ambientC: pick(1, 4, 26),
    baroKpa: pick(2, 96, 103),
    fuelPct: pick(3, 45, 92),
    odometerKm: pick(4, 9_000, 160_000),
    trouble: engineStarts ? (trouble ?? seeded ?? 'none') : 'none',
    pendingAfterS: pick(6, 28, 52),
    storedAfterS: pick(7, 75, 112),
  };
}

function parked(traits: Traits): CarState {
  const { ambientC, baroKpa, fuelPct, odometerKm } = traits;
  return {
    t: 0,
    ignition: false,
    ignitionS: 0,
    motion: AT_REST,
    engine: { ...ENGINE_OFF, mapKpa: baroKpa },
    heat: cold(ambientC),
    exhaust: exhaustOf(ENGINE_OFF, 0, false),
    voltageV: 12.4,
    ambientC,
    baroKpa,
    fuelPct,
    odometerKm,
  };
}

function nextState(was: CarState, step: number, { traits, options, cycle }: World): CarState {
  const t = step * STEP_MICROS;
  const key = ignitionAt(t / 1e6, options);
  const ignitionS = key ? was.ignitionS + STEP_S : 0;
  const phase = phaseOf(ignitionS, options);
  const { drives: isDriven = true, engineOffAfterS = Number.POSITIVE_INFINITY } = options;
  const drivesUntilS = Math.min(key?.untilS ?? 0, engineOffAfterS) - STOP_LEAD_S;
  const drives = isDriven && phase === 'running' && ignitionS < drivesUntilS;
  const targetKmh = drives ? cycle.targetKmh(ignitionS) : 0;
  const motion = nextMotion(was.motion, targetKmh && targetKmh + unsteadyKmh(t / 1e6), STEP_S);
  const { ambientC, baroKpa, trouble } = traits;
  const { coolantC, intakeC } = was.heat;
  const roughnessRpm = roughness(t / 1e6, trouble === 'P0301' && motion.speedKmh === 0);
  const engine = nextEngine(
    was.engine,
    { phase, motion, coolantC, intakeC, baroKpa, roughnessRpm },
    STEP_S,
  );
  const thermostatC = trouble === 'P0128' ? STUCK_THERMOSTAT_C : THERMOSTAT_C;
  return {
    t,
    ignition: key !== undefined,
    ignitionS,
    motion,
    engine,
    heat: nextHeat(was.heat, { engine, speedKmh: motion.speedKmh, ambientC, thermostatC }, STEP_S),
    exhaust: exhaustOf(engine, t / 1e6, trouble === 'P0420'),
    voltageV: voltage(engine, t / 1e6),
    ambientC,
    baroKpa,
    fuelPct: Math.max(0, was.fuelPct - (100 * engine.fuelLh * STEP_S) / 3600 / TANK_L),
    odometerKm: traits.odometerKm + motion.tripKm,
  };
}

/** The ignition cycle that `s` falls into, with its length in seconds; undefined when the key is out. */
function ignitionAt(s: number, options: CarOptions): { untilS: number } | undefined {
  const { ignitionOffAtS = Number.POSITIVE_INFINITY, ignitionCycles } = options;
  if (s >= ignitionOffAtS) return undefined;
  if (!ignitionCycles) return { untilS: ignitionOffAtS };
  const { onS, offS } = ignitionCycles;
  return s % (onS + offS) < onS ? { untilS: onS } : undefined;
}

function phaseOf(ignitionS: number, options: CarOptions): Engine['phase'] {
  const { engineStarts = true, engineOffAfterS = Number.POSITIVE_INFINITY } = options;
  if (!engineStarts || ignitionS < CRANK_FROM_S || ignitionS >= engineOffAfterS) return 'off';
  return ignitionS < CRANK_TO_S ? 'cranking' : 'running';
}

/** No foot holds a speed exactly. */
function unsteadyKmh(s: number): number {
  return 1.4 * Math.sin(s / 3.1) + 0.8 * Math.sin(s / 1.3);
}

/** Two sines that never meet: irregular to the eye, and a function of time alone. */
function roughness(s: number, misfires: boolean): number {
  const even = 7 * Math.sin(s * 5.1) + 5 * Math.sin(s * 13.7);
  return misfires ? even - 70 * Math.max(0, Math.sin(s * 8.3)) ** 8 : even;
}

function voltage({ phase, effort }: Engine, s: number): number {
  if (phase === 'off') return 12.4;
  if (phase === 'cranking') return 10.3 + 0.4 * Math.sin(s * 18);
  return 14.1 - 0.15 * effort + 0.04 * Math.sin(s * 1.7);
}

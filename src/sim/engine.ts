import { clamp, type Motion, roadTorqueNm, shaftRpm } from './drivetrain.ts';

/** A 2.0 l four-cylinder petrol engine without a turbocharger. */
export interface Engine {
  readonly phase: 'off' | 'cranking' | 'running';
  /** Seconds since this start; 0 while not running. */
  readonly runS: number;
  readonly rpm: number;
  /** Indicated over best torque at this speed, 0 to 1. */
  readonly effort: number;
  /** How far the driver's foot is down, 0 to 100 %. */
  readonly pedalPct: number;
  /** Throttle plate, absolute: about 13 % closed, 90 % open. */
  readonly throttlePct: number;
  /** Manifold absolute pressure in kPa. */
  readonly mapKpa: number;
  /** Air drawn in, g/s. */
  readonly mafGs: number;
  /** Fuel burnt, L/h; 0 on overrun. */
  readonly fuelLh: number;
  /** Ignition advance in degrees before top dead centre. */
  readonly timingDeg: number;
  /** Commanded equivalence ratio; below 1 is rich. */
  readonly lambda: number;
  readonly loop: 'open-cold' | 'closed' | 'open-load';
}

/** What the engine is told from outside at one step. */
export interface EngineInputs {
  readonly phase: Engine['phase'];
  readonly motion: Motion;
  readonly coolantC: number;
  readonly intakeC: number;
  readonly baroKpa: number;
  /** Unsteadiness of combustion in rpm: a little always, more with a misfire. */
  readonly roughnessRpm: number;
}

const DISPLACEMENT_L = 2.0;
export const REFERENCE_TORQUE_NM = 200;
export const CLOSED_THROTTLE_PCT = 12.5;
const CRANKING_RPM = 215;
const IDLE_RPM = 780;
const COLD_IDLE_EXTRA_RPM = 380;
const FLARE_RPM = 650;
const FLARE_TAU_S = 1.1;
const LAUNCH_RPM = 1250;
const ENGINE_TAU_S = 0.12;
const OVERRUN_RPM_MIN = 1150;
const VOLUMETRIC_EFFICIENCY = 0.85;
const AIR_GAS_CONSTANT = 287.05;
const STOICHIOMETRIC = 14.7;
const PETROL_G_PER_L = 745;
/** The control unit runs open loop this long after the start, and below this coolant temperature. */
const OPEN_LOOP_S = 20;
const OPEN_LOOP_C = 30;
const FULL_LOAD_EFFORT = 0.85;

/** An engine that does not turn. */
export const ENGINE_OFF: Engine = {
  phase: 'off',
  runS: 0,
  rpm: 0,
  effort: 0,
  pedalPct: 0,
  throttlePct: CLOSED_THROTTLE_PCT,
  mapKpa: 101,
  mafGs: 0,
  fuelLh: 0,
  timingDeg: 0,
  lambda: 1,
  loop: 'open-cold',
};

/** The engine `dtS` seconds later. */
export function nextEngine(was: Engine, inputs: EngineInputs, dtS: number): Engine {
  const { phase, motion, baroKpa } = inputs;
  const runS = phase === 'running' ? was.runS + dtS : 0;
  const target = targetRpm(runS, inputs);
  const rpm = Math.max(0, was.rpm + (target - was.rpm) * (dtS / ENGINE_TAU_S));
  if (phase !== 'running') {
    return { ...ENGINE_OFF, phase, rpm: rpm < 1 ? 0 : rpm, mapKpa: baroKpa - rpm / 40 };
  }
  const torque = roadTorqueNm(motion);
  const overrun = torque < 0 && rpm > OVERRUN_RPM_MIN;
  const effort = overrun ? 0.04 : clamp((friction(rpm) + torque) / bestTorqueNm(rpm), 0.1, 1);
  const mapKpa = baroKpa * (0.2 + 0.78 * effort);
  const loop = loopOf(runS, inputs.coolantC, overrun || effort > FULL_LOAD_EFFORT);
  const lambda = commandedLambda(loop, overrun);
  const mafGs = airflow(rpm, mapKpa, inputs.intakeC);
  return {
    phase,
    runS,
    rpm,
    effort,
    pedalPct: torque > 0 ? clamp(6 + 94 * effort, 0, 100) : 0,
    throttlePct: CLOSED_THROTTLE_PCT + (overrun ? 0 : 77 * effort ** 1.4),
    mapKpa,
    mafGs,
    fuelLh: overrun ? 0 : ((mafGs / (STOICHIOMETRIC * lambda)) * 3600) / PETROL_G_PER_L,
    timingDeg: clamp(11 + (rpm - IDLE_RPM) / 90 - 16 * effort, -5, 42),
    lambda,
    loop,
  };
}

/** Calculated load in %: how far the manifold is from closed throttle to barometric pressure. */
export function calculatedLoadPct({ phase, mapKpa }: Engine, baroKpa: number): number {
  return phase === 'running' ? clamp(100 * ((mapKpa / baroKpa - 0.12) / 0.88), 0, 100) : 0;
}

/** Absolute load in %: air a stroke over what the cylinder holds at 25 C and 101.3 kPa. */
export function absoluteLoadPct({ rpm, mafGs }: Engine): number {
  return rpm < 1 ? 0 : (100 * ((mafGs * 120) / rpm)) / (1.184 * DISPLACEMENT_L);
}

function targetRpm(runS: number, { phase, motion, coolantC, roughnessRpm }: EngineInputs): number {
  if (phase === 'off') return 0;
  if (phase === 'cranking') return CRANKING_RPM + roughnessRpm;
  const cold = clamp((60 - coolantC) / 60, 0, 1);
  const idle = IDLE_RPM + COLD_IDLE_EXTRA_RPM * cold + FLARE_RPM * Math.exp(-runS / FLARE_TAU_S);
  const launching = motion.gear === 1 && motion.acceleration > 0.2;
  const shaft = shaftRpm(motion.speedKmh, motion.gearRatio);
  return Math.max(idle, shaft, launching ? LAUNCH_RPM : 0) + roughnessRpm;
}

function loopOf(runS: number, coolantC: number, forced: boolean): Engine['loop'] {
  if (runS < OPEN_LOOP_S || coolantC < OPEN_LOOP_C) return 'open-cold';
  return forced ? 'open-load' : 'closed';
}

function commandedLambda(loop: Engine['loop'], overrun: boolean): number {
  if (overrun) return 1.99; // Fuel is cut: as lean as the standard scale can say.
  if (loop === 'open-cold') return 0.93;
  return loop === 'open-load' ? 0.9 : 1;
}

/** Torque that the engine itself and its belt drive eat, in N.m. */
function friction(rpm: number): number {
  return 17 + rpm * 0.006;
}

function bestTorqueNm(rpm: number): number {
  return clamp(120 + rpm * 0.025, 120, REFERENCE_TORQUE_NM);
}

/** Speed-density: what the cylinders draw from the manifold, g/s. */
function airflow(rpm: number, mapKpa: number, intakeC: number): number {
  const density = (mapKpa * 1000) / (AIR_GAS_CONSTANT * (intakeC + 273.15)); // kg/m3 is g/L
  return VOLUMETRIC_EFFICIENCY * DISPLACEMENT_L * (rpm / 120) * density;
}

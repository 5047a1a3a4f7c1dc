import { clamp } from './drivetrain.ts';
import type { Engine } from './engine.ts';

/** Temperatures in degrees Celsius. */
export interface Heat {
  readonly coolantC: number;
  readonly oilC: number;
  readonly intakeC: number;
  /** Bank 1, before and behind the catalyst. */
  readonly catalystFrontC: number;
  readonly catalystRearC: number;
}

export interface HeatInputs {
  readonly engine: Engine;
  readonly speedKmh: number;
  readonly ambientC: number;
  /** The coolant temperature at which the thermostat begins to open; stuck ones open too early. */
  readonly thermostatC: number;
}

export const THERMOSTAT_C = 88;
/** A thermostat stuck open never lets the engine get warm: P0128. */
export const STUCK_THERMOSTAT_C = 66;
const THERMOSTAT_RANGE_C = 6;
/** Share of the fuel's energy that goes into the coolant, and what the block and water can hold. */
const COOLANT_W_PER_LH = 2650;
const COOLANT_J_PER_K = 48_000;
const BLOCK_LOSS_W_PER_K = 9;
const RADIATOR_W_PER_K = 900;
const OIL_TAU_S = 210;
const INTAKE_TAU_S = 25;
const CATALYST_TAU_S = 45;

/** Everything as cold as the air around. */
export function cold(ambientC: number): Heat {
  return {
    coolantC: ambientC,
    oilC: ambientC,
    intakeC: ambientC,
    catalystFrontC: ambientC,
    catalystRearC: ambientC,
  };
}

/** The temperatures `dtS` seconds later. */
export function nextHeat(was: Heat, inputs: HeatInputs, dtS: number): Heat {
  const { engine, ambientC, speedKmh } = inputs;
  const runs = engine.phase === 'running';
  const toward = (from: number, to: number, tauS: number): number =>
    from + (to - from) * (dtS / tauS);
  const exhaustC = runs ? 330 + 480 * engine.effort : ambientC;
  const oilTarget = runs ? was.coolantC + 9 * engine.effort + 2 : ambientC;
  const soakC = runs ? (was.coolantC - ambientC) * clamp(0.28 - speedKmh / 450, 0.04, 0.28) : 0;
  return {
    coolantC: was.coolantC + (coolantW(was.coolantC, inputs) / COOLANT_J_PER_K) * dtS,
    oilC: toward(was.oilC, oilTarget, OIL_TAU_S),
    intakeC: toward(was.intakeC, ambientC + soakC, INTAKE_TAU_S),
    catalystFrontC: toward(was.catalystFrontC, exhaustC, CATALYST_TAU_S),
    catalystRearC: toward(was.catalystRearC, was.catalystFrontC - (runs ? 35 : 0), CATALYST_TAU_S),
  };
}

/** Net heat into the coolant in watts. */
function coolantW(coolantC: number, { engine, ambientC, thermostatC }: HeatInputs): number {
  const open = clamp((coolantC - thermostatC) / THERMOSTAT_RANGE_C, 0, 1);
  const loss = (BLOCK_LOSS_W_PER_K + open * RADIATOR_W_PER_K) * (coolantC - ambientC);
  return engine.fuelLh * COOLANT_W_PER_LH - loss;
}

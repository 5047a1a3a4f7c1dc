/**
 * Service 01 of the simulated control units: from the state of the car to the data bytes.
 *
 * Scaling after SAE J1979 (ISO 15031-5), tables of PIDs 00 to A6. The table is written from the
 * sender's side and on purpose shares nothing with the decoder in sources/obd: each tests the other.
 *
 * A field is a big-endian integer: raw = round((value - offset) / scale), held within its width.
 * What the bytes can say is then raw * scale + offset, which is what `truth` reports.
 */
import type { CarState } from './car.ts';
import {
  absoluteLoadPct,
  CLOSED_THROTTLE_PCT,
  calculatedLoadPct,
  REFERENCE_TORQUE_NM,
} from './engine.ts';
import { monitorsOf } from './monitors.ts';
import type { Troubles } from './troubles.ts';

/** Everything an answer can be made of. */
export interface Snapshot {
  readonly car: CarState;
  readonly troubles: Troubles;
  readonly scaling: Scaling;
}

/** Contents of PIDs 4F and 50, which stretch other PIDs' scales; 0 keeps the standard scale. */
export interface Scaling {
  /** Largest equivalence ratio: PIDs 24, 34 and 44 then count in lambdaMax/65535. */
  readonly lambdaMax: number;
  /** Largest air flow in g/s, a multiple of 10: PID 10 then counts in mafMaxGs/65535. */
  readonly mafMaxGs: number;
}

/** One number within the data bytes. */
export interface Field {
  readonly bytes: 1 | 2 | 4;
  readonly scale: number | ((scaling: Scaling) => number);
  readonly offset: number;
  readonly signed: boolean;
  readonly of: (snapshot: Snapshot) => number;
}

export interface PidEncoder {
  readonly pid: number;
  readonly fields: readonly Field[];
}

const STANDARD_LAMBDA = 2 / 65536;
const lambdaScale = ({ lambdaMax }: Scaling): number =>
  lambdaMax === 0 ? STANDARD_LAMBDA : lambdaMax / 65535;
const mafScale = ({ mafMaxGs }: Scaling): number => (mafMaxGs === 0 ? 1 / 100 : mafMaxGs / 65535);

const PERCENT = 100 / 255;
const TRIM = 100 / 128;
/** PID 03: open loop cold, closed loop, open loop for load or overrun. */
const LOOP_STATUS = { 'open-cold': 1, closed: 2, 'open-load': 4 } as const;
/** PID 1C: EOBD. */
const OBD_STANDARD_EOBD = 6;
/** PID 51: petrol. */
const FUEL_TYPE_PETROL = 1;
/** PID 13: bank 1 has sensors 1 and 2. */
const O2_SENSORS = 0b11;
/** Support bits of PIDs 66, 67 and A4: the first sensor is fitted, the second is not. */
const FIRST_SENSOR = 1;
const GEAR_RATIO_SUPPORTED = 2;

// biome-ignore format: one PID a line, in columns, as in the standard
export const ENGINE_PIDS: readonly PidEncoder[] = [
  pid(0x01, byte(s => monitorsOf(s).lamp), byte(s => monitorsOf(s).kinds), byte(s => monitorsOf(s).supported), byte(s => monitorsOf(s).incomplete)),
  pid(0x03, byte(s => LOOP_STATUS[s.car.engine.loop]), byte(() => 0)),
  pid(0x04, byte(s => calculatedLoadPct(s.car.engine, s.car.baroKpa), PERCENT)),
  pid(0x05, byte(s => s.car.heat.coolantC, 1, -40)),
  pid(0x06, byte(s => s.car.exhaust.shortTrimPct, TRIM, -100)),
  pid(0x07, byte(s => s.car.exhaust.longTrimPct, TRIM, -100)),
  pid(0x0b, byte(s => s.car.engine.mapKpa)),
  pid(0x0c, word(s => s.car.engine.rpm, 1 / 4)),
  pid(0x0d, byte(s => s.car.motion.speedKmh)),
  pid(0x0e, byte(s => s.car.engine.timingDeg, 1 / 2, -64)),
  pid(0x0f, byte(s => s.car.heat.intakeC, 1, -40)),
  pid(0x10, word(s => s.car.engine.mafGs, mafScale)),
  pid(0x11, byte(s => s.car.engine.throttlePct, PERCENT)),
  pid(0x13, byte(() => O2_SENSORS)),
  pid(0x14, byte(s => s.car.exhaust.frontV, 1 / 200), byte(s => s.car.exhaust.shortTrimPct, TRIM, -100)),
  pid(0x15, byte(s => s.car.exhaust.rearV, 1 / 200), byte(() => 0xff)), // FF: not used in trim
  pid(0x1c, byte(() => OBD_STANDARD_EOBD)),
  pid(0x1f, word(s => s.car.engine.runS)),
  pid(0x21, word(s => s.troubles.withMil.km)),
  pid(0x23, word(s => 4000 + 80 * s.car.engine.mapKpa, 10)),
  pid(0x24, word(s => s.car.exhaust.lambda, lambdaScale), word(s => s.car.exhaust.wideV, 8 / 65536)),
  pid(0x2e, byte(s => s.car.engine.loop === 'closed' ? 12 + 25 * s.car.engine.effort : 0, PERCENT)),
  pid(0x2f, byte(s => s.car.fuelPct, PERCENT)),
  pid(0x30, byte(s => s.troubles.sinceCleared.warmUps)),
  pid(0x31, word(s => s.troubles.sinceCleared.km)),
  pid(0x32, signedWord(s => -140 - 4 * s.car.engine.effort, 1 / 4)),
  pid(0x33, byte(s => s.car.baroKpa)),
  pid(0x34, word(s => s.car.exhaust.lambda, lambdaScale), word(s => s.car.exhaust.pumpMa, 1 / 256, -128)),
  pid(0x3c, word(s => s.car.heat.catalystFrontC, 1 / 10, -40)),
  pid(0x3e, word(s => s.car.heat.catalystRearC, 1 / 10, -40)),
  pid(0x41, byte(() => 0), byte(s => monitorsOf(s).cycleKinds), byte(s => monitorsOf(s).supported), byte(s => monitorsOf(s).cycleIncomplete)),
  pid(0x42, word(s => s.car.voltageV, 1 / 1000)),
  pid(0x43, word(s => absoluteLoadPct(s.car.engine), PERCENT)),
  pid(0x44, word(s => s.car.engine.lambda, lambdaScale)),
  pid(0x45, byte(s => s.car.engine.throttlePct - CLOSED_THROTTLE_PCT, PERCENT)),
  pid(0x46, byte(s => s.car.ambientC, 1, -40)),
  pid(0x47, byte(s => s.car.engine.throttlePct + 1.5, PERCENT)),
  pid(0x49, byte(s => 15 + 0.7 * s.car.engine.pedalPct, PERCENT)),
  pid(0x4a, byte(s => 7.5 + 0.35 * s.car.engine.pedalPct, PERCENT)),
  pid(0x4c, byte(s => s.car.engine.throttlePct, PERCENT)),
  pid(0x4d, word(s => s.troubles.withMil.minutes)),
  pid(0x4e, word(s => s.troubles.sinceCleared.minutes)),
  pid(0x4f, byte(s => s.scaling.lambdaMax), byte(() => 0), byte(() => 0), byte(() => 0)),
  pid(0x50, byte(s => s.scaling.mafMaxGs, 10), byte(() => 0), byte(() => 0), byte(() => 0)),
  pid(0x51, byte(() => FUEL_TYPE_PETROL)),
  pid(0x53, word(s => s.car.baroKpa - 0.14, 1 / 200)),
  pid(0x54, signedWord(s => -140 - 4 * s.car.engine.effort)),
  pid(0x5a, byte(s => s.car.engine.pedalPct, PERCENT)),
  pid(0x5c, byte(s => s.car.heat.oilC, 1, -40)),
  pid(0x5e, word(s => s.car.engine.fuelLh, 1 / 20)),
  pid(0x61, byte(s => s.car.engine.pedalPct, 1, -125)),
  pid(0x62, byte(s => 100 * s.car.engine.effort, 1, -125)),
  pid(0x63, word(() => REFERENCE_TORQUE_NM)),
  pid(0x66, byte(() => FIRST_SENSOR), word(s => s.car.engine.mafGs, 1 / 32), word(() => 0)),
  pid(0x67, byte(() => FIRST_SENSOR), byte(s => s.car.heat.coolantC, 1, -40), byte(() => 0)),
  pid(0xa6, long(s => s.car.odometerKm, 1 / 10)),
];

// biome-ignore format: one PID a line, in columns, as in the standard
export const TRANSMISSION_PIDS: readonly PidEncoder[] = [
  pid(0x01, byte(() => 0), byte(() => 0b100), byte(() => 0), byte(() => 0)),
  pid(0x0d, byte(s => s.car.motion.speedKmh)),
  pid(0x1c, byte(() => OBD_STANDARD_EOBD)),
  pid(0xa4, byte(() => GEAR_RATIO_SUPPORTED), byte(() => 0), word(s => s.car.motion.gearRatio, 1 / 1000)),
];

/** The data bytes of one PID, without service and PID byte. */
export function encodePid({ fields }: PidEncoder, snapshot: Snapshot): number[] {
  return fields.flatMap((field) => {
    const raw = rawOf(field, snapshot);
    return Array.from({ length: field.bytes }, (_, i) => {
      return Math.floor(raw / 256 ** (field.bytes - 1 - i)) & 0xff;
    });
  });
}

/** What the bytes of one PID say: the value of each field as far as its bytes can express it. */
export function pidTruth({ fields }: PidEncoder, snapshot: Snapshot): number[] {
  return fields.map((field) => {
    return rawOf(field, snapshot) * scaleOf(field, snapshot) + field.offset;
  });
}

function rawOf(field: Field, snapshot: Snapshot): number {
  const raw = Math.round((field.of(snapshot) - field.offset) / scaleOf(field, snapshot));
  const count = 256 ** field.bytes;
  const [low, high] = field.signed ? [-count / 2, count / 2 - 1] : [0, count - 1];
  return Math.min(Math.max(raw, low), high);
}

function scaleOf({ scale }: Field, { scaling }: Snapshot): number {
  return typeof scale === 'number' ? scale : scale(scaling);
}

function pid(number: number, ...fields: Field[]): PidEncoder {
  return { pid: number, fields };
}

function byte(of: Field['of'], scale: Field['scale'] = 1, offset = 0): Field {
  return { bytes: 1, scale, offset, signed: false, of };
}

function word(of: Field['of'], scale: Field['scale'] = 1, offset = 0): Field {
  return { bytes: 2, scale, offset, signed: false, of };
}

function signedWord(of: Field['of'], scale = 1): Field {
  return { bytes: 2, scale, offset: 0, signed: true, of };
}

function long(of: Field['of'], scale: number): Field {
  return { bytes: 4, scale, offset: 0, signed: false, of };
}

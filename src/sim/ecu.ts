/**
 * The control units of the simulated car, at the level of SAE J1979 messages: request bytes in,
 * answer bytes out. How a message travels (CAN frames, K line) is the adapter's business.
 *
 * A unit that does not support what is asked stays silent, as J1979 demands of functional requests;
 * negative answers are 7F service 22 (conditions) and 7F service 78 (answer follows) only.
 */
import type { Micros } from '#core/stream.ts';
import type { Car } from './car.ts';
import { monitorTest } from './monitor-tests.ts';
import {
  ENGINE_PIDS,
  encodePid,
  type PidEncoder,
  pidTruth,
  type Scaling,
  type Snapshot,
  TRANSMISSION_PIDS,
} from './pid-encoders.ts';
import { isBitmap, supportBitmap } from './support.ts';
import { TroubleMemory } from './troubles.ts';
import { ENGINE_INFO, type InfoType, TRANSMISSION_INFO, vehicleInfo } from './vehicle-info.ts';

/** `can` carries messages of up to 4095 bytes, the older buses lines of 7 and no counts. */
export type Bus = 'can' | 'legacy';

/** One message that a control unit sends, so many milliseconds after the request. */
export interface EcuAnswer {
  readonly afterMs: number;
  readonly pdu: readonly number[];
}

/** One control unit. */
export interface Ecu {
  /** 0 the engine, 1 the transmission; added to 7E0, 7E8 and to address 10 (ISO 15765-4). */
  readonly node: number;
  /** What it sends to one request at time `t`, in order; empty when it stays silent. */
  answer(request: readonly number[], t: Micros, bus: Bus): readonly EcuAnswer[];
}

/** The car with its control units. */
export interface Vehicle {
  readonly car: Car;
  readonly ecus: readonly Ecu[];
  /**
   * What the engine unit's answer to a service 01 PID says at time `t`: one number a field, as far
   * as the bytes can express it. Undefined for a PID it does not support.
   */
  truth(pid: number, t: Micros): readonly number[] | undefined;
}

export interface VehicleOptions {
  readonly scaling?: Partial<Scaling>;
  /** How long the engine unit takes to answer; the transmission takes half as long again. */
  readonly ecuMs?: number;
  /** The units stay silent on service 01 requests with several PIDs, as some early CAN units do. */
  readonly singlePidOnly?: boolean;
  /** The transmission answers 45 ms after the engine unit, when impatient adapters have gone on. */
  readonly slowSecond?: boolean;
  /** This unit says that its verification numbers (0906) follow, and never sends them. */
  readonly pendingOnly?: 'engine' | 'transmission';
}

const ECU_MS = 8;
/** Checking its own flash takes the engine unit this long (service 09 infotype 06). */
const CHECKSUM_MS = 300;
/** How much later a slow transmission unit answers. */
const SLOW_SECOND_MS = 45;
const CONDITIONS_NOT_CORRECT = 0x22;
const RESPONSE_PENDING = 0x78;
/** J1979: at most six PIDs in one request, and only on CAN. */
const PIDS_PER_REQUEST_MAX = 6;
const FREEZE_PAIRS_MAX = 3;
const CODES_PER_LEGACY_LINE = 3;
/** Service 02: the trouble code that froze the frame. */
const FREEZE_CODE_PID = 0x02;
const FREEZE_PIDS: readonly number[] = [
  0x03, 0x04, 0x05, 0x06, 0x07, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x1f, 0x2f, 0x33, 0x42,
];

/** Wires control units to a car. */
export function createVehicle(car: Car, options: VehicleOptions = {}): Vehicle {
  const scaling = { lambdaMax: 0, mafMaxGs: 0, ...options.scaling };
  const memory = new TroubleMemory(car);
  const ecuMs = options.ecuMs ?? ECU_MS;
  const snapshot = (t: Micros): Snapshot => ({ car: car.at(t), troubles: memory.at(t), scaling });
  const { singlePidOnly = false, slowSecond, pendingOnly } = options;
  const engine = new ControlUnit({
    node: 0,
    answerMs: ecuMs,
    pids: ENGINE_PIDS,
    info: ENGINE_INFO,
    snapshot,
    car,
    memory,
    singlePidOnly,
    pendingOnly: pendingOnly === 'engine',
  });
  const transmission = new ControlUnit({
    node: 1,
    answerMs: slowSecond ? ecuMs + SLOW_SECOND_MS : ecuMs * 1.5,
    pids: TRANSMISSION_PIDS,
    info: TRANSMISSION_INFO,
    snapshot,
    car,
    singlePidOnly,
    pendingOnly: pendingOnly === 'transmission',
  });
  return {
    car,
    ecus: [engine, transmission],
    truth: (pid, t) => {
      const encoder = ENGINE_PIDS.find((row) => row.pid === pid);
      return encoder && pidTruth(encoder, snapshot(t));
    },
  };
}

interface Wiring {
  readonly node: number;
  readonly answerMs: number;
  readonly pids: readonly PidEncoder[];
  readonly info: readonly InfoType[];
  readonly snapshot: (t: Micros) => Snapshot;
  readonly car: Car;
  /** Only the engine unit keeps trouble codes; the others have none. */
  readonly memory?: TroubleMemory;
  readonly singlePidOnly: boolean;
  readonly pendingOnly: boolean;
}

class ControlUnit implements Ecu {
  readonly node: number;
  readonly #wiring: Wiring;

  constructor(wiring: Wiring) {
    this.node = wiring.node;
    this.#wiring = wiring;
  }

  answer(request: readonly number[], t: Micros, bus: Bus): readonly EcuAnswer[] {
    if (!this.#wiring.car.at(t).ignition) return [];
    const { answerMs, pendingOnly } = this.#wiring;
    const messages = this.#messages(request, t, bus);
    const checksum = request[0] === 0x09 && request[1] === 0x06;
    const pending = { afterMs: answerMs, pdu: [0x7f, 0x09, RESPONSE_PENDING] };
    if (checksum && pendingOnly) return [pending];
    if (!checksum || messages.length === 0) {
      return messages.map((pdu) => ({ afterMs: answerMs, pdu }));
    }
    return [pending, ...messages.map((pdu) => ({ afterMs: answerMs + CHECKSUM_MS, pdu }))];
  }

  #messages(request: readonly number[], t: Micros, bus: Bus): readonly number[][] {
    const [service, ...parameters] = request;
    const { memory, snapshot, info, car } = this.#wiring;
    const troubles = memory?.at(t);
    switch (service) {
      case 0x01:
        return this.#currentData(parameters, t, bus);
      case 0x02:
        return this.#freezeFrame(parameters, t, bus);
      case 0x03:
        return troubleCodes(0x43, troubles?.stored ?? [], bus);
      case 0x04:
        return this.#clear(t);
      case 0x06:
        return memory && bus === 'can' ? monitorTest(parameters, snapshot(t)) : [];
      case 0x07:
        return troubleCodes(0x47, troubles?.pending ?? [], bus);
      case 0x09:
        return vehicleInfo(info, parameters, { traits: car.traits, bus });
      case 0x0a:
        return troubleCodes(0x4a, troubles?.permanent ?? [], bus);
      default:
        return [];
    }
  }

  #currentData(pids: readonly number[], t: Micros, bus: Bus): number[][] {
    const bitmaps = pids.filter(isBitmap).length;
    const mixed = bitmaps > 0 && bitmaps < pids.length;
    if (mixed || pids.length > this.#pidsMax(bus)) return [];
    const data = pids.flatMap((pid) => this.#onePid(pid, t));
    return data.length > 0 ? [[0x41, ...data]] : [];
  }

  #pidsMax(bus: Bus): number {
    return bus === 'can' && !this.#wiring.singlePidOnly ? PIDS_PER_REQUEST_MAX : 1;
  }

  #onePid(pid: number, t: Micros): number[] {
    const { pids, snapshot } = this.#wiring;
    const numbers = pids.map((row) => row.pid);
    if (isBitmap(pid)) return withId(pid, supportBitmap(pid, numbers));
    const encoder = pids.find((row) => row.pid === pid);
    return withId(pid, encoder && encodePid(encoder, snapshot(t)));
  }

  /** Pairs of PID and frame number; frame 0 is the only one that J1979 requires. */
  #freezeFrame(pairs: readonly number[], t: Micros, bus: Bus): number[][] {
    const count = pairs.length / 2;
    if (!Number.isInteger(count) || count > (bus === 'can' ? FREEZE_PAIRS_MAX : 1)) return [];
    const data = Array.from({ length: count }, (_, i) => {
      const [pid = 0, frame] = pairs.slice(2 * i, 2 * i + 2);
      return frame === 0 ? this.#frozenPid(pid, t) : [];
    });
    return data.flat().length > 0 ? [[0x42, ...data.flat()]] : [];
  }

  #frozenPid(pid: number, t: Micros): number[] {
    const now = this.#wiring.snapshot(t);
    if (!this.#wiring.memory) return [];
    const [code] = now.troubles.stored;
    if (isBitmap(pid)) return withId(pid, supportBitmap(pid, [FREEZE_CODE_PID, ...FREEZE_PIDS]), 0);
    if (pid === FREEZE_CODE_PID) return [pid, 0, ...(code ? codeBytes(code) : [0, 0])];
    const encoder = ENGINE_PIDS.find((row) => row.pid === pid && FREEZE_PIDS.includes(pid));
    const { frozen } = now.troubles;
    return withId(pid, encoder && frozen && encodePid(encoder, { ...now, car: frozen }), 0);
  }

  /** Refused while the engine runs, as many cars do. */
  #clear(t: Micros): number[][] {
    if (this.#wiring.car.at(t).engine.phase !== 'off')
      return [[0x7f, 0x04, CONDITIONS_NOT_CORRECT]];
    this.#wiring.memory?.clear(t);
    return [[0x44]];
  }
}

function withId(pid: number, data: readonly number[] | undefined, ...between: number[]): number[] {
  return data ? [pid, ...between, ...data] : [];
}

/** On CAN a count and the codes; on the older buses lines of three codes filled with 0000. */
function troubleCodes(sid: number, codes: readonly string[], bus: Bus): number[][] {
  if (bus === 'can') return [[sid, codes.length, ...codes.flatMap(codeBytes)]];
  const lines = Math.max(1, Math.ceil(codes.length / CODES_PER_LEGACY_LINE));
  return Array.from({ length: lines }, (_, i) => {
    const some = codes.slice(i * CODES_PER_LEGACY_LINE, (i + 1) * CODES_PER_LEGACY_LINE);
    const bytes = some.flatMap(codeBytes);
    return [sid, ...bytes, ...new Array<number>(2 * CODES_PER_LEGACY_LINE - bytes.length).fill(0)];
  });
}

/** `P0301` to 03 01: bits 15-14 are the letter, the rest the digits (SAE J2012). */
export function codeBytes(code: string): number[] {
  const value = ('PCBU'.indexOf(code.charAt(0)) << 14) | Number.parseInt(code.slice(1), 16);
  return [value >> 8, value & 0xff];
}

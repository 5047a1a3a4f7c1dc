/**
 * The diagnosis by ISO 14229-1 (UDS) of the simulated control units: sessions (10), trouble codes (19),
 * identification and live data (22) and tester present (3E). Nothing can be written.
 *
 * What is in the trouble memory is asked of the same unit in the words of SAE J1979, so that both ways
 * of asking tell the same. The parameters of service 01 are also identifiers F400 to F4FF, as in
 * ISO 27145-2.
 */
import type { Micros } from '#core/stream.ts';
import type { Traits } from './car.ts';
import type { Ecu } from './ecu.ts';

/** Negative response codes (ISO 14229-1, table A.1). */
export const NRC = {
  serviceNotSupported: 0x11,
  subFunctionNotSupported: 0x12,
  incorrectLength: 0x13,
  requestOutOfRange: 0x31,
} as const;

/** A session other than the default one ends so long after the last request (S3server). */
const SESSION_US = 5_000_000;
const DEFAULT_SESSION = 1;
const EXTENDED_SESSION = 3;
/** P2 of 50 ms, and P2* of 5000 ms in tens of them. */
const SESSION_TIMING = [0x00, 0x32, 0x01, 0xf4];
/** The sub-function says that no positive answer is wanted. */
const SUPPRESS = 0x80;

/** What the engine unit looks for, and the others do not. */
const ENGINE_CODES = ['P0128', 'P0301', 'P0420'];
/** Failure type: none told. */
const FAILURE_TYPE = 0x00;
/** SAE J2012-DA, two bytes and a failure type. */
const DTC_FORMAT = 0x04;
/** All bits of a status are kept. */
const AVAILABLE = 0xff;
/** testFailed, in this cycle, and since the codes were cleared; and pendingDTC. */
const PENDING = 0x27;
/** Also confirmedDTC and warningIndicatorRequested. */
const CONFIRMED = PENDING | 0x88;
/** The only record of each kind. */
const RECORD = 0x01;
const ALL_RECORDS = 0xff;
/** What a snapshot holds: load, coolant, engine speed, vehicle speed. */
const SNAPSHOT_PIDS = [0x04, 0x05, 0x0c, 0x0d];

const PID_IDS = 0xf400;

export interface UdsServerOptions {
  readonly ecu: Ecu;
  readonly traits: Traits;
}

/** One control unit's diagnosis. It remembers its session; all else is asked of the car. */
export class UdsServer {
  readonly #ecu: Ecu;
  readonly #traits: Traits;
  #session = DEFAULT_SESSION;
  #askedAt: Micros = 0;

  constructor({ ecu, traits }: UdsServerOptions) {
    this.#ecu = ecu;
    this.#traits = traits;
  }

  /** What it says to a request at time `t`; undefined where no answer is wanted. */
  answer(request: readonly number[], t: Micros): readonly number[] | undefined {
    if (t - this.#askedAt > SESSION_US) this.#session = DEFAULT_SESSION;
    this.#askedAt = t;
    const [service = 0, ...data] = request;
    switch (service) {
      case 0x10:
        return this.#control(data);
      case 0x19:
        return this.#troubleCodes(data, t);
      case 0x22:
        return this.#readData(data, t);
      case 0x3e:
        return data.length === 1
          ? simple(service, data, [0], [])
          : refuse(service, 'incorrectLength');
      default:
        return refuse(service, 'serviceNotSupported');
    }
  }

  #control(data: readonly number[]): readonly number[] | undefined {
    if (data.length !== 1) return refuse(0x10, 'incorrectLength');
    const answer = simple(0x10, data, [DEFAULT_SESSION, EXTENDED_SESSION], SESSION_TIMING);
    if (answer?.[0] !== 0x7f) this.#session = (data[0] ?? 0) & ~SUPPRESS;
    return answer;
  }

  #readData(data: readonly number[], t: Micros): readonly number[] {
    if (data.length === 0 || data.length % 2 !== 0) return refuse(0x22, 'incorrectLength');
    const found = data.flatMap((high, i) => {
      if (i % 2 !== 0) return [];
      const low = data[i + 1] ?? 0;
      const value = this.#value(high * 256 + low, t);
      return value ? [high, low, ...value] : [];
    });
    return found.length > 0 ? [0x62, ...found] : refuse(0x22, 'requestOutOfRange');
  }

  #value(id: number, t: Micros): readonly number[] | undefined {
    const { vin } = this.#traits;
    const { node } = this.#ecu;
    switch (id) {
      case 0xf186:
        return [this.#session];
      case 0xf187:
        return ascii(node === 0 ? '06A906032HN' : '09G927750LN');
      case 0xf18b:
        return [0x20, 0x24, 0x03, 0x0f];
      case 0xf18c:
        return ascii(`VGL${vin.slice(-8)}${node}`);
      case 0xf190:
        return node === 0 ? ascii(vin) : undefined;
      case 0xf195:
        return ascii('0042');
      case 0xf197:
        return ascii(node === 0 ? 'R4 2.0l' : 'AG6');
      default:
        return id >= PID_IDS && id <= PID_IDS + 0xff ? this.#current(id - PID_IDS, t) : undefined;
    }
  }

  #troubleCodes(data: readonly number[], t: Micros): readonly number[] {
    const [report = -1, ...rest] = data;
    const bytes = REPORT_BYTES.get(report);
    if (bytes === undefined) return refuse(0x19, 'subFunctionNotSupported');
    if (rest.length !== bytes) return refuse(0x19, 'incorrectLength');
    const all = this.#codes(t);
    const [mask = 0] = rest;
    const chosen = all.filter(({ status }) => status & mask);
    const rows = (codes: readonly Code[]): number[] =>
      codes.flatMap(({ dtc, status }) => [...dtc, status]);
    switch (report) {
      case 0x01:
        return [0x59, report, AVAILABLE, DTC_FORMAT, chosen.length >> 8, chosen.length & 0xff];
      case 0x02:
        return [0x59, report, AVAILABLE, ...rows(chosen)];
      case 0x03:
        return [0x59, report, ...all.filter(isConfirmed).flatMap(({ dtc }) => [...dtc, RECORD])];
      case 0x0a:
        return [0x59, report, AVAILABLE, ...rows(all)];
      default:
        return this.#record(report, rest, t);
    }
  }

  /** 04: the snapshot of a code, 06: how often it was seen. */
  #record(report: number, data: readonly number[], t: Micros): readonly number[] {
    const code = this.#codes(t).find(({ dtc }) => dtc.every((byte, i) => byte === data[i]));
    const record = data.at(-1);
    if (!code || (record !== RECORD && record !== ALL_RECORDS))
      return refuse(0x19, 'requestOutOfRange');
    const head = [0x59, report, ...code.dtc, code.status];
    if (!isConfirmed(code)) return head;
    if (report === 0x06) return [...head, RECORD, 1];
    const values = SNAPSHOT_PIDS.map((pid) => [0xf4, pid, ...(this.#frozen(pid, t) ?? [])]);
    return [...head, RECORD, values.length, ...values.flat()];
  }

  /** All codes that the unit can tell, in the order of their numbers. */
  #codes(t: Micros): readonly Code[] {
    const [stored, pending] = [0x03, 0x07].map((service) =>
      pairs(this.#ask([service], t).slice(2)),
    );
    const has = (list: number[][] | undefined, dtc: readonly number[]): boolean =>
      list?.some(([high, low]) => high === dtc[0] && low === dtc[1]) ?? false;
    const known = this.#ecu.node === 0 ? ENGINE_CODES : [];
    return known.map((text) => {
      const value = Number.parseInt(text.slice(1), 16);
      const dtc = [value >> 8, value & 0xff, FAILURE_TYPE];
      if (has(stored, dtc)) return { dtc, status: CONFIRMED };
      return { dtc, status: has(pending, dtc) ? PENDING : 0 };
    });
  }

  #current(pid: number, t: Micros): readonly number[] | undefined {
    const answer = this.#ask([0x01, pid], t);
    return answer.length > 0 ? answer.slice(2) : undefined;
  }

  #frozen(pid: number, t: Micros): readonly number[] | undefined {
    const answer = this.#ask([0x02, pid, 0], t);
    return answer.length > 0 ? answer.slice(3) : undefined;
  }

  #ask(request: readonly number[], t: Micros): readonly number[] {
    return this.#ecu.answer(request, t, 'can').at(-1)?.pdu ?? [];
  }
}

interface Code {
  readonly dtc: readonly number[];
  readonly status: number;
}

function isConfirmed({ status }: Code): boolean {
  return status === CONFIRMED;
}

/** Bytes behind the sub-functions of service 19. */
const REPORT_BYTES: ReadonlyMap<number, number> = new Map([
  [0x01, 1],
  [0x02, 1],
  [0x03, 0],
  [0x04, 4],
  [0x06, 4],
  [0x0a, 0],
]);

/** The answer of a service that repeats its sub-function, if it is one of those that it knows. */
function simple(
  service: number,
  [subFunction = 0]: readonly number[],
  known: readonly number[],
  more: readonly number[],
): readonly number[] | undefined {
  const wanted = subFunction & ~SUPPRESS;
  if (!known.includes(wanted)) return refuse(service, 'subFunctionNotSupported');
  return subFunction & SUPPRESS ? undefined : [service + 0x40, wanted, ...more];
}

/** A negative answer. */
export function refuse(service: number, reason: keyof typeof NRC): readonly number[] {
  return [0x7f, service, NRC[reason]];
}

function pairs(bytes: readonly number[]): number[][] {
  return Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.slice(2 * i, 2 * i + 2));
}

function ascii(text: string): readonly number[] {
  return [...Buffer.from(text, 'latin1')];
}

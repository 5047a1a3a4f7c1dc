/** What the simulated car really had to say, written down as it is asked, to hold samples against. */
import type { Sample } from '#core/stream.ts';
import type { Car } from '../../../src/sim/car.ts';
import type { ElmRecord } from '../../../src/sim/elm.ts';
import type { Fault } from '../../../src/sim/elm-faults.ts';
import {
  ENGINE_PIDS,
  type PidEncoder,
  pidTruth,
  TRANSMISSION_PIDS,
} from '../../../src/sim/pid-encoders.ts';
import { TroubleMemory } from '../../../src/sim/troubles.ts';
import { PIDS } from '../../../src/sources/obd/j1979/pid-table.ts';
import type { Signal } from '../../../src/sources/obd/j1979/pids.ts';

/** An answer that comes after its prompt may be taken for that of a later request, up to here. */
const LATE_US_MAX = 2_000_000;
/** Decoder and simulator multiply in different orders. */
const RELATIVE_ERROR = 1e-9;
/** Addresses of the transmission: CAN with 11 and with 29 bits, and the older buses. */
const TRANSMISSION_STREAM = /^obd\.(?:7e9|18daf111|11)\./;

/** Both control units' words for one PID at the moment of a request. */
interface Note {
  readonly at: number;
  readonly fault: Fault | undefined;
  /** One number a field; empty where the unit does not know the PID. */
  readonly engine: readonly number[];
  readonly transmission: readonly number[];
}

const SIGNALS = new Map(
  PIDS.flatMap(({ pid, signals }) => signals.map((signal) => [signal.stream.id, { pid, signal }])),
);
const ENGINE = new Map(ENGINE_PIDS.map((row) => [row.pid, row]));
const TRANSMISSION = new Map(TRANSMISSION_PIDS.map((row) => [row.pid, row]));

export class TruthLog {
  readonly #car: Car;
  readonly #memory: TroubleMemory;
  readonly #notes = new Map<number, Note[]>();

  constructor(car: Car) {
    this.#car = car;
    this.#memory = new TroubleMemory(car);
  }

  /** To be told of every command that reaches the adapter. The control units look at the car then. */
  note({ at, command, fault }: ElmRecord): void {
    const digits = /^01((?:[0-9A-F]{2})+)[0-9A-F]?$/.exec(command)?.[1];
    for (const pid of digits ? Buffer.from(digits, 'hex') : []) {
      const notes = this.#notes.get(pid)?.filter((note) => at - note.at <= LATE_US_MAX) ?? [];
      const engine = this.#truth(ENGINE.get(pid), at);
      notes.push({ at, fault, engine, transmission: this.#truth(TRANSMISSION.get(pid), at) });
      this.#notes.set(pid, notes);
    }
  }

  /**
   * A sentence about what is wrong with the sample, or undefined for one that is true: it has the
   * value of the moment of its request or, after an answer that came late, of an earlier one.
   */
  complaint({ stream, t, v }: Sample): string | undefined {
    const engine = !TRANSMISSION_STREAM.test(stream.id);
    const found = SIGNALS.get(stream.id.replace(TRANSMISSION_STREAM, 'obd.'));
    if (!found) return undefined; // The voltage of the adapter, and what the driver concludes.
    const { pid, signal } = found;
    const row = (engine ? ENGINE : TRANSMISSION).get(pid);
    const notes = this.#notes.get(pid) ?? [];
    const told = notes
      .filter((note) => note === notes.at(-1) || note.fault === 'late')
      .map((note) => row && signalTruth(signal, row, engine ? note.engine : note.transmission));
    if (told.some((value) => value !== undefined && isSame(value, v))) return undefined;
    return `${stream.id} was ${v} at ${t / 1e6} s, the car had ${told.join(' or ')}`;
  }

  #truth(row: PidEncoder | undefined, at: number): readonly number[] {
    if (!row) return [];
    const scaling = { lambdaMax: 0, mafMaxGs: 0 };
    return pidTruth(row, { car: this.#car.at(at), troubles: this.#memory.at(at), scaling });
  }
}

/** The value of one signal, from the fields that its control unit writes next to each other. */
function signalTruth(
  { offset, width, shift, mask }: Signal,
  { fields }: PidEncoder,
  truth: readonly number[],
): number | undefined {
  const starts = fields.map((_, i) =>
    fields.slice(0, i).reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const first = starts.indexOf(offset);
  if (mask === 0 && fields[first]?.bytes === width) return truth[first];
  // Bits, over one or several bytes that are fields of their own.
  const whole = truth.slice(first, first + width).reduce((sum, byte) => sum * 256 + byte, 0);
  return mask === 0 ? whole : (whole >> shift) & mask;
}

function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= RELATIVE_ERROR * Math.max(1, Math.abs(a), Math.abs(b));
}

import type { Micros, Stream } from '#core/stream.ts';
import { hexByte } from './hex.ts';
import { PID_BY_NUMBER } from './j1979/pid-table.ts';
import { DEFAULT_SCALING, type Scaling, supportedPids } from './j1979/pids.ts';
import { ANSWER_MS, type Outcome, type VehicleLink } from './scan-tool.ts';

/** Requests of one bitmap before an ECU's silence is believed. */
const TRIES = 3;
/** Bitmaps are PIDs 00, 20, .. E0; each says in its last bit whether the next exists. */
const BITMAP_STEP = 0x20;
const BITMAP_LAST = 0xe0;
const POSITIVE_01 = 0x41;
const ENGINE_SPEED = 0x0c;
/** A car has at most eight ECUs that answer OBD requests (ISO 15765-4, 6.4.3). */
const ECUS_MAX = 8;
/** ECUs that may get streams of their own while the process lives: those of a few cars. */
const ECUS_EVER_MAX = 32;

/** One control unit that answers OBD requests. */
export interface Ecu {
  /** Its address in lower-case hexadecimal: `7e8`, `18daf110`, `10`. */
  readonly id: string;
  /** Service 01 PIDs that it announces. */
  readonly supported: ReadonlySet<number>;
  /** Data bytes of each PID as this ECU sends it, once seen in an answer of its own. */
  readonly lengths: Map<number, number>;
  /** Full scales that it declared with PIDs 4F and 50. */
  scaling: Scaling;
  /** The newest value of each signal, by the stream's id without an address. */
  readonly latest: Map<string, Latest>;
}

export interface Latest {
  readonly t: Micros;
  readonly v: number;
}

/**
 * The ECUs of a car, kept apart: the engine's values have the plain stream ids (`obd.engine.rpm`),
 * those of every other ECU carry its address (`obd.7e9.engine.rpm`).
 */
export class Vehicle {
  /** By address, ascending. */
  readonly ecus: ReadonlyMap<string, Ecu>;
  /** The address of the ECU that speaks for the car: the one that knows the engine speed. */
  readonly engine: string | undefined;

  /** @param last an ECU of it with the same address and PIDs is taken for the same one */
  constructor(supported: ReadonlyMap<string, ReadonlySet<number>>, last?: Vehicle) {
    const ecus = [...supported]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([id, pids]): [string, Ecu] => {
        const known = last?.ecus.get(id);
        if (known && known.supported.symmetricDifference(pids).size === 0) return [id, known];
        return [
          id,
          { id, supported: pids, lengths: new Map(), scaling: DEFAULT_SCALING, latest: new Map() },
        ];
      });
    this.ecus = new Map(ecus);
    const withEngine = ecus.find(([, ecu]) => ecu.supported.has(ENGINE_SPEED)) ?? ecus[0];
    this.engine = withEngine?.[0];
  }

  /** Whether every ECU that announces the PID has been seen to send it. */
  knowsLength(pid: number): boolean {
    return [...this.ecus.values()].every(
      ({ supported, lengths }) => !supported.has(pid) || lengths.has(pid),
    );
  }

  /** Every PID that some ECU announces and this version can decode, ascending. */
  get pids(): number[] {
    const union = new Set([...this.ecus.values()].flatMap((ecu) => [...ecu.supported]));
    return [...union].filter((pid) => PID_BY_NUMBER.has(pid)).sort((a, b) => a - b);
  }
}

/** The id under which `ecu` has a stream: the engine's have the plain ones. */
export function streamIdOf({ id }: Stream, ecu: string, { engine }: Vehicle): string {
  return ecu === engine ? id : id.replace(/^obd\./, `obd.${ecu}.`);
}

/** The streams of a car's ECUs, the same object for the same stream and ECU over reconnections. */
export class EcuStreams {
  readonly #known = new Map<string, Stream>();
  readonly #ecus = new Set<string>();

  /** The stream as `ecu` sends it; undefined when more ECUs were seen than may have streams. */
  of(stream: Stream, ecu: string, vehicle: Vehicle): Stream | undefined {
    if (ecu === vehicle.engine) return stream;
    if (!this.#ecus.has(ecu) && this.#ecus.size >= ECUS_EVER_MAX) return undefined;
    this.#ecus.add(ecu);
    const id = streamIdOf(stream, ecu, vehicle);
    const known = this.#known.get(id);
    if (known) return known;
    const own = { ...stream, id, name: `${stream.name} (${ecu.toUpperCase()})` };
    this.#known.set(id, own);
    return own;
  }

  get all(): readonly Stream[] {
    return [...this.#known.values()];
  }
}

/**
 * Asks which PIDs each ECU supports (SAE J1979, 6.1.1). Bitmaps are asked one at a time: some older
 * ECUs choke on several in a request. What one of them lacks would be missing for a whole drive, so
 * an answer that was cut, damaged or another one's is asked for again.
 *
 * @param first the answer to PID 00 that found the car
 * @param last the car that answered before
 * @returns a car without ECUs when nobody sent a bitmap
 */
export async function discover(
  link: VehicleLink,
  first: Outcome,
  last: Vehicle | undefined,
): Promise<Vehicle> {
  const supported = new Map<string, Set<number>>();
  let outcome = first;
  for (let base = 0; ; base += BITMAP_STEP) {
    for (let tries = 1; !noteBitmaps(supported, base, outcome) && tries < TRIES; tries++) {
      outcome = await link.request(request(base), ANSWER_MS);
    }
    const more = [...supported.values()].some((pids) => pids.has(base + BITMAP_STEP));
    if (!more || base === BITMAP_LAST) break;
    outcome = await link.request(request(base + BITMAP_STEP), ANSWER_MS);
  }
  return new Vehicle(supported, last);
}

/** Notes each ECU's bitmap; false when one may be missing. */
function noteBitmaps(supported: Map<string, Set<number>>, base: number, outcome: Outcome): boolean {
  if (outcome.kind !== 'answered') return false;
  const bitmaps = outcome.responses.filter(({ pdu }) => pdu[0] === POSITIVE_01 && pdu[1] === base);
  for (const { ecu, pdu } of bitmaps) {
    if (!supported.has(ecu) && supported.size >= ECUS_MAX) continue;
    const pids = supported.get(ecu) ?? new Set();
    supported.set(ecu, pids);
    for (const pid of supportedPids(base, pdu.subarray(2))) pids.add(pid);
  }
  return bitmaps.length > 0 && outcome.whole;
}

function request(pid: number): string {
  return `01${hexByte(pid)}`;
}

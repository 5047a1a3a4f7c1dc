import type { Stream } from '#core/stream.ts';
import { type Adapter, ANSWER_MS, type Outcome } from './adapter.ts';
import type { Response } from './elm-frames.ts';
import { PID_BY_NUMBER } from './pid-table.ts';
import { DEFAULT_SCALING, type Scaling, supportedPids } from './pids.ts';

/** Requests of one bitmap before an ECU's silence is believed. */
const TRIES = 3;
/** Bitmaps are PIDs 00, 20, .. E0; each says in its last bit whether the next exists. */
const BITMAP_STEP = 0x20;
const BITMAP_LAST = 0xe0;
const POSITIVE_01 = 0x41;
const ENGINE_SPEED = 0x0c;

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
        return [id, { id, supported: pids, lengths: new Map(), scaling: DEFAULT_SCALING }];
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

/** The streams of a car's ECUs, the same object for the same stream and ECU over reconnections. */
export class EcuStreams {
  readonly #known = new Map<string, Stream>();

  /** The stream as `ecu` sends it. */
  of(stream: Stream, ecu: string, vehicle: Vehicle): Stream {
    if (ecu === vehicle.engine) return stream;
    const id = stream.id.replace(/^obd\./, `obd.${ecu}.`);
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
 * ECUs choke on several in a request.
 *
 * @param first the answer to PID 00 that found the car
 * @param last the car that answered before
 */
export async function discover(
  adapter: Adapter,
  first: Outcome,
  last: Vehicle | undefined,
): Promise<Vehicle> {
  const supported = new Map<string, Set<number>>();
  let outcome = first;
  for (let base = 0; ; base += BITMAP_STEP) {
    const more = outcome.kind === 'answered' && noteBitmaps(supported, base, outcome.responses);
    if (!more || base === BITMAP_LAST) break;
    outcome = await ask(adapter, base + BITMAP_STEP);
  }
  return new Vehicle(supported, last);
}

/** Notes each ECU's bitmap; true when one of them says that another follows. */
function noteBitmaps(
  supported: Map<string, Set<number>>,
  base: number,
  responses: readonly Response[],
): boolean {
  let more = false;
  for (const { ecu, pdu } of responses) {
    if (pdu[0] !== POSITIVE_01 || pdu[1] !== base) continue;
    const pids = supported.get(ecu) ?? new Set();
    supported.set(ecu, pids);
    for (const pid of supportedPids(base, pdu.subarray(2))) pids.add(pid);
    more ||= pids.has(base + BITMAP_STEP);
  }
  return more;
}

async function ask(adapter: Adapter, pid: number): Promise<Outcome> {
  const hex = `01${pid.toString(16).padStart(2, '0').toUpperCase()}`;
  let outcome = await adapter.request(hex, ANSWER_MS);
  for (let tries = 1; tries < TRIES && outcome.kind === 'disturbed'; tries++) {
    outcome = await adapter.request(hex, ANSWER_MS);
  }
  return outcome;
}

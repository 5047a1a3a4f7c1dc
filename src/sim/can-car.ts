/**
 * The diagnosis of the simulated car on a CAN bus, as ISO 15765-4 wants it: requests on 7DF and 7E0 to
 * 7E7 (18DB33F1 and 18DAxxF1 with 29 bits), answers from 7E8 on, by ISO-TP, from several control units
 * at once.
 *
 *   to all units   who has nothing to say stays silent, and so does who would refuse with 11, 12 or 31
 *   to one unit    it answers whatever it is asked, if only by refusing
 *   slow answers   are announced by 7F xx 78 within 50 ms (P2), but never those of service 01
 */
import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { CanBus, CanFrame } from '../io/can/bus.ts';
import { CanSendError } from '../io/can/errors.ts';
import { UnitSender } from './can-isotp.ts';
import { NRC, refuse, UdsServer } from './can-uds.ts';
import type { Ecu, EcuAnswer, Vehicle } from './ecu.ts';
import { answerId, reaches } from './elm-can.ts';
import { hash01 } from './random.ts';

export interface CarOnBusOptions {
  readonly vehicle: Vehicle;
  /** A node of its own, which may send anything. */
  readonly bus: CanBus;
  readonly clock: Clock;
  readonly idBits: 11 | 29;
  /** Chooses the latencies. Default 0. */
  readonly seed?: number;
  /** Up to so much is added to the time that a unit takes to answer: default 6 ms. */
  readonly jitterMs?: number;
  /** What short frames are filled with: default AA. */
  readonly fill?: number;
}

/** Identifiers that reach all units (ISO 15765-4, tables 3 and 4). */
const FUNCTIONAL = { 11: 0x7df, 29: 0x18db_33f1 } as const;

const FILL = 0xaa;
const JITTER_MS = 6;
const FRAME_BYTES = 8;
const SINGLE_BYTES_MAX = 7;
const FLOW = 3;

/** UDS is answered so soon, or so late where much has to be looked up. */
const UDS_MS = 10;
const SLOW_UDS_MS = 120;
/** P2 is 50 ms (ISO 15765-4, table 5): a slower answer is announced in time. */
const SLOW_MS = 45;
const ANNOUNCE_MS = 25;
const RESPONSE_PENDING = 0x78;
const REFUSAL = 0x7f;
const CURRENT_DATA = 0x01;

/** The services of SAE J1979 that the units know. */
const OBD_SERVICES: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 7, 9, 0x0a]);
/** Refusals that nobody hears who asked all units (ISO 14229-1, 8.7.2). */
const UNHEARD: ReadonlySet<number> = new Set([
  NRC.serviceNotSupported,
  NRC.subFunctionNotSupported,
  NRC.requestOutOfRange,
]);

/** Puts the car's control units on a bus. Disposing of it takes them off; the bus stays open. */
export function carOnBus(options: CarOnBusOptions): Disposable {
  const units = options.vehicle.ecus.map((ecu) => new Unit(ecu, options));
  const stop = options.bus.listen((frame, t) => {
    for (const unit of units) unit.hear(frame, t);
  });
  return {
    [Symbol.dispose]: () => {
      stop();
      for (const unit of units) unit.stop();
    },
  };
}

/** One control unit. A request that comes while it answers another one is the one that it answers. */
class Unit {
  readonly #ecu: Ecu;
  readonly #options: CarOnBusOptions;
  readonly #uds: UdsServer;
  readonly #sender: UnitSender;
  #answering = new AbortController();
  #requests = 0;

  constructor(ecu: Ecu, options: CarOnBusOptions) {
    const { bus, clock, idBits, vehicle, fill = FILL } = options;
    const id = answerId(ecu.node, idBits);
    this.#ecu = ecu;
    this.#options = options;
    this.#uds = new UdsServer({ ecu, traits: vehicle.car.traits });
    this.#sender = new UnitSender({
      clock,
      fill,
      put: (data) => bus.send({ id, extended: idBits === 29, data }),
    });
  }

  stop(): void {
    this.#answering.abort();
  }

  hear({ id, extended, data }: CanFrame, t: Micros): void {
    const { idBits } = this.#options;
    if (extended !== (idBits === 29) || !reaches(id, this.#ecu.node, idBits)) return;
    // Frames that are not filled up are to be ignored (ISO 15765-4, 7.4.3.1).
    if (data.length !== FRAME_BYTES) return;
    const [control = 0] = data;
    const toAll = id === FUNCTIONAL[idBits];
    if (control >> 4 === FLOW) {
      if (!toAll) this.#sender.flow(data);
    } else if (control > 0 && control <= SINGLE_BYTES_MAX) {
      this.#answering.abort();
      this.#answering = new AbortController();
      const request = [...data.subarray(1, 1 + control)];
      void this.#send(this.#answers(request, toAll, t), this.#answering.signal);
    }
  }

  /** What it sends to a request that reached it at `t`, in order. */
  #answers(request: readonly number[], toAll: boolean, t: Micros): readonly EcuAnswer[] {
    const { vehicle, seed = 0, jitterMs = JITTER_MS } = this.#options;
    if (!vehicle.car.at(t).ignition) return [];
    const number = this.#requests++;
    const late = jitterMs * hash01(seed + this.#ecu.node, number);
    const [service = 0] = request;
    const said = OBD_SERVICES.has(service) ? this.#obd(request, t) : this.#byUds(request, t);
    const heard = said.filter(
      ({ pdu: [sid, , reason = 0] }) => !(toAll && sid === REFUSAL && UNHEARD.has(reason)),
    );
    const timed = heard.map(({ afterMs, pdu }) => ({ afterMs: afterMs + late, pdu }));
    const [first] = timed;
    if (!first || first.afterMs <= SLOW_MS || service === CURRENT_DATA) return timed;
    return [{ afterMs: ANNOUNCE_MS, pdu: [REFUSAL, service, RESPONSE_PENDING] }, ...timed];
  }

  #obd(request: readonly number[], t: Micros): readonly EcuAnswer[] {
    const answers = this.#ecu.answer(request, t, 'can');
    if (answers.length > 0) return answers;
    return [{ afterMs: UDS_MS, pdu: refuse(request[0] ?? 0, 'subFunctionNotSupported') }];
  }

  #byUds(request: readonly number[], t: Micros): readonly EcuAnswer[] {
    const pdu = this.#uds.answer(request, t);
    const slow = request[0] === 0x19 && request[1] === 0x0a;
    return pdu ? [{ afterMs: slow ? SLOW_UDS_MS : UDS_MS, pdu }] : [];
  }

  async #send(answers: readonly EcuAnswer[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const start = clock.now();
    try {
      for (const { afterMs, pdu } of answers) {
        const passedMs = (clock.now() - start) / 1000;
        await clock.sleep(Math.max(0, afterMs - passedMs), signal);
        await this.#sender.send(pdu, signal);
      }
    } catch (error) {
      // Another request came, the bus is gone or takes nothing: nobody is there to be told.
      const full = error instanceof CanSendError && error.code === 'FULL';
      if (!signal.aborted && !full && !(error instanceof LinkError)) throw error;
    }
  }
}

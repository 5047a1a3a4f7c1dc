import type { Micros } from '#core/stream.ts';
import { DiagnosisError } from './errors.ts';
import { hexByte } from './hex.ts';
import type { VehicleLink } from './scan-tool.ts';
import { checkStandstill } from './standstill.ts';
import type { UdsAnswer } from './uds/answer.ts';
import { parseSession, sessionRequest, testerPresentRequest } from './uds/session.ts';
import type { Vehicle } from './vehicle.ts';

/**
 * An ECU goes back to the default session when it has heard nothing for 5 s (S3server), and test
 * equipment is to speak every 2 s (S3client, ISO 14229-2).
 */
const KEEP_US = 2_000_000;
/** ISO 14229-1, table A.1: repeat the request. */
const BUSY = 0x21;

export interface EcuTalkParts {
  readonly link: Pick<VehicleLink, 'request' | 'askEcu'>;
  /** One that has answered: `7e8`. */
  readonly ecu: string;
  readonly now: () => Micros;
}

/** One control unit as a person has it asked, alone, by the services of ISO 14229-1 that read. */
export class EcuTalk {
  readonly ecu: string;
  readonly #parts: EcuTalkParts;
  /** When it was last heard in the extended session; undefined in the default one. */
  #heardAt: Micros | undefined;

  constructor(parts: EcuTalkParts) {
    this.ecu = parts.ecu;
    this.#parts = parts;
  }

  /**
   * Sends one request.
   *
   * @param read takes its answer apart
   * @returns what could be read of it
   * @throws DiagnosisError REFUSED and BUSY, with the answer of who refused; NO_ANSWER
   */
  async ask<T>(hex: string, read: (pdu: Uint8Array) => UdsAnswer<T>): Promise<T> {
    const { ecu } = this;
    await this.#keep();
    const outcome = await this.#send(hex);
    const pdu = outcome.kind === 'answered' ? outcome.responses.at(-1)?.pdu : undefined;
    if (pdu === undefined) {
      throw new DiagnosisError('NO_ANSWER', `${ecu} has not answered the request ${hex}`);
    }
    if (this.#heardAt !== undefined) this.#heardAt = this.#parts.now();
    const answer = read(pdu);
    switch (answer.kind) {
      case 'positive':
        return answer.value;
      case 'unreadable':
        throw new DiagnosisError('NO_ANSWER', `${ecu} has answered something else`);
      case 'negative': {
        const { service, nrc, text, pending } = answer.negative;
        if (pending) {
          throw new DiagnosisError('NO_ANSWER', `${ecu} asked for time and has not answered since`);
        }
        const code = `7F ${hexByte(service)} ${hexByte(nrc)}`;
        const kind = nrc === BUSY ? 'BUSY' : 'REFUSED';
        throw new DiagnosisError(kind, `${ecu} says ${text} (${code})`);
      }
    }
  }

  /**
   * Does what some control units do only in the extended session (10 03), which is ended afterwards
   * whatever happens. It changes nothing, but a control unit in it may do less than it does on the road:
   * the car has to stand still.
   *
   * @throws DiagnosisError SPEED_UNKNOWN, MOVING, REFUSED, NO_ANSWER, and those of `work`
   */
  async inExtendedSession<T>(work: () => Promise<T>): Promise<T> {
    this.#askEcu(); // Before anything is asked in vain.
    await checkStandstill(this.#parts.link);
    try {
      await this.ask(sessionRequest('extended'), (pdu) => parseSession(pdu, 'extended'));
      this.#heardAt = this.#parts.now();
      return await work();
    } finally {
      this.#heardAt = undefined;
      // Whatever it answers: on its own it goes back within 5 s.
      await this.#send(sessionRequest('default'));
    }
  }

  /** Tells the control unit that somebody is still there, where it has heard nothing for a while. */
  async #keep(): Promise<void> {
    const heardAt = this.#heardAt;
    if (heardAt === undefined || this.#parts.now() - heardAt <= KEEP_US) return;
    await this.#send(testerPresentRequest());
  }

  #send(hex: string) {
    return this.#askEcu()(this.ecu, hex);
  }

  /** @throws DiagnosisError REFUSED where the link has no way of asking one control unit alone */
  #askEcu(): NonNullable<VehicleLink['askEcu']> {
    const { link } = this.#parts;
    if (link.askEcu !== undefined) return link.askEcu.bind(link);
    const text =
      'one control unit alone can be asked only where the gateway is on the CAN bus itself';
    throw new DiagnosisError('REFUSED', text);
  }
}

/** @throws DiagnosisError NO_ECU where the car has none of this address */
export function checkEcu({ ecus }: Vehicle, ecu: string): void {
  if (ecus.has(ecu)) return;
  const text = `the car has no control unit ${ecu}, but ${[...ecus.keys()].join(', ')}`;
  throw new DiagnosisError('NO_ECU', text);
}

import type { Clock } from '#core/clock.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import type { HowAsked } from '../sources/obd/desk.ts';
import type { Diagnosed } from '../sources/obd/diagnosed.ts';
import { checkEcu } from '../sources/obd/ecu-talk.ts';
import { DiagnosisError } from '../sources/obd/errors.ts';
import { hexOf } from '../sources/obd/uds/answer.ts';
import { DATA_IDS } from '../sources/obd/uds/data-ids.ts';
import { type ToldStored, type ToldValue, toldDid, toldDtc } from '../sources/obd/uds-told.ts';
import { type AskedCar, inItsTurn, knownCar } from './asked-car.ts';

/**
 * Somebody may ask single control units so often: several times at once, then one a second. Live values
 * stand still for each of them.
 */
const QUESTIONS = { burst: 10, perS: 1, namesMax: 100 };

export interface DiagnosingEcusOptions extends AskedCar {
  /** In which clients wait. */
  readonly realTime: Clock;
}

/** Whom somebody asks, and how. */
export interface Question {
  /** Who asks: each may so often. */
  readonly who: string;
  /** Address: `7e8`. */
  readonly ecu: string;
  /** In the extended session, which is for a car that stands still. */
  readonly extended: boolean;
}

/** Single control units as people ask them by ISO 14229-1. All of it only reads. */
export class DiagnosingEcus {
  readonly #options: DiagnosingEcusOptions;
  readonly #questions: TokenBuckets;

  constructor(options: DiagnosingEcusOptions) {
    this.#options = options;
    this.#questions = new TokenBuckets(options.realTime, QUESTIONS);
  }

  /** The values that have a name, whether or not this control unit knows them. */
  values(ecu: string) {
    const { vehicle } = knownCar(this.#options);
    checkEcu(vehicle, ecu);
    return { ecu, items: DATA_IDS.map(({ id, name }) => ({ id: hexOf(id, 2), name })) };
  }

  /**
   * Reads one value.
   *
   * @param did 0000 to FFFF
   * @throws DiagnosisError THROTTLED, REPLAYED, and those of desk.ts
   */
  async value(question: Question, did: number): Promise<ToldValue & { readonly ecu: string }> {
    return toldDid(await this.#ask(question, (car, how) => car.readDid(question.ecu, did, how)));
  }

  /**
   * Reads what is stored with one code.
   *
   * @param dtc 000000 to FFFFFF
   * @throws DiagnosisError as `value`
   */
  async code(question: Question, dtc: number): Promise<ToldStored> {
    return toldDtc(await this.#ask(question, (car, how) => car.readDtc(question.ecu, dtc, how)));
  }

  async #ask<T>(
    { who, extended }: Question,
    begin: (car: Diagnosed, how: HowAsked) => Promise<T>,
  ): Promise<T> {
    const { car } = knownCar(this.#options);
    const retryAfterS = Math.ceil(this.#questions.take(who));
    if (retryAfterS > 0) {
      const text = 'control units have been asked too often for now';
      throw new DiagnosisError('THROTTLED', text, { retryAfterS });
    }
    return await inItsTurn(this.#options.realTime, (signal) => begin(car, { extended, signal }));
  }
}

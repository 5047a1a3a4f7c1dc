import { type Clock, type Epoch, waitAtMost, wallMs } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import type { Diagnosed } from '../sources/obd/diagnosed.ts';
import { DiagnosisError } from '../sources/obd/errors.ts';
import {
  ageS,
  codesOf,
  freezeFramesOf,
  identitiesOf,
  pidsOf,
  readinessOf,
  type TroubleCode,
} from '../sources/obd/snapshot.ts';
import { udsCodesOf } from '../sources/obd/uds-told.ts';
import { Answered } from './answered.ts';
import { type AskedCar, inItsTurn, knownCar } from './asked-car.ts';
import { DiagnosingEcus } from './diagnosing-ecus.ts';

/** A client waits so long for the car to be read; live values go on meanwhile, and slow it down. */
const READ_MS_MAX = 10_000;
/** What is left after a clearing is waited for so long; it is told as not known after that. */
const REREAD_MS_MAX = 6_000;
/** Somebody may have the codes cleared so often: several times at once, then twice a minute. */
const CLEARINGS = { burst: 3, perS: 2 / 60, namesMax: 100 };
/** A client that asks again under the same key gets the same answer for so long. */
const REPEATS_MS_MAX = 10 * 60_000;
const REPEATS_MAX = 100;
const BUSY_RETRY_S = 5;

export interface DiagnosingOptions extends AskedCar {
  /** The time of what is read. */
  readonly clock: Clock;
  /** In which clients wait. */
  readonly realTime: Clock;
  /** With the wall clock as it is known by now. */
  readonly epoch: () => Epoch;
}

/** A code, with the time of the wall since when it is known. */
type Told = Omit<TroubleCode, 'since'> & { readonly since: string | null };

/** What a clearing has done. */
interface Cleared {
  /** The control units that have done it. */
  readonly cleared: readonly string[];
  /** The codes that there were: `P0301 stored`. */
  readonly had: readonly string[];
  /** Those that are left; null where that is not known yet. */
  readonly remaining: readonly Told[] | null;
}

/** The car as people ask about it: from what is known, or after it was asked anew. */
export class Diagnosing {
  /** What single control units are asked. */
  readonly ecus: DiagnosingEcus;
  readonly #options: DiagnosingOptions;
  readonly #clearings: TokenBuckets;
  readonly #answered: Answered<Cleared>;

  constructor(options: DiagnosingOptions) {
    this.#options = options;
    this.ecus = new DiagnosingEcus(options);
    this.#clearings = new TokenBuckets(options.realTime, CLEARINGS);
    this.#answered = new Answered({
      clock: options.realTime,
      ms: REPEATS_MS_MAX,
      max: REPEATS_MAX,
    });
  }

  /** Parameters with their newest values. @throws DiagnosisError NO_VEHICLE, REPLAYED */
  pids() {
    const { car, vehicle } = knownCar(this.#options);
    return { ...state(car), ecus: pidsOf(vehicle, car.report(), this.#now()) };
  }

  /** What car it is. @throws DiagnosisError NO_VEHICLE, REPLAYED */
  identity() {
    const { car } = knownCar(this.#options);
    const report = car.report();
    return {
      ...state(car),
      vin: report.vin?.vin ?? null,
      protocol: car.protocol() ?? null,
      ecus: identitiesOf(report),
    };
  }

  /**
   * Monitors and the lamp.
   *
   * @param maxAgeS what is older is read anew; undefined where any age will do
   * @throws DiagnosisError NO_VEHICLE, REPLAYED, TOO_SLOW
   */
  async readiness(maxAgeS: number | undefined) {
    const { car } = knownCar(this.#options);
    await this.#read(car, maxAgeS);
    const now = this.#now();
    const ready = readinessOf(car.vehicle(), car.report(), now);
    return { ...state(car), ageS: ageS(car.report().readAt, now), ...ready };
  }

  /** @throws DiagnosisError NO_VEHICLE, REPLAYED */
  freezeFrames() {
    const { car } = knownCar(this.#options);
    return { ...state(car), items: freezeFramesOf(car.report(), this.#now()) };
  }

  /** As `readiness`, for trouble codes. */
  async codes(maxAgeS: number | undefined) {
    const { car } = knownCar(this.#options);
    await this.#read(car, maxAgeS);
    const now = this.#now();
    return {
      ...state(car),
      ageS: ageS(car.report().readAt, now),
      clockTrust: this.#options.epoch().trust,
      items: this.#codesOf(car),
      uds: udsCodesOf(car.report(), now),
    };
  }

  /**
   * Clears the codes of a car that stands still.
   *
   * @param who is to have it done: each may so often
   * @param key under which they ask again when no answer has come; undefined where they do not
   * @returns with `repeated` where nothing was done, as it had been under the same key
   * @throws DiagnosisError, which says so too
   */
  async clear(who: string, key?: string): Promise<Cleared & { readonly repeated: boolean }> {
    const earlier = key === undefined ? undefined : this.#answered.find(who, key);
    if (earlier !== undefined) return { ...(await again(earlier)), repeated: true };
    const clearing = this.#clear(who);
    if (key !== undefined) this.#answered.keep(who, key, clearing);
    return { ...(await clearing), repeated: false };
  }

  async #clear(who: string): Promise<Cleared> {
    const { car } = knownCar(this.#options);
    const retryAfterS = Math.ceil(this.#clearings.take(who));
    if (retryAfterS > 0) {
      const text = 'the codes have been cleared too often for now';
      throw new DiagnosisError('THROTTLED', text, { retryAfterS });
    }
    const { realTime } = this.#options;
    const asked = this.#now();
    const had = codesOf(car.report()).map(({ code, state: is }) => `${code} ${is}`);
    const cleared = await inItsTurn(realTime, (signal) => car.clearCodes(signal));
    await waitAtMost(realTime, REREAD_MS_MAX, settledEitherWay(car.refresh()));
    const remaining = isReadSince(car, asked) ? this.#codesOf(car) : null;
    return { cleared, had, remaining };
  }

  #codesOf(car: Diagnosed): Told[] {
    const epoch = this.#options.epoch();
    return codesOf(car.report()).map(({ since, ...code }) => ({
      ...code,
      since: since === undefined ? null : new Date(wallMs(epoch, since)).toISOString(),
    }));
  }

  /** @throws DiagnosisError TOO_SLOW, NO_VEHICLE */
  async #read(car: Diagnosed, maxAgeS: number | undefined): Promise<void> {
    const oldest = maxAgeS === undefined ? 0 : this.#now() - maxAgeS * 1e6;
    if (isReadSince(car, oldest)) return;
    const reading = car.refresh();
    await waitAtMost(this.#options.realTime, READ_MS_MAX, reading);
    if (isReadSince(car, oldest)) return;
    throw new DiagnosisError('TOO_SLOW', 'the car has not answered in time', {
      retryAfterS: BUSY_RETRY_S,
    });
  }

  #now(): Micros {
    return this.#options.clock.now();
  }
}

/** Whether what is told is of a car that answers now. */
function state(car: Diagnosed): { readonly connected: boolean } {
  return { connected: car.absence() === undefined };
}

function isReadSince(car: Diagnosed, oldest: Micros): boolean {
  const { readAt } = car.report();
  return readAt !== undefined && readAt >= oldest;
}

/** The answer to what was asked before; of a failure it is told that it is that one. */
async function again<T>(earlier: Promise<T>): Promise<T> {
  try {
    return await earlier;
  } catch (error) {
    if (!(error instanceof DiagnosisError)) throw error;
    const { code, message, retryAfterS } = error;
    throw new DiagnosisError(code, message, { cause: error, retryAfterS, repeated: true });
  }
}

/** What was cleared is cleared, whether or not the car can be read afterwards. */
async function settledEitherWay(reading: Promise<void>): Promise<void> {
  try {
    await reading;
  } catch (error) {
    if (!(error instanceof DiagnosisError)) throw error;
  }
}

import type { Micros } from '#core/stream.ts';
import type { Car, CarState } from './car.ts';

/** What the engine control unit remembers of troubles at one moment. */
export interface Troubles {
  /** Codes for services 03, 07 and 0A: `P0301`. */
  readonly stored: readonly string[];
  readonly pending: readonly string[];
  readonly permanent: readonly string[];
  /** The malfunction indicator lamp is lit exactly while a code is stored. */
  readonly mil: boolean;
  /** The car when the first code was stored; absent while none is. */
  readonly frozen?: CarState;
  /** Since the codes were last cleared. */
  readonly sinceCleared: Since;
  /** Since the lamp came on; zeros while it is dark. */
  readonly withMil: { readonly km: number; readonly minutes: number };
}

interface Since {
  readonly km: number;
  readonly minutes: number;
  readonly warmUps: number;
  /** Seconds of the simulation, for the monitors that restart when codes are cleared. */
  readonly monitoredS: number;
}

/** The last workshop visit, before the simulation began. */
const BEFORE: Since = { km: 842, minutes: 1_230, warmUps: 31, monitoredS: 0 };

/**
 * The trouble memory. A trouble is first pending and then stored, on the car's schedule; clearing
 * starts the schedule again, because nobody repaired anything. Permanent codes outlive clearing, as
 * SAE J1979 service 0A demands. Real control units need two trips where this one needs two minutes.
 */
export class TroubleMemory {
  readonly #car: Car;
  readonly #permanent = new Set<string>();
  /** The car when the codes were last cleared, or at the beginning. */
  #cleared: CarState;
  /** The car when the trouble was stored after that: the freeze frame. Kept, for `at` runs often. */
  #frozen: CarState | undefined;
  #before = BEFORE;

  constructor(car: Car) {
    this.#car = car;
    this.#cleared = car.at(0);
  }

  /** Service 04 at time `t`. */
  clear(t: Micros): void {
    for (const code of this.at(t).stored) this.#permanent.add(code);
    this.#cleared = this.#car.at(t);
    this.#frozen = undefined;
    this.#before = { ...BEFORE, km: 0, minutes: 0, warmUps: 0 };
  }

  /** The memory at time `t`, not before the last clearing. */
  at(t: Micros): Troubles {
    const { trouble, pendingAfterS, storedAfterS } = this.#car.traits;
    const codes = trouble === 'none' ? [] : [trouble];
    const sinceS = (t - this.#cleared.t) / 1e6;
    const stored = sinceS >= storedAfterS ? codes : [];
    const frozen = stored.length > 0 ? this.#freeze(storedAfterS) : undefined;
    const now = this.#car.at(t);
    const since = elapsed(this.#cleared, now);
    return {
      stored,
      pending: sinceS >= pendingAfterS ? codes : [],
      permanent: [...new Set([...this.#permanent, ...stored])],
      mil: stored.length > 0,
      ...(frozen ? { frozen } : {}),
      sinceCleared: {
        km: this.#before.km + since.km,
        minutes: this.#before.minutes + since.minutes,
        warmUps: this.#before.warmUps,
        monitoredS: sinceS,
      },
      withMil: frozen ? elapsed(frozen, now) : { km: 0, minutes: 0 },
    };
  }

  #freeze(storedAfterS: number): CarState {
    this.#frozen ??= this.#car.at(this.#cleared.t + storedAfterS * 1e6);
    return this.#frozen;
  }
}

function elapsed(from: CarState, to: CarState): { km: number; minutes: number } {
  return { km: to.motion.tripKm - from.motion.tripKm, minutes: (to.t - from.t) / 60e6 };
}

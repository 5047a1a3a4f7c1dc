import type { Emit, Micros } from '#core/stream.ts';
import { type Clearer, clearCodes } from './clearing.ts';
import type { Diagnostics } from './diagnostics.ts';
import { DiagnosisError } from './errors.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** Between two requests that are not for live values. */
const DIAGNOSTIC_MS = 1_000;
/** The same while somebody waits for them: live values keep most of the time even then. */
const DEMANDED_MS = 250;

/** Somebody who waits for the codes to be cleared. */
interface Clearing extends PromiseWithResolvers<readonly string[]> {
  readonly signal: AbortSignal;
}

/**
 * Where diagnosis gets its turn while a car is polled, and where people ask for it. There is one
 * adapter and it does one thing at a time: what is asked here is done between two requests of the
 * poll, one at a time and with a pause, so that live values never wait long. However many people ask,
 * at most one reading and one clearing wait.
 */
export class Desk implements Disposable {
  readonly #adapter: Clearer;
  readonly #diagnostics: Diagnostics;
  readonly #report: VehicleReport;
  #nextAt: Micros;
  #reading: PromiseWithResolvers<void> | undefined;
  #clearing: Clearing | undefined;
  /** The one above is being done. */
  #isAtWork = false;

  constructor(adapter: Clearer, diagnostics: Diagnostics, report: VehicleReport, now: Micros) {
    this.#adapter = adapter;
    this.#diagnostics = diagnostics;
    this.#report = report;
    this.#nextAt = now + DIAGNOSTIC_MS * 1000;
  }

  /**
   * Reads trouble codes and readiness now; whoever asks meanwhile shares the answer.
   *
   * @throws DiagnosisError NO_VEHICLE when the car goes
   */
  refresh(): Promise<void> {
    if (this.#reading === undefined) this.#readAgain();
    return this.#reading?.promise ?? Promise.resolve();
  }

  /**
   * Clears the codes; see clearing.ts.
   *
   * @param signal takes the wish back, as long as its turn has not come
   * @returns the control units that have done it
   * @throws DiagnosisError BUSY, TOO_SLOW, NO_VEHICLE and those of clearing.ts
   */
  clear(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#clearing !== undefined) {
      return Promise.reject(new DiagnosisError('BUSY', 'codes are being cleared at this moment'));
    }
    const clearing: Clearing = { ...Promise.withResolvers<readonly string[]>(), signal };
    this.#clearing = clearing;
    const takeBack = (): void => {
      if (this.#clearing !== clearing || this.#isAtWork) return;
      this.#clearing = undefined;
      clearing.reject(new DiagnosisError('TOO_SLOW', 'the car was busy; nothing has been cleared'));
    };
    signal.addEventListener('abort', takeBack, { once: true });
    return clearing.promise;
  }

  /** Does one thing of what is wanted. False where it is the turn of live values. */
  async serve(now: () => Micros, emit: Emit): Promise<boolean> {
    if (this.#clearing !== undefined) {
      await this.#clear(this.#clearing);
      return true;
    }
    if (now() < this.#nextAt || !this.#diagnostics.due(now())) return false;
    await this.#diagnostics.step(now, emit);
    if (this.#diagnostics.isSettled) {
      this.#reading?.resolve();
      this.#reading = undefined;
    }
    const pauseMs = this.#reading === undefined ? DIAGNOSTIC_MS : DEMANDED_MS;
    this.#nextAt = now() + pauseMs * 1000;
    return true;
  }

  /** The car has gone: nobody may wait for it. */
  [Symbol.dispose](): void {
    const gone = new DiagnosisError('NO_VEHICLE', 'the car does not answer any more');
    this.#reading?.reject(gone);
    this.#clearing?.reject(gone);
    this.#reading = undefined;
    this.#clearing = undefined;
  }

  async #clear(clearing: Clearing): Promise<void> {
    this.#isAtWork = true;
    try {
      clearing.resolve(await clearCodes(this.#adapter, this.#report));
    } catch (error) {
      if (!(error instanceof DiagnosisError)) {
        const text = 'the link was lost; whether the codes are cleared is not known';
        clearing.reject(new DiagnosisError('NO_ANSWER', text, { cause: error }));
        throw error;
      }
      clearing.reject(error);
    } finally {
      this.#isAtWork = false;
      this.#clearing = undefined;
    }
    // What was read before is not so any more.
    this.#readAgain();
  }

  #readAgain(): void {
    this.#diagnostics.refresh();
    this.#nextAt = 0;
    if (this.#reading !== undefined) return;
    this.#reading = Promise.withResolvers();
    this.#reading.promise.catch(() => {}); // Nobody may be waiting for it.
  }
}

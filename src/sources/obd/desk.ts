import type { Emit, Micros } from '#core/stream.ts';
import { type Clearer, clearCodes } from './clearing.ts';
import type { Diagnostics } from './diagnostics.ts';
import { type ReadDid, readDid } from './did-reading.ts';
import { type ReadDtc, readDtc } from './dtc-reading.ts';
import { checkEcu, EcuTalk } from './ecu-talk.ts';
import { DiagnosisError } from './errors.ts';
import type { VehicleLink } from './scan-tool.ts';
import { Turn } from './turn.ts';
import type { Vehicle } from './vehicle.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** Between two requests that are not for live values. */
const DIAGNOSTIC_MS = 1_000;
/** The same while somebody waits for them: live values keep most of the time even then. */
const DEMANDED_MS = 250;

export interface DeskParts {
  readonly link: Clearer & Pick<VehicleLink, 'askEcu'>;
  readonly vehicle: Vehicle;
  readonly diagnostics: Diagnostics;
  readonly report: VehicleReport;
  readonly now: () => Micros;
}

/** How one control unit is asked for something. */
export interface HowAsked {
  /** In the extended session, which some want: only while the car stands still. */
  readonly extended: boolean;
  /** Takes the wish back, as long as its turn has not come. */
  readonly signal: AbortSignal;
}

/**
 * Where diagnosis gets its turn while a car is polled, and where people ask for it. There is one
 * link and it does one thing at a time: what is asked here is done between two requests of the
 * poll, one at a time and with a pause, so that live values never wait long. However many people ask,
 * at most one reading, one clearing and one question to a single control unit wait.
 */
export class Desk implements Disposable {
  readonly #parts: DeskParts;
  readonly #clearing = new Turn({
    busy: 'codes are being cleared at this moment',
    tooSlow: 'the car was busy; nothing has been cleared',
    lost: 'the link was lost; whether the codes are cleared is not known',
  });
  readonly #asking = new Turn({
    busy: 'a control unit is being asked at this moment',
    tooSlow: 'the car was busy; nothing has been read',
    lost: 'the link was lost',
  });
  #nextAt: Micros;
  /** When a single control unit may be asked again. */
  #askAt: Micros = 0;
  #reading: PromiseWithResolvers<void> | undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#nextAt = parts.now() + DIAGNOSTIC_MS * 1000;
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
    const { link, report } = this.#parts;
    return this.#clearing.ask(() => clearCodes(link, report), signal);
  }

  /**
   * Reads one value of one control unit; see did-reading.ts.
   *
   * @throws DiagnosisError NO_ECU, BUSY, TOO_SLOW, NO_VEHICLE, and those of did-reading.ts and ecu-talk.ts
   */
  readDid(ecu: string, did: number, how: HowAsked): Promise<ReadDid> {
    return this.#ask(ecu, how, (talk) => readDid(talk, did));
  }

  /** As `readDid`, for what is stored with one code; see dtc-reading.ts. */
  readDtc(ecu: string, dtc: number, how: HowAsked): Promise<ReadDtc> {
    return this.#ask(ecu, how, (talk) => readDtc(talk, dtc));
  }

  /** Does one thing of what is wanted. False where it is the turn of live values. */
  async serve(emit: Emit): Promise<boolean> {
    const { diagnostics, now } = this.#parts;
    if (this.#clearing.isWanted) {
      await this.#clearing.take();
      // What was read before is not so any more.
      this.#readAgain();
      return true;
    }
    if (this.#asking.isWanted && now() >= this.#askAt) {
      await this.#asking.take();
      this.#askAt = now() + DEMANDED_MS * 1000;
      return true;
    }
    if (now() < this.#nextAt || !diagnostics.due(now())) return false;
    await diagnostics.step(now, emit);
    if (diagnostics.isSettled) {
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
    this.#reading = undefined;
    this.#clearing.end(gone);
    this.#asking.end(gone);
  }

  async #ask<T>(
    ecu: string,
    { extended, signal }: HowAsked,
    work: (talk: EcuTalk) => Promise<T>,
  ): Promise<T> {
    const { link, vehicle, now } = this.#parts;
    checkEcu(vehicle, ecu);
    const talk = new EcuTalk({ link, ecu, now });
    const whole = (): Promise<T> => work(talk);
    return await this.#asking.ask(
      () => (extended ? talk.inExtendedSession(whole) : whole()),
      signal,
    );
  }

  #readAgain(): void {
    this.#parts.diagnostics.refresh();
    this.#nextAt = 0;
    if (this.#reading !== undefined) return;
    this.#reading = Promise.withResolvers();
    this.#reading.promise.catch(() => {}); // Nobody may be waiting for it.
  }
}

import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { BusHealth } from './bus.ts';

/** Bits per second of cars, the likeliest first: ISO 15765-4 has the first two. */
export const LIKELY_RATES: readonly number[] = [500_000, 250_000, 125_000, 1_000_000, 100_000];

/** How long a rate is listened at, in milliseconds: a car that is awake sends every 100 ms at least. */
const LISTEN_MS = 600;
/** How often it is looked whether enough came. */
const LOOK_MS = 50;
/**
 * Frames that prove a rate. At a wrong one hardly any passes the check of 15 bits (ISO 11898-1), and
 * errors come.
 */
const FRAMES_MIN = 3;

/** A bus that is listened to at one rate, and that nothing is sent to: not even an acknowledgement. */
export interface Ear extends AsyncDisposable {
  health(): Pick<BusHealth, 'received' | 'remote' | 'errorFrames' | 'malformed'>;
}

export interface DetectOptions {
  /**
   * Opens the bus at a rate, for listening only. A LinkError BAD_ANSWER says that it cannot be opened so:
   * not every controller has every rate.
   */
  readonly listenAt: (bitRate: number) => Promise<Ear>;
  readonly clock: Clock;
  /** Ends the search; then nothing was found. */
  readonly signal: AbortSignal;
  /** The rates to try, in this order. */
  readonly rates?: readonly number[];
  /** How often to try them all, Infinity until something is found. */
  readonly rounds: number;
}

/**
 * Finds the bit rate of a bus by listening: the first at which frames come and no errors. A rate that
 * cannot be set is passed over; where none can, and for any other failure, it rejects as `listenAt` does.
 *
 * @returns bits per second; undefined where nothing came, as with the ignition off
 */
export async function detectBitRate(options: DetectOptions): Promise<number | undefined> {
  const { rates = LIKELY_RATES, rounds, signal } = options;
  for (let round = 0; round < rounds; round++) {
    const refusals: LinkError[] = [];
    for (const rate of rates) {
      if (signal.aborted) return undefined;
      const heard = await isHeardAt(rate, options).catch(refusalOf);
      if (heard === true) return rate;
      if (heard !== false) refusals.push(heard);
    }
    if (refusals.length === rates.length) throw refusals[0];
  }
  return undefined;
}

/** @throws what is no refusal */
function refusalOf(error: unknown): LinkError {
  if (error instanceof LinkError && error.code === 'BAD_ANSWER') return error;
  throw error;
}

async function isHeardAt(
  rate: number,
  { listenAt, clock, signal }: DetectOptions,
): Promise<boolean> {
  await using ear = await listenAt(rate);
  const [framesBefore, errorsBefore] = heardBy(ear);
  const end = clock.now() + LISTEN_MS * 1000;
  while (clock.now() < end && !signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {}); // The search ends.
    const [frames, errors] = heardBy(ear);
    if (errors > errorsBefore) return false;
    if (frames - framesBefore >= FRAMES_MIN) return true;
  }
  return false;
}

function heardBy(ear: Ear): readonly [frames: number, errors: number] {
  const { received, remote, errorFrames, malformed } = ear.health();
  return [received + remote, errorFrames + malformed];
}

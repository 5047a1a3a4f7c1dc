import { type Clock, waitAtMost } from '#core/clock.ts';
import type { Diagnosed } from '../sources/obd/diagnosed.ts';
import { DiagnosisError } from '../sources/obd/errors.ts';
import type { Vehicle } from '../sources/obd/vehicle.ts';

/** Until the turn of what somebody wants comes. What has not begun by then is not done any more. */
const TURN_MS_MAX = 5_000;
/** When a car may have come that is not there. */
const NO_VEHICLE_RETRY_S = 10;

export interface AskedCar {
  /** The car; undefined where none is configured. */
  readonly car: Diagnosed | undefined;
  /** A recording is being played in the place of devices. */
  readonly replayed: boolean;
}

/** A car that answers, or has. @throws DiagnosisError NO_VEHICLE, REPLAYED */
export function knownCar({ car, replayed }: AskedCar): {
  readonly car: Diagnosed;
  readonly vehicle: Vehicle;
} {
  if (replayed) {
    throw new DiagnosisError('REPLAYED', 'a recording is played: there is no car to ask');
  }
  const vehicle = car?.vehicle();
  if (car !== undefined && vehicle !== undefined) return { car, vehicle };
  const why = car?.absence() ?? 'no OBD adapter is configured';
  throw new DiagnosisError('NO_VEHICLE', `no vehicle is connected: ${why}`, {
    retryAfterS: NO_VEHICLE_RETRY_S,
  });
}

/**
 * Has something done by the car when its turn comes, which is waited for only so long; what has begun is
 * finished.
 *
 * @param begin gets the signal that takes the wish back
 */
export async function inItsTurn<T>(
  clock: Clock,
  begin: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const work = begin(late.signal);
  await waitAtMost(clock, TURN_MS_MAX, work);
  late.abort();
  return await work;
}

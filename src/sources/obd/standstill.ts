import { DiagnosisError } from './errors.ts';
import { hexByte } from './hex.ts';
import { singleService01 } from './j1979/answers.ts';
import type { VehicleLink } from './scan-tool.ts';

/** Requests of the road speed before its silence is believed. */
const SPEED_TRIES = 3;
const ROAD_SPEED = 0x0d;

/** What asking for the road speed needs of a link. */
export type Speedometer = Pick<VehicleLink, 'request'>;

/**
 * Makes sure that the car stands still at this moment, before it is asked for what it is not to be asked
 * while somebody drives it.
 *
 * @throws DiagnosisError SPEED_UNKNOWN, MOVING
 */
export async function checkStandstill(link: Speedometer): Promise<void> {
  const speeds = await roadSpeeds(link);
  if (speeds.length === 0) {
    throw new DiagnosisError(
      'SPEED_UNKNOWN',
      'the car does not tell its speed, so it may be moving',
    );
  }
  const moving = speeds.filter(({ kmh }) => kmh > 0);
  if (moving.length === 0) return;
  const seen = moving.map(({ ecu, kmh }) => `${ecu} tells ${kmh} km/h`);
  throw new DiagnosisError('MOVING', `the car is moving: ${seen.join(', ')}`);
}

/** PID 0D as each control unit that knows it tells it now: one byte, in km/h. */
async function roadSpeeds(link: Speedometer): Promise<{ ecu: string; kmh: number }[]> {
  for (let tries = 0; tries < SPEED_TRIES; tries++) {
    const outcome = await link.request(`01${hexByte(ROAD_SPEED)}`);
    if (outcome.kind !== 'answered' || !outcome.whole) continue;
    return outcome.responses.flatMap(({ ecu, pdu }) => {
      const { pid, data } = singleService01(pdu) ?? {};
      const [kmh] = data ?? [];
      return pid === ROAD_SPEED && data?.length === 1 && kmh !== undefined ? [{ ecu, kmh }] : [];
    });
  }
  return [];
}

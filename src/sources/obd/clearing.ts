import type { Adapter, Outcome } from './elm/adapter.ts';
import { DiagnosisError } from './errors.ts';
import { hexByte } from './hex.ts';
import { parseNegative, singleService01 } from './j1979/answers.ts';
import type { VehicleReport } from './vehicle-report.ts';

/** Requests of the road speed before its silence is believed. */
const SPEED_TRIES = 3;
const ROAD_SPEED = 0x0d;
const POSITIVE_04 = 0x44;

/** What clearing needs of an adapter. */
export type Clearer = Pick<Adapter, 'request' | 'clearCodes'>;

/**
 * Clears trouble codes, freeze frames, test results and readiness in all control units (SAE J1979
 * service 04). The road speed is asked for right before: nothing is sent to a car that moves, or of
 * which that is not known. Whether the engine may run is for the control units to say, and many say no.
 *
 * @returns the control units that have done it
 * @throws DiagnosisError SPEED_UNKNOWN, MOVING; REFUSED, with the answer of who refused; NO_ANSWER
 */
export async function clearCodes(
  adapter: Clearer,
  report: VehicleReport,
): Promise<readonly string[]> {
  await checkStandstill(adapter);
  const outcome = await adapter.clearCodes();
  const responses = outcome.kind === 'answered' ? outcome.responses : [];
  const cleared = responses.filter(({ pdu }) => pdu[0] === POSITIVE_04).map(({ ecu }) => ecu);
  for (const ecu of cleared) report.of(ecu).cleared();
  const refused = responses.flatMap(({ ecu, pdu }) => {
    const negative = cleared.includes(ecu) ? undefined : parseNegative(pdu);
    return negative && !negative.pending
      ? [`${ecu} says ${negative.text} (7F 04 ${hexByte(negative.nrc)})`]
      : [];
  });
  if (refused.length > 0) {
    const done = cleared.length > 0 ? `; ${cleared.join(', ')} cleared theirs` : '';
    throw new DiagnosisError(
      'REFUSED',
      `the codes were not cleared: ${[...new Set(refused)].join(', ')}${done}`,
    );
  }
  if (cleared.length > 0) return cleared;
  throw new DiagnosisError(
    'NO_ANSWER',
    `whether the codes are cleared is not known: ${why(outcome)}`,
  );
}

/** @throws DiagnosisError SPEED_UNKNOWN, MOVING */
async function checkStandstill(adapter: Clearer): Promise<void> {
  const speeds = await roadSpeeds(adapter);
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
async function roadSpeeds(adapter: Clearer): Promise<{ ecu: string; kmh: number }[]> {
  for (let tries = 0; tries < SPEED_TRIES; tries++) {
    const outcome = await adapter.request(`01${hexByte(ROAD_SPEED)}`);
    if (outcome.kind !== 'answered' || !outcome.whole) continue;
    return outcome.responses.flatMap(({ ecu, pdu }) => {
      const { pid, data } = singleService01(pdu) ?? {};
      const [kmh] = data ?? [];
      return pid === ROAD_SPEED && data?.length === 1 && kmh !== undefined ? [{ ecu, kmh }] : [];
    });
  }
  return [];
}

function why(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'answered':
      return outcome.responses.some(({ pdu }) => parseNegative(pdu)?.pending)
        ? 'the answer was to follow, and did not'
        : 'something else was answered';
    case 'silent':
      return 'nobody answered';
    case 'no-bus':
    case 'disturbed':
      return `the adapter says ${outcome.alert}`;
  }
}

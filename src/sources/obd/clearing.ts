import { DiagnosisError } from './errors.ts';
import { hexByte } from './hex.ts';
import { parseNegative } from './j1979/answers.ts';
import type { Outcome, VehicleLink } from './scan-tool.ts';
import { checkStandstill } from './standstill.ts';
import type { VehicleReport } from './vehicle-report.ts';

const POSITIVE_04 = 0x44;

/** What clearing needs of a link. */
export type Clearer = Pick<VehicleLink, 'request' | 'clearCodes'>;

/**
 * Clears trouble codes, freeze frames, test results and readiness in all control units (SAE J1979
 * service 04). The road speed is asked for right before: nothing is sent to a car that moves, or of
 * which that is not known. Whether the engine may run is for the control units to say, and many say no.
 *
 * @returns the control units that have done it
 * @throws DiagnosisError SPEED_UNKNOWN, MOVING; REFUSED, with the answer of who refused; NO_ANSWER
 */
export async function clearCodes(link: Clearer, report: VehicleReport): Promise<readonly string[]> {
  await checkStandstill(link);
  const outcome = await link.clearCodes();
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

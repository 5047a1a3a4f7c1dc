import * as v from 'valibot';
import type { Session } from '#core/session.ts';
import type { AuditFact } from '../../accounts/audit.ts';
import { DiagnosisError, type DiagnosisErrorCode } from '../../sources/obd/errors.ts';
import { DTC_STATUS_BITS } from '../../sources/obd/uds/dtcs.ts';
import { UDS_STATES } from '../../sources/obd/uds-told.ts';
import { isOwn } from '../own.ts';
import { Problem, sentence } from '../problem.ts';
import type { Caller } from '../route.ts';
import { answering } from './problems.ts';

/** What has its age may be older than that only where nobody says what it may be. */
const AGE_S_MIN = 5;
const AGE_S_MAX = 86_400;
/** When a client may ask again where nothing says when. */
const RETRY_AFTER_S = 5;

const STATUSES: Readonly<Record<DiagnosisErrorCode, number>> = {
  REPLAYED: 409,
  MOVING: 409,
  SPEED_UNKNOWN: 409,
  REFUSED: 409,
  THROTTLED: 429,
  NO_VEHICLE: 503,
  NO_ECU: 404,
  TOO_SLOW: 503,
  BUSY: 503,
  NO_ANSWER: 503,
};

/** Of all routes that tell of the car. */
export const CAR_PROBLEMS: readonly number[] = [409, 503];

/** Seconds. What is older is read from the car first; with a least, so that nobody keeps it busy. */
export const MaxAge = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(AGE_S_MIN), v.maxValue(AGE_S_MAX)),
);

/** Seconds since it was read; null where it was not. */
export const Age = v.nullable(v.number());
/** Whether the car answers at this moment; if not, this is what is known of it. */
export const Connected = v.boolean();

/** A trouble code as ISO 14229-1 tells it: what of its status matters to a person, and all of it. */
export const UDS_CODE = {
  code: v.string(),
  text: v.string(),
  specific: v.boolean(),
  failure: v.nullable(v.string()),
  states: v.array(v.picklist(UDS_STATES)),
  status: v.array(v.picklist(DTC_STATUS_BITS)),
};

/** What routes need to know of whose drive it is. */
export interface RidingDeps {
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { current(): readonly Session[] };
  };
}

/** Does what a route is to do with the car, and tells an expected failure as a Problem. */
export async function diagnosing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await answering(work);
  } catch (error) {
    if (!(error instanceof DiagnosisError)) throw error;
    const status = STATUSES[error.code];
    const retry = String(error.retryAfterS ?? RETRY_AFTER_S);
    const headers = status === 409 || status === 404 ? {} : { 'retry-after': retry };
    throw new Problem(status, sentence(error.message), [], headers);
  }
}

/** What became of something that the car was to do and did not, for the audit log. */
export function endOf({ code, message }: DiagnosisError): Pick<AuditFact, 'result' | 'details'> {
  // Only without an answer is it not known whether the car did it.
  return { result: code === 'NO_ANSWER' ? 'failed' : 'refused', details: { code, why: message } };
}

/**
 * Who sees only their own sees the car while they drive it.
 *
 * @throws Problem 403; StoreError OFF
 */
export function checkRiding(caller: Caller, { reading }: RidingDeps): void {
  if (caller.scope === 'all') return;
  if (
    reading
      .sessions()
      .current()
      .some((session) => isOwn(caller, session))
  )
    return;
  throw new Problem(403, 'You see the car while a session of yours is going on.');
}

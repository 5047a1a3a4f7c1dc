import * as v from 'valibot';
import { TRUST, type Trust } from '#core/clock.ts';
import type { AuditFact } from '../../accounts/audit.ts';
import { DiagnosisError } from '../../sources/obd/errors.ts';
import { CODE_STATES, type TroubleCode } from '../../sources/obd/snapshot.ts';
import type { ToldUdsEcu } from '../../sources/obd/uds-told.ts';
import { idempotencyKey } from '../idempotency.ts';
import { Problem } from '../problem.ts';
import { type Caller, route } from '../route.ts';
import { askingOf } from './asking.ts';
import {
  Age,
  CAR_PROBLEMS,
  Connected,
  diagnosing,
  endOf,
  MaxAge,
  UDS_CODE,
} from './diagnostics-shape.ts';
import { WallTime } from './wall-time.ts';

/** A code as clients get it. */
type Told = Omit<TroubleCode, 'since'> & { readonly since: string | null };

/** What the routes need: `Diagnosing` of diagnosing.ts has it. */
export interface TroubleCodesDeps {
  /** All reject with a DiagnosisError. */
  readonly diagnosis: {
    codes(maxAgeS?: number): Promise<{
      readonly connected: boolean;
      readonly ageS: number | null;
      readonly clockTrust: Trust;
      readonly items: readonly Told[];
      readonly uds: readonly ToldUdsEcu[];
    }>;
    clear(
      who: string,
      key?: string,
    ): Promise<{
      /** It was done before, under the same key. */
      readonly repeated: boolean;
      readonly cleared: readonly string[];
      readonly had: readonly string[];
      readonly remaining: readonly Told[] | null;
    }>;
  };
  readonly audit: { note(fact: AuditFact): void };
}

/** Without it nothing is done: that it was missing is not for the schema to say, as it is written down. */
const Confirm = v.pipe(v.boolean(), v.description('It has to be true.'));

const Code = v.object({
  code: v.string(),
  state: v.picklist(CODE_STATES),
  text: v.string(),
  specific: v.boolean(),
  ecu: v.string(),
  since: WallTime,
});

/** The codes of a control unit as it tells them by ISO 14229-1. */
const UdsEcu = v.object({
  ecu: v.string(),
  ageS: Age,
  format: v.nullable(v.string()),
  codes: v.array(v.object(UDS_CODE)),
});

export const listTroubleCodes = route({
  method: 'GET',
  path: '/diagnostics/dtc',
  summary:
    'Stored, pending and permanent trouble codes, and since when the gateway has seen them; also with failure type and status, of control units that tell them by UDS.',
  access: 'service',
  problems: CAR_PROBLEMS,
  query: v.strictObject({ maxAge: MaxAge }),
  body: undefined,
  reply: v.object({
    connected: Connected,
    ageS: Age,
    clockTrust: v.picklist(TRUST),
    items: v.array(Code),
    uds: v.array(UdsEcu),
  }),
  handle: ({ diagnosis }: TroubleCodesDeps, { query }) =>
    diagnosing(() => diagnosis.codes(query.maxAge)),
});

export const clearTroubleCodes = route({
  method: 'DELETE',
  path: '/diagnostics/dtc',
  summary:
    'Clears trouble codes, freeze frames and readiness in all control units, once the car stands still. Most want the engine off. 409 says what was seen instead. An Idempotency-Key has it done once.',
  access: 'service',
  problems: [...CAR_PROBLEMS, 429],
  reads: { 'Idempotency-Key': 'optional' },
  query: undefined,
  body: v.optional(v.strictObject({ confirm: v.optional(Confirm) })),
  reply: v.object({
    /** The control units that have done it. */
    cleared: v.array(v.string()),
    /** What they still have; null where they have not been read again yet. */
    remaining: v.nullable(v.array(Code)),
  }),
  handle: ({ diagnosis, audit }: TroubleCodesDeps, { body, headers, caller }) =>
    diagnosing(async () => {
      const note = noter(audit, caller);
      if (body?.confirm !== true) {
        note({ result: 'refused', details: { code: 'UNCONFIRMED', why: 'it was not confirmed' } });
        throw unconfirmed();
      }
      const key = idempotencyKey(headers);
      try {
        const who = caller.user?.id ?? '';
        const { cleared, had, remaining, repeated } = await diagnosis.clear(who, key);
        if (!repeated) note({ result: 'done', details: { cleared, had } });
        return { cleared, remaining };
      } catch (error) {
        if (error instanceof DiagnosisError && !error.repeated) note(endOf(error));
        throw error;
      }
    }),
});

function noter(audit: TroubleCodesDeps['audit'], caller: Caller) {
  const fact = { action: 'dtc.clear', target: 'vehicle', ...askingOf(caller) };
  return (end: Pick<AuditFact, 'result' | 'details'>): void => audit.note({ ...fact, ...end });
}

function unconfirmed(): Problem {
  const message = 'The body is {"confirm": true}, as codes that are cleared are gone.';
  return new Problem(422, `It is not confirmed. ${message}`, [{ pointer: '/confirm', message }]);
}

import * as v from 'valibot';
import type { AuditFact } from '../../accounts/audit.ts';
import { DiagnosisError } from '../../sources/obd/errors.ts';
import { encodeUdsDtc } from '../../sources/obd/uds/dtcs.ts';
import type { ToldStored, ToldValue } from '../../sources/obd/uds-told.ts';
import { Problem } from '../problem.ts';
import { type Caller, route } from '../route.ts';
import { askingOf } from './asking.ts';
import { CAR_PROBLEMS, diagnosing, endOf, UDS_CODE } from './diagnostics-shape.ts';

/** Whom somebody asks, and how. */
interface Question {
  readonly who: string;
  readonly ecu: string;
  readonly extended: boolean;
}

/** What the routes need: `Diagnosing` of diagnosing.ts has it. */
export interface EcusDeps {
  /** All throw or reject with a DiagnosisError. */
  readonly diagnosis: {
    readonly ecus: {
      values(ecu: string): {
        readonly ecu: string;
        readonly items: readonly { readonly id: string; readonly name: string }[];
      };
      value(question: Question, did: number): Promise<ToldValue & { readonly ecu: string }>;
      code(question: Question, dtc: number): Promise<ToldStored>;
    };
  };
  readonly audit: { note(fact: AuditFact): void };
}

/**
 * `extended` for what a control unit tells in that session only: while the car stands still, and what
 * was asked is in the audit log.
 */
const SessionQuery = v.strictObject({ session: v.optional(v.picklist(['extended'])) });
type SessionQuery = v.InferOutput<typeof SessionQuery>;

const VALUE = {
  id: v.string(),
  name: v.nullable(v.string()),
  text: v.string(),
  hex: v.string(),
};

const shared = {
  method: 'GET',
  // By the values that it tells a car can be traced, and each question takes the bus from live values.
  access: 'service',
  body: undefined,
} as const;
const asked = {
  ...{ ...shared, query: SessionQuery, problems: [404, ...CAR_PROBLEMS, 429] },
} as const;

export const listEcuValues = route({
  ...{ ...shared, path: '/diagnostics/ecus/:ecu/data', query: undefined },
  summary:
    'The values that ISO 14229-1 has a name for. Which of them a control unit knows, it tells.',
  problems: [404, ...CAR_PROBLEMS],
  reply: v.object({
    ecu: v.string(),
    items: v.array(v.object({ id: v.string(), name: v.string() })),
  }),
  handle: ({ diagnosis }: EcusDeps, { params }) =>
    diagnosing(() => diagnosis.ecus.values(params['ecu'] ?? '')),
});

export const readEcuValue = route({
  ...{ ...asked, path: '/diagnostics/ecus/:ecu/data/:did' },
  summary: 'Reads one value of one control unit from the car, by its identifier (UDS service 22).',
  reply: v.object({ ecu: v.string(), ...VALUE }),
  handle: ({ diagnosis, audit }: EcusDeps, { params, query, caller }) => {
    const { did = '' } = params;
    if (!/^[0-9a-f]{4}$/i.test(did)) {
      throw new Problem(404, `${JSON.stringify(did)} is not four hexadecimal digits.`);
    }
    const question = questionOf(params, query, caller);
    return diagnosing(() =>
      audited({ audit, caller, question, what: did.toUpperCase() }, () =>
        diagnosis.ecus.value(question, Number.parseInt(did, 16)),
      ),
    );
  },
});

export const readEcuCode = route({
  ...{ ...asked, path: '/diagnostics/ecus/:ecu/dtc/:code' },
  summary:
    'Reads what one control unit has stored with one code, such as P0301-11: what was measured then and what is counted since (UDS services 19 04 and 19 06). Bytes that nobody can take apart are in rest.',
  reply: v.object({
    ecu: v.string(),
    ...UDS_CODE,
    snapshots: v.nullable(
      v.object({
        records: v.array(v.object({ record: v.number(), values: v.array(v.object(VALUE)) })),
        rest: v.string(),
      }),
    ),
    extendedData: v.nullable(
      v.object({
        records: v.array(v.object({ record: v.number(), hex: v.string() })),
        rest: v.string(),
      }),
    ),
  }),
  handle: ({ diagnosis, audit }: EcusDeps, { params, query, caller }) => {
    const code = (params['code'] ?? '').toUpperCase();
    const dtc = encodeUdsDtc(code);
    if (dtc === undefined) {
      throw new Problem(404, `${JSON.stringify(code)} is no trouble code such as P0301-11.`);
    }
    const question = questionOf(params, query, caller);
    return diagnosing(() =>
      audited({ audit, caller, question, what: code }, () => diagnosis.ecus.code(question, dtc)),
    );
  },
});

function questionOf(
  { ecu = '' }: Readonly<Record<string, string>>,
  { session }: SessionQuery,
  { user }: Caller,
): Question {
  return { who: user?.id ?? '', ecu, extended: session === 'extended' };
}

interface Asked extends Pick<EcusDeps, 'audit'> {
  readonly caller: Caller;
  readonly question: Question;
  readonly what: string;
}

/** Has a question in the extended session noted, however it went: it changes how a control unit works. */
async function audited<T>(
  { audit, caller, question: { ecu, extended }, what }: Asked,
  work: () => Promise<T>,
): Promise<T> {
  if (!extended) return await work();
  const note = ({ result, details }: Pick<AuditFact, 'result' | 'details'>): void =>
    audit.note({
      ...{ action: 'ecu.session', target: ecu, ...askingOf(caller) },
      ...{ result, details: { asked: what, ...details } },
    });
  try {
    const answer = await work();
    note({ result: 'done', details: {} });
    return answer;
  } catch (error) {
    if (error instanceof DiagnosisError) note(endOf(error));
    throw error;
  }
}

import * as v from 'valibot';
import { type AlertRule, SEVERITIES } from '#core/alert.ts';
import { AlertError, type RuleFault } from '../../alerts/errors.ts';
import { RuleBody } from '../../alerts/rule/schema.ts';
import type { RuleDraft } from '../../alerts/rules.ts';
import type { ExportFile } from '../../reading/client.ts';
import type { BacktestRequest } from '../../reading/service.ts';
import { checkRuleShown } from '../privacy.ts';
import { Content, route } from '../route.ts';
import { answering } from './problems.ts';

/** Sessions of a request; the answer is sent session by session. */
const SESSIONS_MAX = 100;
const RULES_MAX = 100;
/** Of a rule that is not kept. */
const DRAFT_ID = 'draft';

/** What the route needs. */
export interface AlertBacktestDeps {
  readonly alerting: {
    /** `Rules` of alerts/rules.ts has it. */
    readonly rules: {
      /** @throws AlertError NOT_FOUND */
      get(id: string): AlertRule;
      check(rule: AlertRule): readonly RuleFault[];
    };
  };
  /** `Reading` of reading/service.ts has it. */
  readonly reading: {
    backtest(request: BacktestRequest): Promise<ExportFile>;
  };
}

const RuleId = v.pipe(v.string(), v.minLength(1));
/** The id of a rule, or a rule as it is written. */
const RuleOrId = v.lazy((input) => (typeof input === 'string' ? RuleId : RuleBody));
const SessionId = v.pipe(v.number(), v.integer(), v.minValue(1));

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Places = v.array(Count);
/** Microseconds since the session's start; of what was on before it below 0. */
const Time = v.number();

const Found = v.object({
  cause: v.string(),
  severity: v.picklist(SEVERITIES),
  startedAt: Time,
  endedAt: v.nullable(Time),
  endedBy: v.nullable(v.picklist(['cleared', 'silent', 'changed'])),
  stream: v.nullable(v.string()),
  value: v.nullable(v.number()),
  unit: v.nullable(v.string()),
  text: v.string(),
  /** Within 10 s of its start. */
  readings: v.array(
    v.object({
      stream: v.string(),
      t: v.array(Time),
      v: v.array(v.nullable(v.number())),
    }),
  ),
});

const RuleFound = v.object({
  rule: v.object({ id: v.string(), name: v.string() }),
  alerts: v.array(Found),
  /** Alerts that are counted, but not given. */
  truncated: Count,
  totals: v.object({ count: Count, onS: v.number(), share: v.number() }),
});

const BacktestShape = v.object({
  sessions: v.array(
    v.object({
      session: Count,
      durationS: v.number(),
      rules: v.array(RuleFound),
      /** Positions in the alerts of the two: pairs that overlap, and those that only one has. */
      versions: v.nullable(
        v.object({
          both: v.array(v.tuple([Count, Count])),
          onlyFirst: Places,
          onlySecond: Places,
        }),
      ),
      notes: v.array(v.string()),
    }),
  ),
});

export const backtestRules = route({
  method: 'POST',
  path: '/alerts/backtest',
  summary: 'When alert rules, or two versions of one, would have found something in sessions.',
  access: 'watch',
  query: undefined,
  body: v.pipe(
    v.strictObject({
      sessions: v.pipe(v.array(SessionId), v.minLength(1), v.maxLength(SESSIONS_MAX)),
      rule: v.optional(RuleOrId),
      /** Another version of the rule. */
      against: v.optional(RuleOrId),
      rules: v.optional(v.pipe(v.array(RuleOrId), v.minLength(1), v.maxLength(RULES_MAX))),
    }),
    v.check(
      ({ rule, rules }) => (rule === undefined) !== (rules === undefined),
      'expected either rule or rules',
    ),
    v.check(
      ({ rule, against }) => against === undefined || rule !== undefined,
      'expected rule, where there is against',
    ),
  ),
  reply: BacktestShape,
  handle: ({ alerting, reading }: AlertBacktestDeps, { body, caller }) =>
    answering(async () => {
      const { sessions, rule, against, rules = [] } = body;
      const written = [
        ...(rule === undefined ? [] : [{ pointer: '/rule', rule }]),
        ...(against === undefined ? [] : [{ pointer: '/against', rule: against }]),
        ...rules.map((one, i) => ({ pointer: `/rules/${i}`, rule: one })),
      ];
      const found = written.map((one) => ruleOf(one, alerting.rules));
      for (const one of found) checkRuleShown(caller, one);
      const { mime, pieces } = await reading.backtest({
        sessions: [...new Set(sessions)],
        rules: found,
        versions: against !== undefined,
      });
      return new Content({ 'content-type': mime }, pieces);
    }),
});

/** @throws AlertError NOT_FOUND, INVALID */
function ruleOf(
  { pointer, rule }: { readonly pointer: string; readonly rule: string | RuleDraft },
  rules: AlertBacktestDeps['alerting']['rules'],
): AlertRule {
  if (typeof rule === 'string') return rules.get(rule);
  const draft = { ...rule, id: DRAFT_ID };
  const faults = rules.check(draft).map((one) => ({ ...one, pointer: `${pointer}${one.pointer}` }));
  const [first] = faults;
  if (first === undefined) return draft;
  throw new AlertError('INVALID', `the rule cannot be used: ${first.message}`, faults);
}

import * as v from 'valibot';
import type { Alert, AlertRule } from '#core/alert.ts';
import type { Stream } from '#core/stream.ts';
import type { RuleFault } from '../../alerts/errors.ts';
import { RuleBody, RulePatch } from '../../alerts/rule/schema.ts';
import { ruleSentence } from '../../alerts/rule/words.ts';
import type { RulePatch as RuleChange, RuleDraft } from '../../alerts/rules.ts';
import { route } from '../route.ts';
import { RuleShape } from './alerts-shape.ts';
import { answering, sentenceOf } from './problems.ts';

/** What the routes of rules need. */
export interface AlertRulesDeps {
  streams(): readonly Stream[];
  readonly alerting: {
    /** `Rules` of alerts/rules.ts has it. */
    readonly rules: {
      list(): readonly AlertRule[];
      get(id: string): AlertRule;
      originOf(id: string): 'shipped' | 'changed' | 'own';
      check(rule: AlertRule): readonly RuleFault[];
      /** Changes take effect at once and resolve when they are durable. */
      create(draft: RuleDraft): Promise<AlertRule>;
      update(id: string, patch: RuleChange): Promise<AlertRule>;
      remove(id: string): Promise<void>;
    };
    /** Those that last, oldest first. */
    ongoing(): readonly Alert[];
  };
  readonly reading: {
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
}

export const listRules = route({
  method: 'GET',
  path: '/alerts',
  summary: 'The alert rules: those that come with the gateway, then the others by their names.',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(RuleShape), next: v.null() }),
  handle: (deps: AlertRulesDeps) => ({
    items: deps.alerting.rules.list().map(shaper(deps)),
    next: null,
  }),
});

export const createRule = route({
  method: 'POST',
  path: '/alerts',
  summary: 'Adds an alert rule, which is watched from then on; its id is made of its name.',
  query: undefined,
  body: RuleBody,
  reply: RuleShape,
  status: () => 201,
  headers: ({ id }) => ({ location: `/api/v1/alerts/${id}` }),
  handle: (deps: AlertRulesDeps, { body }) =>
    answering(async () => {
      const rule = await deps.reading.inTime(deps.alerting.rules.create(body));
      return shaper(deps)(rule);
    }),
});

export const readRule = route({
  method: 'GET',
  path: '/alerts/:id',
  summary: 'One alert rule.',
  query: undefined,
  body: undefined,
  reply: RuleShape,
  handle: (deps: AlertRulesDeps, { params }) =>
    answering(() => shaper(deps)(deps.alerting.rules.get(params['id'] ?? ''))),
});

export const changeRule = route({
  method: 'PATCH',
  path: '/alerts/:id',
  summary:
    'Changes an alert rule. What is left out stays; an alert of it that lasts ends, unless only the name or the actions change.',
  query: undefined,
  body: RulePatch,
  reply: RuleShape,
  handle: (deps: AlertRulesDeps, { params, body }) =>
    answering(async () => {
      const change = deps.alerting.rules.update(params['id'] ?? '', body);
      return shaper(deps)(await deps.reading.inTime(change));
    }),
});

export const deleteRule = route({
  method: 'DELETE',
  path: '/alerts/:id',
  summary: 'Deletes an alert rule; one that came with the gateway is again as it came.',
  query: undefined,
  body: undefined,
  reply: v.void(),
  handle: ({ alerting, reading }: AlertRulesDeps, { params }) =>
    answering(() => reading.inTime(alerting.rules.remove(params['id'] ?? ''))),
});

/** Makes rules what clients see of them, with what is known of streams and alerts at this moment. */
function shaper({ alerting, streams }: AlertRulesDeps) {
  const { rules } = alerting;
  const byId = new Map(streams().map((stream) => [stream.id, stream]));
  const ongoing = Map.groupBy(alerting.ongoing(), ({ rule }) => rule.id);
  return (rule: AlertRule) => ({
    ...rule,
    origin: rules.originOf(rule.id),
    sentence: ruleSentence(rule, (id) => byId.get(id)),
    ongoing: ongoing.get(rule.id)?.length ?? 0,
    faults: rules.check(rule).map(sentenceOf),
  });
}

import * as v from 'valibot';
import type { Alert, AlertRule } from '#core/alert.ts';
import type { Stream } from '#core/stream.ts';
import { AlertError, type RuleFault } from '../../alerts/errors.ts';
import { RuleBody, RulePatch } from '../../alerts/rule/schema.ts';
import { ruleSentence } from '../../alerts/rule/words.ts';
import type { RulePatch as RuleChange, RuleDraft } from '../../alerts/rules.ts';
import { checkRuleShown, isHiddenRule } from '../privacy.ts';
import { type Caller, route } from '../route.ts';
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
  access: 'rules',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(RuleShape), next: v.null() }),
  handle: (deps: AlertRulesDeps, { caller }) => {
    const shown = deps.alerting.rules.list().filter((rule) => !isHiddenRule(caller, rule));
    return { items: shown.map(shaper(deps)), next: null };
  },
});

export const createRule = route({
  method: 'POST',
  path: '/alerts',
  summary: 'Adds an alert rule, which is watched from then on; its id is made of its name.',
  access: 'watch',
  query: undefined,
  body: RuleBody,
  reply: RuleShape,
  status: () => 201,
  tells: { Location: [201] },
  headers: ({ id }) => ({ location: `/api/v1/alerts/${id}` }),
  problems: [409],
  handle: (deps: AlertRulesDeps, { body, caller }) =>
    answering(async () => {
      checkRuleShown(caller, body);
      const rule = await deps.reading.inTime(deps.alerting.rules.create(body));
      return shaper(deps)(rule);
    }),
});

export const readRule = route({
  method: 'GET',
  path: '/alerts/:id',
  summary: 'One alert rule.',
  access: 'rules',
  query: undefined,
  body: undefined,
  reply: RuleShape,
  handle: (deps: AlertRulesDeps, { params, caller }) =>
    answering(() => shaper(deps)(ruleOf(deps, params['id'], caller))),
});

export const changeRule = route({
  method: 'PATCH',
  path: '/alerts/:id',
  summary:
    'Changes an alert rule. What is left out stays; an alert of it that lasts ends, unless only the name or the actions change.',
  access: 'watch',
  query: undefined,
  body: RulePatch,
  reply: RuleShape,
  handle: (deps: AlertRulesDeps, { params, body, caller }) =>
    answering(async () => {
      checkRuleShown(caller, body);
      const change = deps.alerting.rules.update(ruleOf(deps, params['id'], caller).id, body);
      return shaper(deps)(await deps.reading.inTime(change));
    }),
});

export const deleteRule = route({
  method: 'DELETE',
  path: '/alerts/:id',
  summary: 'Deletes an alert rule; one that came with the gateway is again as it came.',
  access: 'watch',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [409],
  handle: (deps: AlertRulesDeps, { params, caller }) =>
    answering(() => {
      const { alerting, reading } = deps;
      return reading.inTime(alerting.rules.remove(ruleOf(deps, params['id'], caller).id));
    }),
});

/** @throws AlertError NOT_FOUND, for one that watches what is not shown too */
function ruleOf({ alerting }: AlertRulesDeps, id = '', caller: Caller): AlertRule {
  const rule = alerting.rules.get(id);
  if (!isHiddenRule(caller, rule)) return rule;
  throw new AlertError('NOT_FOUND', `there is no alert rule ${JSON.stringify(id)}`);
}

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

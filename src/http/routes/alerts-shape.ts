import * as v from 'valibot';
import { type Alert, type AlertNote, SEVERITIES } from '#core/alert.ts';
import { type Epoch, TRUST } from '#core/clock.ts';
import { leastTrust } from '#core/session.ts';
import { RulePatch } from '../../alerts/rule/schema.ts';
import { type Asker, seesNames } from '../privacy.ts';
import { WallTime, wallTime } from './wall-time.ts';

/** Rules and alerts as clients see them. */

const Terms = v.required(v.object(RulePatch.entries), [
  ...(['name', 'holdMs', 'cooldownMs', 'severity', 'escalate', 'while'] as const),
  ...(['actions', 'enabled'] as const),
]);

export const RuleShape = v.object({
  id: v.string(),
  ...Terms.entries,
  /** With the gateway, with it and changed since, or written by a person. */
  origin: v.picklist(['shipped', 'changed', 'own']),
  /** The rule in words. */
  sentence: v.string(),
  /** Alerts of it that last. */
  ongoing: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Why it cannot be used as it is, such as a stream that is not there any more. */
  faults: v.array(v.object({ pointer: v.string(), message: v.string() })),
});

const Text = v.nullable(v.string());

export const AlertShape = v.object({
  id: v.string(),
  rule: v.object({ id: v.string(), name: v.string() }),
  /** Which of the rule's causes; empty for a rule that has one. */
  cause: v.string(),
  /** The highest that it reached. */
  severity: v.picklist(SEVERITIES),
  state: v.picklist(['active', 'ended']),
  startedAt: WallTime,
  endedAt: WallTime,
  /** How far both can be believed. */
  clockTrust: v.picklist(TRUST),
  endedBy: v.nullable(v.picklist(['cleared', 'silent', 'changed'])),
  text: v.string(),
  /** The stream that decided, with its value then. */
  stream: Text,
  value: v.nullable(v.number()),
  unit: Text,
  /** `t` in microseconds since the start of the gateway that saw it. */
  readings: v.array(v.object({ stream: v.string(), t: v.number(), v: v.nullable(v.number()) })),
  acknowledgedBy: Text,
  acknowledgedAt: WallTime,
  silencedUntil: WallTime,
  notes: v.array(v.object({ by: v.string(), at: WallTime, text: v.string() })),
});

/** @param asker to whom it is told: notes of others may have a name in them */
export function alertShape(alert: Alert, epochs: ReadonlyMap<number, Epoch>, asker: Asker) {
  const { id, rule, cause, severity, startedAt, endedAt, endedBy, evidence, acknowledged } = alert;
  const { text, stream, value, unit, readings } = evidence;
  const moments = [startedAt, ...(endedAt ? [endedAt] : [])];
  const isShown = ({ by }: AlertNote): boolean => seesNames(asker) || by === asker.user?.username;
  const notes = alert.notes.filter(isShown);
  const trusts = moments.map(({ epoch }) => epochs.get(epoch)?.trust ?? 'none');
  return {
    ...{ id, rule, cause, severity },
    state: endedAt === null ? ('active' as const) : ('ended' as const),
    startedAt: wallTime(startedAt, epochs),
    endedAt: wallTime(endedAt, epochs),
    clockTrust: leastTrust(trusts),
    ...{ endedBy, text, stream, value, unit, readings },
    acknowledgedBy: acknowledged?.by ?? null,
    acknowledgedAt: wallTime(acknowledged?.at ?? null, epochs),
    silencedUntil: wallTime(alert.silencedUntil, epochs),
    notes: notes.map(({ by, at, text }) => ({ by, at: wallTime(at, epochs), text })),
  };
}

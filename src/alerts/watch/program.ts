import type { AlertRule, Comparison, Condition, Severity, While } from '#core/alert.ts';
import { isPattern, type Stream } from '#core/stream.ts';
import { FRESH_US_MIN, freshUs, type Spec } from './comparison.ts';
import type { Node } from './condition.ts';
import type { Terms } from './machine.ts';

/**
 * A rule made ready to be followed: its comparisons in one list, those of its condition as they are
 * written and then those of its `while`, and who listens to which stream.
 */
export interface Program {
  readonly rule: AlertRule;
  readonly streamOf: (id: string) => Stream | undefined;
  readonly specs: readonly Spec[];
  readonly root: Node;
  /** What there is a cause for: the whole rule, each stream of a pattern, each value of an event's key. */
  readonly causes: 'one' | 'stream' | 'key';
  readonly key: readonly string[];
  /** Comparisons of the `while`, and what they have to be. */
  readonly gates: readonly Gate[];
  /** Comparisons by the stream that they listen to. */
  readonly listeners: ReadonlyMap<string, readonly number[]>;
  /** Escalation by value; empty for rules of several comparisons, which have no value of their own. */
  readonly byValue: readonly { readonly limit: number; readonly severity: Severity }[];
  readonly terms: Terms;
}

export interface Gate {
  readonly spec: number;
  readonly wants: boolean;
}

/** From walking pace; and it stands still again below what an engine at idle makes a car creep. */
const MOVING: Comparison = {
  stream: 'obd.vehicle.speed',
  when: { op: '>', value: 5, clear: 3 },
};
/** States of the ignition are 0 off, 1 on, 2 running. */
const ENGINE_ON: Comparison = { stream: 'obd.ignition', when: { op: '>', value: 1.5 } };

export function compile(rule: AlertRule, streamOf: Program['streamOf']): Program {
  const single = 'when' in rule ? rule : undefined;
  const steps = rule.escalate.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const specs: Spec[] = [];
  const root = numbered(rule, specs, single ? steps : []);
  const gates = gatesOf(rule.while, specs);
  const key = single?.when.op === 'event' ? (single.when.key ?? []) : [];
  return {
    ...{ rule, streamOf, specs, root, gates, key },
    causes: single && isPattern(single.stream) ? 'stream' : key.length > 0 ? 'key' : 'one',
    listeners: listenersOf(specs),
    byValue: single
      ? rule.escalate.flatMap(({ value, severity }) =>
          value === undefined ? [] : [{ limit: value, severity }],
        )
      : [],
    terms: termsOf(rule),
  };
}

/** Ids and patterns (`gateway.part.*`) of all streams that a rule listens to. */
export function streamsOf({ listeners }: Program): readonly string[] {
  return [...listeners.keys()];
}

/** How long a rule that is taken up after a restart may wait for its streams. */
export function graceUs({ specs, streamOf }: Program): number {
  return specs.reduce((most, { comparison: { stream: id, when } }) => {
    const stream = streamOf(id);
    const fresh = stream === undefined ? FRESH_US_MIN : freshUs(stream);
    const windowUs = 'windowS' in when ? when.windowS * 1e6 : 0;
    return Math.max(most, Number.isFinite(fresh) ? fresh : FRESH_US_MIN, windowUs);
  }, FRESH_US_MIN);
}

function numbered(condition: Condition, specs: Spec[], steps: readonly number[]): Node {
  if ('when' in condition) return specs.push({ comparison: condition, steps }) - 1;
  const [kind, of] =
    'all' in condition
      ? (['all', condition.all] as const)
      : 'any' in condition
        ? (['any', condition.any] as const)
        : (['not', condition.not] as const);
  return { kind, of: of.map((part) => numbered(part, specs, steps)) };
}

function gatesOf({ moving, engine }: While, specs: Spec[]): Gate[] {
  const gates: Gate[] = [];
  const gate = (comparison: Comparison, wants: boolean): void => {
    gates.push({ spec: specs.push({ comparison, steps: [] }) - 1, wants });
  };
  if (moving !== undefined) gate(MOVING, moving);
  if (engine !== undefined) gate(ENGINE_ON, engine === 'on');
  return gates;
}

function listenersOf(specs: readonly Spec[]): Map<string, number[]> {
  const listeners = new Map<string, number[]>();
  for (const [i, { comparison }] of specs.entries()) {
    listeners.set(comparison.stream, [...(listeners.get(comparison.stream) ?? []), i]);
  }
  return listeners;
}

function termsOf({ holdMs, cooldownMs, severity, escalate }: AlertRule): Terms {
  return {
    holdUs: holdMs * 1000,
    cooldownUs: cooldownMs * 1000,
    severity,
    byTime: escalate.flatMap(({ afterMs, severity: to }) =>
      afterMs === undefined ? [] : [{ afterUs: afterMs * 1000, severity: to }],
    ),
  };
}

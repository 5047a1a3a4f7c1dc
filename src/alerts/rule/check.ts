import {
  type AlertRule,
  type Comparison,
  type Condition,
  SEVERITIES,
  type When,
} from '#core/alert.ts';
import { ACTION_STATES, SOURCE_STATES } from '#core/gateway-streams.ts';
import { nearest } from '#core/spelling.ts';
import { isPattern, type Stream, type StreamKind } from '#core/stream.ts';
import type { RuleFault } from '../errors.ts';
import { fault, orderFaults, reachable, streamFaults } from './limits.ts';
import { formFaults } from './schema.ts';

/** How many names are told of streams or actions that may have been meant. */
const HINTS_MAX = 3;
/** Patterns that may have no stream below them yet. */
const PATTERNS: readonly string[] = [SOURCE_STATES, ACTION_STATES];

const VALUE_OPS: readonly When['op'][] = ['>', '<', 'outside', 'inside', 'rate>', 'rate<', 'stale'];
const EVENT_OPS: readonly When['op'][] = ['event', 'count', 'within', 'beyond', 'stale'];
/** What can be asked of each kind of stream; waves and frames are too many to look at each. */
const OPS: Readonly<Record<StreamKind, readonly When['op'][]>> = {
  sample: VALUE_OPS,
  event: EVENT_OPS,
  wave: ['stale'],
  frame: ['stale'],
};

/** What a rule may refer to. */
export interface Surroundings {
  /** The streams that an id or a pattern means, as far as they are known; all of them for `*`. */
  readonly streams: (pattern: string) => readonly Stream[];
  /** Ids of the actions that there are. */
  readonly actions: readonly string[];
}

/** What one check goes along with. */
interface Search extends Surroundings {
  /** Whether an unknown name is told with those that may have been meant. */
  readonly hints: boolean;
}

/**
 * What is wrong with a rule, each with a JSON pointer into it; nothing in one that can be used. Where
 * its form is wrong, that alone is told.
 *
 * @param hints whether names are told that may have been meant: half a millisecond for each unknown one
 */
export function checkRule(
  rule: AlertRule,
  surroundings: Surroundings,
  { hints }: { readonly hints: boolean },
): readonly RuleFault[] {
  const search = { ...surroundings, hints };
  const form = formFaults(rule);
  if (form.length > 0) return form;
  return [
    ...conditionFaults('', rule, search),
    ...holdFaults(rule),
    ...escalationFaults(rule, surroundings),
    ...scheduleFaults(rule),
    ...actionFaults(rule, search),
  ];
}

function conditionFaults(
  pointer: string,
  condition: Condition,
  search: Search,
): readonly RuleFault[] {
  if ('when' in condition) {
    return comparisonFaults(condition, search).map((one) => ({
      ...one,
      pointer: `${pointer}${one.pointer}`,
    }));
  }
  const [name, parts] = listOf(condition);
  const faults = parts.flatMap((part, i) => {
    const below = `${pointer}/${name}/${i}`;
    return [...conditionFaults(below, part, search), ...keyFaults(below, part)];
  });
  return name === 'all' ? [...faults, ...neverTogether(`${pointer}/all`, parts)] : faults;
}

function listOf(condition: Exclude<Condition, Comparison>): [string, readonly Condition[]] {
  if ('all' in condition) return ['all', condition.all];
  return 'any' in condition ? ['any', condition.any] : ['not', condition.not];
}

function comparisonFaults(
  { stream: id, when, unit }: Comparison,
  search: Search,
): readonly RuleFault[] {
  const order = orderFaults(when);
  const found = search.streams(id);
  if (found.length === 0) {
    return PATTERNS.includes(id) ? order : [unknownStream(id, search), ...order];
  }
  if (when.op !== 'stale' && new Set(found.map((stream) => stream.unit)).size > 1) {
    const what = 'a pattern with streams of one unit, as it is one threshold for all';
    return [fault('/stream', what, id), ...order];
  }
  // Of a pattern's streams, the first one with a fault tells enough.
  const faults = found.map((stream) => unfit(when, unit, stream));
  return [...(faults.find((list) => list.length > 0) ?? []), ...order];
}

function unfit(when: When, unit: string | undefined, stream: Stream): readonly RuleFault[] {
  const ops = OPS[stream.kind];
  if (!ops.includes(when.op)) {
    return [fault('/when/op', `one of ${ops.join(', ')} for ${stream.kind}s`, when.op)];
  }
  if (unit !== undefined && unit !== stream.unit) {
    return [fault('/unit', `the unit of the stream, ${stream.unit}`, unit)];
  }
  return streamFaults(when, stream);
}

function unknownStream(id: string, search: Search): RuleFault {
  const below = isPattern(id);
  const what = below ? 'a pattern with streams below it' : 'a stream that there is';
  if (!search.hints) return fault('/stream', what, id);
  const ids = search.streams('*').map((stream) => stream.id);
  const parents = ids.map((one) => one.replace(/\.[^.]+$/, '.*'));
  const hints = below ? [...new Set([...PATTERNS, ...parents])] : ids;
  return fault('/stream', withHints(what, id, hints), id);
}

function withHints(what: string, word: string, known: readonly string[]): string {
  const hints = hintsFor(word, known);
  return hints.length > 0 ? `${what}, such as ${hints.join(', ')}` : what;
}

/** Names that look alike, or end alike; of a few names all. */
function hintsFor(word: string, known: readonly string[]): readonly string[] {
  if (known.length <= HINTS_MAX) return known;
  const near = nearest(word, known, HINTS_MAX);
  if (near.length > 0) return near;
  const end = /\.[^.*]+$/.exec(word)?.[0];
  return end === undefined ? [] : known.filter((name) => name.endsWith(end)).slice(0, HINTS_MAX);
}

/** Causes of their own have no place in a list, which is true or not. */
function keyFaults(pointer: string, part: Condition): readonly RuleFault[] {
  if (!('when' in part) || part.when.op !== 'event' || part.when.key === undefined) return [];
  const why = 'no key, as only a rule of a single comparison has several causes';
  return [fault(`${pointer}/when/key`, why, part.when.key)];
}

/** Comparisons of one stream of which no value makes all true. */
function neverTogether(pointer: string, parts: readonly Condition[]): readonly RuleFault[] {
  const possible = new Map<string, readonly [number, number]>();
  for (const [i, part] of parts.entries()) {
    const values = 'when' in part ? valuesOf(part.when) : undefined;
    if (!('when' in part) || values === undefined) continue;
    const [min, max] = possible.get(part.stream) ?? [-Infinity, Infinity];
    const both = [Math.max(min, values[0]), Math.min(max, values[1])] as const;
    if (both[0] > both[1] || (both[0] === both[1] && part.when.op !== 'inside')) {
      const what = `what ${part.stream} can be together with the comparisons before`;
      return [fault(`${pointer}/${i}/when/value`, what, values.filter(Number.isFinite).at(-1))];
    }
    possible.set(part.stream, both);
  }
  return [];
}

function valuesOf(when: When): readonly [number, number] | undefined {
  switch (when.op) {
    case '>':
      return [when.value, Infinity];
    case '<':
      return [-Infinity, when.value];
    case 'inside':
      return when.value;
    default:
      return undefined;
  }
}

function holdFaults(rule: AlertRule): readonly RuleFault[] {
  if (!('when' in rule) || rule.when.op !== 'event' || rule.holdMs === 0) return [];
  return [fault('/holdMs', '0, as an event comes and is there at once', rule.holdMs)];
}

/** Every step has to be more severe than the one before it, and harder to reach. */
function escalationFaults(rule: AlertRule, { streams }: Surroundings): readonly RuleFault[] {
  const faults: RuleFault[] = [];
  let severity = rule.severity;
  let afterMs = 0;
  const values: number[] = [];
  for (const [i, step] of rule.escalate.entries()) {
    const pointer = `/escalate/${i}`;
    if (SEVERITIES.indexOf(step.severity) <= SEVERITIES.indexOf(severity)) {
      faults.push(fault(`${pointer}/severity`, `more severe than ${severity}`, step.severity));
    }
    severity = step.severity;
    if (step.afterMs !== undefined && step.afterMs <= afterMs) {
      const why = `more than ${afterMs}, which is that of the step before`;
      faults.push(fault(`${pointer}/afterMs`, why, step.afterMs));
    }
    afterMs = step.afterMs ?? afterMs;
    if (step.value === undefined) continue;
    faults.push(...valueFaults(`${pointer}/value`, step.value, values, { rule, streams }));
    values.push(step.value);
  }
  return faults;
}

/** @param before the values of the steps before this one */
function valueFaults(
  pointer: string,
  value: number,
  before: readonly number[],
  { rule, streams }: { readonly rule: AlertRule; readonly streams: Surroundings['streams'] },
): readonly RuleFault[] {
  const slope = 'when' in rule ? slopeOf(rule.when, value) : undefined;
  if (!('when' in rule) || slope === undefined) {
    return [fault(pointer, 'afterMs alone, as there is no value that could rise', value)];
  }
  const { up, from } = slope;
  const same = before.filter((one) => slopeOf(rule.when, one)?.up === up);
  const limit = up ? Math.max(from, ...same) : Math.min(from, ...same);
  if (up ? value <= limit : value >= limit) {
    const side = up ? 'more' : 'less';
    return [fault(pointer, `${side} than ${limit}, where it is less severe`, value)];
  }
  const { op } = rule.when;
  const [stream] = streams(rule.stream);
  if (!stream || (op !== '>' && op !== '<' && op !== 'outside')) return [];
  return reachable(pointer, up ? '>' : '<', value, stream);
}

/** In which direction, and from which value on, a comparison gets more severe. */
function slopeOf(when: When, value: number): { up: boolean; from: number } | undefined {
  switch (when.op) {
    case '>':
    case 'rate>':
    case 'count':
    case 'stale':
      return { up: true, from: when.value };
    case '<':
    case 'rate<':
      return { up: false, from: when.value };
    case 'outside':
      return value < when.value[0]
        ? { up: false, from: when.value[0] }
        : { up: true, from: when.value[1] };
    case 'beyond':
      return { up: true, from: when.value.radiusM };
    case 'within':
      return { up: false, from: when.value.radiusM };
    case 'inside':
    case 'event':
      return undefined;
  }
}

function scheduleFaults({ while: { schedule } }: AlertRule): readonly RuleFault[] {
  if (!schedule || schedule.from !== schedule.to) return [];
  const why = 'another time than that of from, or no schedule for all day';
  return [fault('/while/schedule/to', why, schedule.to)];
}

function actionFaults(rule: AlertRule, { actions, hints }: Search): readonly RuleFault[] {
  return rule.actions.flatMap((id, i) => {
    if (actions.includes(id)) return [];
    const action = 'an action that there is';
    const what = hints ? withHints(action, id, actions) : action;
    return [fault(`/actions/${i}`, what, id)];
  });
}

import * as v from 'valibot';
import {
  type AlertRule,
  type Comparison,
  type Condition,
  type Match,
  SEVERITIES,
} from '#core/alert.ts';
import { AlertError, type RuleFault } from '../errors.ts';
import {
  between,
  line,
  list,
  matching,
  ruleFaults,
  seconds,
  strict,
  timeOfDay,
  whole,
} from './fields.ts';

/**
 * A rule as a person writes it in JSON, and as it is kept. This is about its form alone: whether it
 * makes sense, and fits the streams that there are, is for check.ts.
 *
 * Every message begins with "expected" and is for whoever wrote the rule. Objects are strict, so that
 * a misspelt `hodlMs` is refused and not ignored.
 */

/** Lists in lists; deeper ones are refused. Each level has a schema of its own: input cannot recurse. */
const LISTS_DEEP_MAX = 4;
/** More in a rule are refused, as each costs time at every reading of its stream. */
const COMPARISONS_MAX = 16;
export const ID_CHARS_MAX = 40;
const NAME_CHARS_MAX = 80;
/** A day, as for all times of a rule; longer ones are refused. */
const TIME_MS_MAX = 86_400_000;
const TIME_S_MAX = 86_400;
/** Readings of a window are held in memory; a longer one is refused. */
const WINDOW_S_MAX = 3_600;
const COUNT_MAX = 1_000;
const FIELDS_MAX = 16;
const FIELD_CHARS_MAX = 40;
const TEXT_CHARS_MAX = 200;
const STREAM_CHARS_MAX = 120;
const UNIT_CHARS_MAX = 40;
const ACTIONS_MAX = 16;
/** Half the way around the world, m. */
const RADIUS_M_MAX = 20_000_000;
/** Names that objects have by birth; the validation library would skip some without a word. */
const RESERVED: readonly string[] = ['__proto__', 'constructor', 'prototype'];

const ID = /^[a-z0-9-]+$/;
const ACTION_ID = /^[a-z0-9_-]+$/;
const STREAM = /^[a-z0-9_-]{1,23}(\.[a-z0-9_-]{1,23})*$/;
const STREAM_OR_PATTERN = /^[a-z0-9_-]{1,23}(\.[a-z0-9_-]{1,23})*(\.\*)?$/;
const CONDITION = 'expected stream with when, or just one of all, any and not';
const TOO_DEEP = `expected a comparison, as lists are at most ${LISTS_DEEP_MAX} deep within each other`;
const STREAM_ID = matching(
  STREAM,
  'the id of one stream, as only a rule of a single comparison may watch id.*',
  STREAM_CHARS_MAX,
);

const number = v.pipe(v.number('expected a number'), v.finite('expected a finite number'));
const pair = v.strictTuple([number, number], 'expected two numbers, the lower first');
const flag = v.boolean('expected true or false');
const windowS = seconds(WINDOW_S_MAX);
const fieldName = line('the name of a field', FIELD_CHARS_MAX);

const Fields = v.pipe(
  v.record(
    fieldName,
    v.union([line('text', TEXT_CHARS_MAX), number, flag], 'expected text, a number, true or false'),
    'expected fields with their values',
  ),
  v.minEntries(1, 'expected at least 1 field'),
  v.maxEntries(FIELDS_MAX, `expected at most ${FIELDS_MAX} fields`),
);

const NoFields = v.custom<Match>(
  () => false,
  `expected fields with their values, none of them called ${RESERVED.join(', ')}`,
);
const MatchFields = v.lazy((input) => (isOdd(input) ? NoFields : Fields));

const Position = strict({
  lat: between(-90, 90),
  lon: between(-180, 180),
  radiusM: between(1, RADIUS_M_MAX),
});

/** One entry for each way to compare, as in `When` of core/alert.ts. */
const WHENS = [
  strict({ op: v.picklist(['>', '<']), value: number, clear: v.optional(number) }),
  strict({ op: v.picklist(['outside', 'inside']), value: pair, clear: v.optional(pair) }),
  strict({
    op: v.picklist(['rate>', 'rate<']),
    value: number,
    clear: v.optional(number),
    windowS,
  }),
  strict({ op: v.literal('stale'), value: seconds(TIME_S_MAX) }),
  strict({
    op: v.literal('count'),
    value: whole(1, COUNT_MAX),
    clear: v.optional(whole(0, COUNT_MAX)),
    windowS,
    match: v.optional(MatchFields),
  }),
  strict({
    op: v.literal('event'),
    match: v.optional(MatchFields),
    key: v.optional(list(fieldName, FIELDS_MAX, 1)),
    until: v.optional(MatchFields),
    lastS: v.optional(seconds(TIME_S_MAX)),
  }),
  strict({
    op: v.picklist(['within', 'beyond']),
    value: Position,
    clear: v.optional(between(0, RADIUS_M_MAX)),
  }),
] as const;

const OPS = '>, <, outside, inside, rate>, rate<, stale, count, event, within, beyond';
const When = v.variant('op', [...WHENS], ({ path }) =>
  path ? `expected one of ${OPS}` : 'expected an object with op',
);

const unit = line('a UCUM unit such as Cel or km/h', UNIT_CHARS_MAX);

const While = strict({
  moving: v.optional(flag),
  engine: v.optional(v.picklist(['on', 'off'], 'expected on or off')),
  study: v.optional(line('the name of a study', TEXT_CHARS_MAX)),
  schedule: v.optional(
    strict({
      days: v.optional(list(whole(1, 7), 7, 1)),
      from: timeOfDay(),
      to: timeOfDay(),
    }),
  ),
});

const severity = v.picklist(SEVERITIES, `expected one of ${SEVERITIES.join(', ')}`);

const Step = v.pipe(
  strict({
    value: v.optional(number),
    afterMs: v.optional(whole(1, TIME_MS_MAX)),
    severity,
  }),
  v.check(
    ({ value, afterMs }) => value !== undefined || afterMs !== undefined,
    'expected value, afterMs or both',
  ),
);

const timeMs = whole(0, TIME_MS_MAX);
const TERMS = {
  name: line('a name', NAME_CHARS_MAX),
  holdMs: timeMs,
  cooldownMs: timeMs,
  severity,
  escalate: list(Step, SEVERITIES.length - 1, 0),
  while: While,
  actions: list(matching(ACTION_ID, 'the id of an action', ID_CHARS_MAX), ACTIONS_MAX, 0),
  enabled: flag,
};

/** Everything but the name, the severity and the condition may be left out. */
const TERMS_OF_DRAFT = {
  ...TERMS,
  holdMs: v.optional(TERMS.holdMs, 0),
  cooldownMs: v.optional(TERMS.cooldownMs, 30_000),
  escalate: v.optional(TERMS.escalate, []),
  while: v.optional(TERMS.while, {}),
  actions: v.optional(TERMS.actions, []),
  enabled: v.optional(TERMS.enabled, true),
};

/** Only a rule of one comparison may watch a pattern: each stream below it is a cause of its own. */
const CONDITION_OF_RULE = conditionEntries(
  matching(STREAM_OR_PATTERN, 'the id of a stream, or id.* for those below it', STREAM_CHARS_MAX),
  partsBelow(LISTS_DEEP_MAX),
);

/** The body of `POST /alerts`, with the defaults filled in. */
export const RuleBody = v.pipe(
  strict({ ...TERMS_OF_DRAFT, ...CONDITION_OF_RULE }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { stream, when, unit, all, any: some, not, ...terms } = dataset.value;
    const condition = conditionOf({ stream, when, unit, all, any: some, not }, addIssue);
    return condition ? { ...terms, ...condition } : NEVER;
  }),
);

/** The body of `PATCH /alerts/{id}`: what of a rule is to be otherwise; nothing is filled in. */
export const RulePatch = v.pipe(
  strict({
    name: v.optional(TERMS.name),
    holdMs: v.optional(TERMS.holdMs),
    cooldownMs: v.optional(TERMS.cooldownMs),
    severity: v.optional(TERMS.severity),
    escalate: v.optional(TERMS.escalate),
    while: v.optional(TERMS.while),
    actions: v.optional(TERMS.actions),
    enabled: v.optional(TERMS.enabled),
    ...CONDITION_OF_RULE,
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || shapesOf(dataset.value).length <= 1) return;
    addIssue({ message: CONDITION, input: given(dataset.value) });
  }),
);

const Rule = v.pipe(
  strict({
    id: matching(ID, 'an id: 1 to 40 of a-z, 0-9 and -', ID_CHARS_MAX),
    ...TERMS,
    ...CONDITION_OF_RULE,
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { stream, when, unit, all, any: some, not, ...terms } = dataset.value;
    const condition = conditionOf({ stream, when, unit, all, any: some, not }, addIssue);
    return condition ? { ...terms, ...condition } : NEVER;
  }),
);

/**
 * A rule out of JSON that has all of its fields, as one is kept.
 *
 * @throws AlertError INVALID
 */
export function parseRule(json: unknown): AlertRule {
  const { success, output, issues } = v.safeParse(Rule, json);
  if (success) return output;
  const faults = ruleFaults(issues);
  const [first] = faults;
  const place = first?.pointer ? ` at ${first.pointer}` : '';
  throw new AlertError('INVALID', `this is no rule${place}: ${first?.message}`, faults);
}

/** What is wrong with the form of a rule; nothing where `parseRule` would take it. */
export function formFaults(rule: unknown): readonly RuleFault[] {
  return ruleFaults(v.safeParse(Rule, rule).issues ?? []);
}

export const CONDITION_PARTS = ['stream', 'when', 'unit', 'all', 'any', 'not'] as const;

type Written = {
  readonly [K in 'stream' | 'unit']?: string | undefined;
} & { readonly when?: Comparison['when'] | undefined } & {
  readonly [K in 'all' | 'any' | 'not']?: readonly Condition[] | undefined;
};

/** The condition that somebody wrote, or undefined and an issue where it is none or several. */
function conditionOf(
  written: Written,
  addIssue: (info: { message: string; input: unknown }) => void,
): Condition | undefined {
  const condition = shapesOf(written).length === 1 ? shapeOf(written) : undefined;
  if (condition === undefined) {
    addIssue({ message: CONDITION, input: given(written) });
    return undefined;
  }
  const size = comparisonsIn(condition);
  if (size <= COMPARISONS_MAX) return condition;
  addIssue({ message: `expected at most ${COMPARISONS_MAX} comparisons`, input: size });
  return undefined;
}

function shapeOf({ stream, when, unit, all, any: some, not }: Written): Condition | undefined {
  if (all) return { all };
  if (some) return { any: some };
  if (not) return { not };
  if (stream === undefined || when === undefined) return undefined;
  return { stream, when, ...(unit === undefined ? {} : { unit }) };
}

/** Which of the four shapes of a condition there are parts of. */
function shapesOf({ stream, when, unit, all, any: some, not }: Written): readonly unknown[] {
  return [stream ?? when ?? unit, all, some, not].filter((part) => part !== undefined);
}

/** The parts of a condition by their names. */
function given(written: Written): string {
  const names = CONDITION_PARTS.filter((name) => written[name] !== undefined);
  return names.length > 0 ? names.join(', ') : 'none of them';
}

function comparisonsIn(condition: Condition): number {
  if ('when' in condition) return 1;
  return partsOf(condition).reduce((sum, part) => sum + comparisonsIn(part), 0);
}

function partsOf(condition: Exclude<Condition, Comparison>): readonly Condition[] {
  if ('all' in condition) return condition.all;
  return 'any' in condition ? condition.any : condition.not;
}

/** A list of conditions that is the outermost of at most `lists` within each other. */
function partsBelow(lists: number): v.GenericSchema<unknown, Condition[]> {
  const form =
    lists > 1
      ? strict(conditionEntries(STREAM_ID, partsBelow(lists - 1)))
      : strict(comparisonEntries(STREAM_ID), TOO_DEEP);
  const part = v.pipe(
    form,
    v.rawTransform(
      ({ dataset, addIssue, NEVER }): Condition => conditionOf(dataset.value, addIssue) ?? NEVER,
    ),
  );
  return list(part, COMPARISONS_MAX, 1);
}

function comparisonEntries(stream: v.GenericSchema<unknown, string>) {
  return { stream: v.optional(stream), when: v.optional(When), unit: v.optional(unit) };
}

function conditionEntries(
  stream: v.GenericSchema<unknown, string>,
  parts: v.GenericSchema<unknown, Condition[]>,
) {
  return {
    ...comparisonEntries(stream),
    all: v.optional(parts),
    any: v.optional(parts),
    not: v.optional(parts),
  };
}

/** What a record would take without a word, and with another meaning. */
function isOdd(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false;
  return Array.isArray(input) || RESERVED.some((name) => Object.hasOwn(input, name));
}

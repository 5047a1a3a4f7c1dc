/**
 * A rule while it is being written: what stands in each field, by the JSON pointer (RFC 6901) of the
 * place in the rule that it is for. So what the gateway says of a place finds its field.
 */

/** @typedef {import('../src/core/alert.ts').AlertRule} AlertRule */
/** @typedef {import('../src/core/alert.ts').When} When */
/** @typedef {When['op']} Op */
/** @typedef {'number' | 'seconds' | 'text' | 'fields' | 'list' | 'json'} Kind `seconds`: the rule has ms */
/**
 * @typedef {object} Field
 * @property {string} pointer
 * @property {string} label
 * @property {Kind} kind
 * @property {string} [unit] UCUM; `stream`: that of the stream
 */
/**
 * @typedef {object} Draft
 * @property {boolean} several more than one condition, written as JSON
 * @property {Readonly<Record<string, string>>} texts by pointer; what is not there is empty
 * @property {readonly string[]} actions
 * @property {readonly number[]} days
 */

/** Where the condition of a rule of several is written. */
export const CONDITION = '/condition';
/** Steps after the first severity: there are three. */
export const STEPS = [0, 1];

const clear = /** @type {Field} */ ({
  pointer: '/when/clear',
  label: 'Ends at',
  kind: 'number',
  unit: 'stream',
});
const windowS = /** @type {Field} */ ({
  pointer: '/when/windowS',
  label: 'Within',
  kind: 'number',
  unit: 's',
});
const match = /** @type {Field} */ ({
  pointer: '/when/match',
  label: 'Only with, such as status=confirmed, present=true, code="42"',
  kind: 'fields',
});

/** @param {string} unit @returns {readonly Field[]} */
const threshold = (unit) => [{ pointer: '/when/value', label: 'Limit', kind: 'number', unit }];
/** @type {readonly Field[]} */
const range = [
  { pointer: '/when/value/0', label: 'From', kind: 'number', unit: 'stream' },
  { pointer: '/when/value/1', label: 'To', kind: 'number', unit: 'stream' },
  { pointer: '/when/clear/0', label: 'Ends from', kind: 'number', unit: 'stream' },
  { pointer: '/when/clear/1', label: 'Ends to', kind: 'number', unit: 'stream' },
];
/** @type {readonly Field[]} */
const circle = [
  { pointer: '/when/value/lat', label: 'Latitude', kind: 'number', unit: 'deg' },
  { pointer: '/when/value/lon', label: 'Longitude', kind: 'number', unit: 'deg' },
  { pointer: '/when/value/radiusM', label: 'Radius', kind: 'number', unit: 'm' },
  { ...clear, unit: 'm' },
];

/** @type {readonly { op: Op, words: string, event: boolean, fields: readonly Field[] }[]} */
export const OPS = [
  // biome-ignore-start format: a table
  { op: '>', words: 'is over', event: false, fields: [...threshold('stream'), clear] },
  { op: '<', words: 'is under', event: false, fields: [...threshold('stream'), clear] },
  { op: 'outside', words: 'is outside of', event: false, fields: range },
  { op: 'inside', words: 'is inside of', event: false, fields: range },
  {
    op: 'rate>',
    words: 'rises a second by more than',
    event: false,
    fields: [...threshold('stream'), clear, windowS],
  },
  {
    op: 'rate<',
    words: 'changes a second by less than',
    event: false,
    fields: [...threshold('stream'), clear, windowS],
  },
  { op: 'stale', words: 'has had no reading for', event: false, fields: threshold('s') },
  {
    op: 'event',
    words: 'came',
    event: true,
    fields: [
      match,
      { pointer: '/when/key', label: 'One alert for each, such as code, ecu', kind: 'list' },
      { pointer: '/when/until', label: 'Until one with, such as present=false', kind: 'fields' },
      { pointer: '/when/lastS', label: 'Over after', kind: 'number', unit: 's' },
    ],
  },
  {
    op: 'count',
    words: 'came often',
    event: true,
    fields: [...threshold('1'), { ...clear, unit: '1' }, windowS, match],
  },
  { op: 'within', words: 'is within a circle', event: true, fields: circle },
  { op: 'beyond', words: 'is beyond a circle', event: true, fields: circle },
  // biome-ignore-end format: a table
];

/** @type {readonly Field[]} What every rule has, besides choices. */
export const TERMS = [
  { pointer: '/name', label: 'Name', kind: 'text' },
  { pointer: '/holdMs', label: 'Has to last', kind: 'seconds', unit: 's' },
  { pointer: '/cooldownMs', label: 'Pause after it', kind: 'seconds', unit: 's' },
];
/** @type {readonly Field[]} */
export const SCHEDULE = [
  { pointer: '/while/study', label: 'Only in sessions of the study', kind: 'text' },
  { pointer: '/while/schedule/from', label: 'Only from (HH:MM)', kind: 'text' },
  { pointer: '/while/schedule/to', label: 'To (HH:MM)', kind: 'text' },
];
/**
 * A field with its value is written `name=value`. A name or a text that would be read as something else
 * is a JSON string (RFC 8259, 7), as in `code="42"`.
 */
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
/** What is between two commas; a quote within a word is none. */
const PART = new RegExp(`(?:(?<=(?:^|[,=])\\s*)${QUOTED}|[^,])+`, 'g');
const FIELD = new RegExp(`^(${QUOTED}|[^=]*?)\\s*(?:=(.*))?$`, 's');
/** It is the same with and without quotes. */
const PLAIN = /^[^\s",=]([^",=]*[^\s",=])?$/;
/** Choices: of a list of values, with an empty one for none. */
const CHOICES = ['/severity', '/while/engine'];

/** @param {number} i @returns {readonly Field[]} */
export function stepFields(i) {
  return [
    { pointer: `/escalate/${i}/value`, label: 'Beyond', kind: 'number', unit: 'stream' },
    { pointer: `/escalate/${i}/afterMs`, label: 'Or after', kind: 'seconds', unit: 's' },
  ];
}

/** @param {string} op */
export function fieldsOf(op) {
  return OPS.find((one) => one.op === op)?.fields ?? [];
}

/** @type {Draft} */
export const NEW_DRAFT = {
  several: false,
  texts: { '/severity': 'warn', '/when/op': '>', '/holdMs': '1', '/cooldownMs': '30' },
  actions: [],
  days: [],
};

/**
 * @param {AlertRule} rule
 * @returns {Draft}
 */
export function draftOf(rule) {
  const several = !('when' in rule);
  const op = several ? '' : rule.when.op;
  const fields = [...TERMS, ...SCHEDULE, ...STEPS.flatMap(stepFields), ...fieldsOf(op)];
  const choices = [...CHOICES, ...STEPS.map((i) => `/escalate/${i}/severity`)];
  /** @type {readonly Field[]} */
  const plain = [...choices, '/stream', '/when/op'].map((pointer) => ({
    ...{ pointer, label: '', kind: 'text' },
  }));
  const texts = Object.fromEntries(
    [...fields, ...plain].map(({ pointer, kind }) => [
      pointer,
      written(valueAt(rule, pointer), kind),
    ]),
  );
  const { moving, schedule } = rule.while;
  return {
    several,
    texts: {
      ...texts,
      '/while/moving': moving === undefined ? '' : String(moving),
      [CONDITION]: several ? JSON.stringify(conditionOf(rule), null, 2) : '',
    },
    actions: rule.actions,
    days: schedule?.days ?? [],
  };
}

/**
 * The rule as it is sent. What makes no sense stays as it was typed, for the gateway to say why.
 * @param {Draft} draft
 * @param {string | undefined} unit of the stream
 */
export function ruleOf({ several, texts, actions, days }, unit) {
  const op = texts['/when/op'] ?? '';
  /** @type {Record<string, unknown>} */
  const rule = { while: {}, actions, ...(several ? conditionIn(texts) : {}) };
  const steps = STEPS.filter((i) => texts[`/escalate/${i}/severity`]);
  const fields = [
    ...TERMS,
    ...SCHEDULE,
    ...steps.flatMap(stepFields),
    ...(several ? [] : fieldsOf(op)),
  ];
  const choices = [...CHOICES, ...steps.map((i) => `/escalate/${i}/severity`)];
  if (!several) choices.push('/stream', '/when/op');
  for (const { pointer, kind } of fields) put(rule, pointer, read(texts[pointer] ?? '', kind));
  for (const pointer of choices) put(rule, pointer, texts[pointer] || undefined);
  if (texts['/while/moving']) put(rule, '/while/moving', texts['/while/moving'] === 'true');
  if (days.length > 0) put(rule, '/while/schedule/days', days);
  if (!several && unit !== undefined) rule['unit'] = unit;
  rule['escalate'] ??= [];
  return rule;
}

/** @param {AlertRule} rule */
function conditionOf(rule) {
  if ('when' in rule) {
    const { stream, when, unit } = rule;
    return { stream, when, ...(unit !== undefined && { unit }) };
  }
  if ('all' in rule) return { all: rule.all };
  return 'any' in rule ? { any: rule.any } : { not: rule.not };
}

/** @param {Readonly<Record<string, string>>} texts */
function conditionIn(texts) {
  const condition = read(texts[CONDITION] ?? '', 'json');
  const { all, any, not } = Object(condition);
  return JSON.parse(JSON.stringify({ all, any, not }));
}

/**
 * The words of a condition that is no JSON; empty where it is.
 * @param {Draft} draft
 */
export function jsonFault({ several, texts }) {
  const text = texts[CONDITION] ?? '';
  if (!several) return '';
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return `This is no JSON: ${/** @type {SyntaxError} */ (error).message}`;
  }
}

/**
 * @param {string} text
 * @param {Kind} kind
 * @returns {unknown} undefined for an empty field; the text itself where it is not of the kind
 */
function read(text, kind) {
  const plain = text.trim();
  if (plain === '') return undefined;
  switch (kind) {
    case 'text':
      return plain;
    case 'number':
      return numberIn(plain) ?? plain;
    case 'seconds': {
      const s = numberIn(plain);
      return s === undefined ? plain : Math.round(s * 1000);
    }
    case 'list':
      return partsOf(plain).map(textIn);
    case 'fields':
      return Object.fromEntries(partsOf(plain).map(fieldIn));
    case 'json':
      try {
        return JSON.parse(plain);
      } catch {
        // jsonFault tells of it.
        return undefined;
      }
  }
}

/** @param {unknown} value @param {Kind} kind */
function written(value, kind) {
  if (value === undefined) return '';
  if (kind === 'seconds') return String(Number(value) / 1000);
  if (Array.isArray(value)) return value.map(wordOf).join(', ');
  if (kind !== 'fields') return String(value);
  const pairs = Object.entries(Object(value));
  return pairs.map(([name, one]) => `${wordOf(name)}=${valueText(one)}`).join(', ');
}

/** @param {string} text */
function wordOf(text) {
  return PLAIN.test(text) ? text : JSON.stringify(text);
}

/** @param {string | number | boolean} value */
function valueText(value) {
  if (typeof value !== 'string') return String(value);
  return valueIn(value) === value ? wordOf(value) : JSON.stringify(value);
}

/** A decimal comma is one, too. @param {string} text */
function numberIn(text) {
  const n = Number(text.replace(',', '.'));
  return Number.isFinite(n) ? n : undefined;
}

/** @param {string} text */
function partsOf(text) {
  const parts = (text.match(PART) ?? []).map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

/** @param {string} part @returns {[string, string | number | boolean]} */
function fieldIn(part) {
  const [, name = '', value = ''] = FIELD.exec(part) ?? [];
  return [textIn(name), valueIn(value.trim())];
}

/** A number is only what a number looks like: not 0123, a code, nor 7E8, an address. @param {string} word */
function valueIn(word) {
  if (word === 'true' || word === 'false') return word === 'true';
  const n = Number(word);
  return Number.isFinite(n) && String(n) === word ? n : textIn(word);
}

/** @param {string} word @returns {string} */
function textIn(word) {
  if (!/^".*"$/s.test(word)) return word;
  try {
    return JSON.parse(word);
  } catch {
    // It is a text that has quotes.
    return word;
  }
}

/** @param {unknown} json @param {string} pointer */
function valueAt(json, pointer) {
  return namesIn(pointer).reduce((value, name) => Object(value)[name], /** @type {any} */ (json));
}

/**
 * @param {Record<string, unknown>} json
 * @param {string} pointer
 * @param {unknown} value undefined puts nothing
 */
function put(json, pointer, value) {
  if (value === undefined) return;
  const names = namesIn(pointer);
  const last = names.pop() ?? '';
  /** @type {any} */
  let at = json;
  for (const [i, name] of names.entries()) {
    at[name] ??= /^\d$/.test(names[i + 1] ?? last) ? [] : {};
    at = at[name];
  }
  at[last] = value;
}

/** @param {string} pointer */
function namesIn(pointer) {
  return pointer.slice(1).split('/');
}

import { OF_COMPONENTS } from './examples.ts';
import { type Components, type JsonSchema, only, REF } from './schema.ts';

/** Shapes in shapes; a deeper one, such as a condition in a condition, is left out. */
const DEEP_MAX = 6;

/** What stands in a field of this name, where the schema does not tell more. */
// biome-ignore format: a table
const BY_NAME: Readonly<Record<string, string | number>> = {
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl',
  actions:      'mail',
  before:       'correct horse battery',
  by:           'maria',
  channels:     1,
  client:       'muse-1',
  client_id:    'logger',
  code:         'ABCD-EFGH-JKLM-NPQR',
  consent:      'I agree that this drive is recorded.',
  count:        2,
  cursor:       '12',
  device:       'vigil',
  driver:       'maria',
  event:        'lane-change',
  grant_type:   'password',
  hz:           1,
  invite:       'ABCD-EFGH-JKLM-NPQR',
  message:      'Expected a number, found "fast".',
  name:         'Engine coolant',
  note:         'for the night drives',
  notes:        'dry road',
  password:     'correct horse battery',
  pointer:      '/holdMs',
  refresh_token: 'uXh9-3yW5cQm2vT8kLr1sN6pZb0dFg4jHa7eKx_VnMo',
  sentence:     'Engine coolant temperature over 110 Cel for 2 s.',
  severity:     'warn',
  stream:       'obd.engine.coolant',
  streams:      'obd.engine.rpm',
  study:        'night-drives',
  t:            81_500_000,
  tag:          'city',
  tags:         'city',
  text:         'Engine coolant temperature 112 Cel, over 110 Cel',
  unit:         'Cel',
  username:     'maria',
  v:            112,
  value:        112,
  vehicle:      'van',
  version:      '1.2.3',
};

/** A field that may be called anything. */
const ANY_NAME = 'obd.engine.rpm';
/** Where a pattern decides, the first that fits. */
const BY_PATTERN: readonly string[] = [
  ...['12', '12-3', '7-81500000-0', '2026-11-22T08:00:00Z', '08:00', 'text', 'obd.engine.coolant'],
  ...[
    'alpha',
    'ABCD-EFGH-JKLM-NPQR',
    'AAAAAAAAAAAAAAAA',
    'abcdef0123456789',
    '7e8',
    'P0301',
    'mail',
  ],
];
const MOMENT = '2026-11-22T08:00:00.000Z';

/**
 * Something that the schema takes, the same each time: for a reader, and to try. Of an object also
 * what may be left out, but for what is nested too deep.
 */
export function exampleOf(
  schema: JsonSchema,
  components: Components,
  name = '',
  deep = 0,
): unknown {
  const below = (inner: JsonSchema, key = name) => exampleOf(inner, components, key, deep + 1);
  const { $ref, anyOf, oneOf = anyOf } = schema;
  if ($ref !== undefined) {
    const named = $ref.slice(REF.length);
    return OF_COMPONENTS[named] ?? below(components[named] ?? {});
  }
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return fitting(schema.enum, BY_NAME[name]) ?? schema.enum[0];
  if (oneOf) return below(only(oneOf[0]));
  switch (typeOf(schema)) {
    case 'object':
      return exampleObject(schema, below, deep);
    case 'array':
      return exampleList(schema, below, deep);
    case 'string':
      return exampleText(schema, name);
    case 'integer':
    case 'number':
      return exampleNumber(schema, name);
    case 'boolean':
      return true;
    default:
      return null;
  }
}

type Below = (inner: JsonSchema, key?: string) => unknown;

function exampleObject(schema: JsonSchema, below: Below, deep: number): unknown {
  const { properties = {}, required = [], additionalProperties } = schema;
  const keys = Object.keys(properties).filter((key) => deep < DEEP_MAX || required.includes(key));
  const fields = keys.map((key) => [key, below(only(properties[key]), key)]);
  if (fields.length > 0 || typeof additionalProperties !== 'object' || deep >= DEEP_MAX) {
    return Object.fromEntries(fields);
  }
  const key = schema.propertyNames ? exampleText(only(schema.propertyNames), '') : ANY_NAME;
  return { [key]: below(additionalProperties, 'value') };
}

function exampleList(schema: JsonSchema, below: Below, deep: number): unknown[] {
  const { prefixItems, items, minItems = 0 } = schema;
  if (prefixItems) return prefixItems.map((item) => below(only(item)));
  if (typeof items !== 'object' || (deep >= DEEP_MAX && minItems === 0)) return [];
  return Array.from({ length: Math.max(minItems, 1) }, () => below(only(items)));
}

function exampleText({ format, pattern, maxLength = Infinity }: JsonSchema, name: string): string {
  if (format === 'date-time') return MOMENT;
  const wanted = BY_NAME[name];
  const texts = [...(typeof wanted === 'string' ? [wanted] : []), ...BY_PATTERN];
  if (pattern === undefined) return typeof wanted === 'string' ? wanted : name || 'text';
  const fits = new RegExp(pattern, 'u');
  return texts.find((text) => text.length <= maxLength && fits.test(text)) ?? name;
}

function exampleNumber(schema: JsonSchema, name: string): number {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const wanted = BY_NAME[name];
  const number = typeof wanted === 'number' ? wanted : 1;
  return Math.min(Math.max(number, minimum, exclusiveMinimum + 1), maximum);
}

function typeOf({ type }: JsonSchema): string | undefined {
  return Array.isArray(type) ? type[0] : type;
}

function fitting<T>(values: readonly T[], wanted: unknown): T | undefined {
  return values.find((value) => value === wanted);
}

import * as v from 'valibot';
import { expect, test } from 'vitest';
import { SchemaWriter, type Side } from '../../../../src/http/docs/schema.ts';

function write(schema: v.GenericSchema, names: Record<string, v.GenericSchema> = {}) {
  const writer = new SchemaWriter({ names, instead: new Map() });
  const on = (side: Side) => writer.write(schema, side);
  return { json: on('input'), components: writer.components(), writer };
}

test('a shape with a name is written once and referred to', () => {
  const Point = v.object({ x: v.number() });
  const { json, components } = write(v.array(v.nullable(Point)), { Point });
  expect(json).toEqual({
    type: 'array',
    items: { anyOf: [{ $ref: '#/components/schemas/Point' }, { type: 'null' }] },
  });
  expect(components).toEqual({
    Point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
  });
});

test('a name that nothing refers to is left out', () => {
  expect(write(v.string(), { Point: v.object({}) }).components).toEqual({});
});

test('limits stay, also those that are checked by patterns of Unicode', () => {
  const Line = v.pipe(v.string(), v.maxLength(4), v.regex(/^\P{Cc}*$/u));
  expect(write(Line).json).toEqual({ type: 'string', maxLength: 4, pattern: '^\\P{Cc}*$' });
  const Few = v.pipe(v.number(), v.integer(), v.gtValue(0), v.maxValue(9));
  expect(write(Few).json).toMatchObject({ type: 'integer', maximum: 9 });
});

test('what is any JSON says so', () => {
  const { json, components } = write(v.record(v.string(), v.unknown()));
  expect(json).toEqual({
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/Json' },
  });
  expect(components['Json']).toMatchObject({ description: 'Any JSON.' });
});

test('one that decides by what it gets is told with all it decides between', () => {
  const Rule = v.object({ name: v.string() });
  const schema = v.lazy((input) => (typeof input === 'string' ? v.string() : Rule));
  expect(write(v.object({ schema }), { Rule }).json.properties?.['schema']).toEqual({
    anyOf: [{ type: 'string' }, { $ref: '#/components/schemas/Rule' }],
  });
});

test('values have their type, and lists their length', () => {
  expect(write(v.picklist(['a', 'b'])).json).toEqual({ type: 'string', enum: ['a', 'b'] });
  expect(write(v.literal(true)).json).toEqual({ type: 'boolean', const: true });
  const pair = { type: 'array', minItems: 2, maxItems: 2 };
  const Pair = v.object({ pair: v.tuple([v.number(), v.number()]) });
  expect(write(Pair).json.properties?.['pair']).toEqual({ ...pair, items: { type: 'number' } });
  const Mixed = v.object({ pair: v.tuple([v.number(), v.string()]) });
  expect(write(Mixed).json.properties?.['pair']).toEqual({
    ...pair,
    prefixItems: [{ type: 'number' }, { type: 'string' }],
    items: false,
  });
});

test('a field that has been made needed is needed', () => {
  const All = v.required(v.object({ a: v.optional(v.number()) }));
  expect(write(All).json).toEqual({
    type: 'object',
    properties: { a: { type: 'number' } },
    required: ['a'],
  });
});

test('what JSON Schema has no word for is refused, not left out', () => {
  expect(() => write(v.object({ at: v.date() }))).toThrow('date');
  expect(() => write(v.pipe(v.string(), v.regex(/a/i)))).toThrow('flags');
});

test('a shape that is sent otherwise than it is got needs two names', () => {
  const Shape = v.object({ a: v.pipe(v.string(), v.transform(Number), v.number()) });
  const { writer } = write(Shape, { Shape });
  expect(() => writer.write(Shape, 'output')).toThrow('two names');
});

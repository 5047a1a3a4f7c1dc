import * as v from 'valibot';
import { expect, test } from 'vitest';
import { exampleOf } from '../../../src/http/docs/example.ts';
import { bodyExample } from '../../../src/http/docs/examples.ts';
import { VOCABULARY } from '../../../src/http/docs/names.ts';
import { SchemaWriter } from '../../../src/http/docs/schema.ts';
import { SOCKETS } from '../../../src/http/docs/sockets.ts';
import { faultPointer, faultText, seen } from '../../../src/http/fault.ts';
import { ROUTES } from '../../../src/http/routes/index.ts';

const Shape = v.strictObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9)),
  names: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2))),
  text: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(3))),
  flag: v.optional(v.boolean()),
  choice: v.optional(v.picklist(['a', 'b'])),
  only: v.optional(v.literal('ended')),
  time: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  ours: v.optional(v.pipe(v.string(), v.regex(/^\d$/, 'expected a digit'))),
  nested: v.optional(v.object({ a: v.number() })),
  strict: v.optional(v.strictObject({ a: v.number() }, 'expected one of a')),
  record: v.optional(v.record(v.string(), v.number())),
  file: v.optional(v.instance(Uint8Array)),
});

test.each<[value: unknown, pointer: string, text: string]>([
  [{}, '/id', 'this is missing'],
  [{ id: '1' }, '/id', 'expected a number, found "1"'],
  [{ id: 1.5 }, '/id', 'expected a whole number, found 1.5'],
  [{ id: 0 }, '/id', 'expected at least 1, found 0'],
  [{ id: 10 }, '/id', 'expected at most 9, found 10'],
  [{ id: 1, names: 'a' }, '/names', 'expected a list, found "a"'],
  [{ id: 1, names: [] }, '/names', 'expected a list of at least 1, found a list of 0'],
  [{ id: 1, names: ['a', 'b', 'c'] }, '/names', 'expected a list of at most 2, found a list of 3'],
  [{ id: 1, names: ['a', null] }, '/names/1', 'expected text, found null'],
  [{ id: 1, text: '' }, '/text', 'expected text of at least 1 characters, found ""'],
  [{ id: 1, text: 'long' }, '/text', 'expected text of at most 3 characters, found "long"'],
  [{ id: 1, flag: 'yes' }, '/flag', 'expected true or false, found "yes"'],
  [{ id: 1, choice: 'c' }, '/choice', 'expected one of "a", "b", found "c"'],
  [{ id: 1, only: 'active' }, '/only', 'expected "ended", found "active"'],
  [{ id: 1, time: 'now' }, '/time', 'expected a time like 2026-11-22T08:00:00Z, found "now"'],
  [{ id: 1, ours: 'x' }, '/ours', 'expected a digit, found "x"'],
  [{ id: 1, nested: { a: {} } }, '/nested/a', 'expected a number, found an object'],
  [{ id: 1, nested: [[1]] }, '/nested/a', 'this is missing'],
  [{ id: 1, strict: { a: 1, b: 2 } }, '/strict/b', 'expected one of a, found "b"'],
  [{ id: 1, record: 'x' }, '/record', 'expected an object, found "x"'],
  [{ id: 1, record: { a: 'x' } }, '/record/a', 'expected a number, found "x"'],
  [{ id: 1, file: 'x' }, '/file', 'expected a file, found "x"'],
  [{ id: 1, 'a/b~c': 2 }, '/a~1b~0c', 'expected one of id, …, found "a/b~c"'],
  [[], '/id', 'this is missing'],
  ['text', '', 'expected an object, found "text"'],
])('%j is told %s: %s', (value, pointer, text) => {
  const [issue] = v.safeParse(Shape, value).issues ?? [];
  if (!issue) throw new Error('the value fits');
  expect([faultPointer(issue), faultText(issue, ['id', '…'])]).toEqual([pointer, text]);
});

test('of a stranger’s value only the beginning or its kind is told', () => {
  expect(seen('x'.repeat(65))).toBe(`"${'x'.repeat(64)}"`);
  expect(seen([[[[]]]])).toBe('a list of 1');
  expect([seen({ a: {} }), seen(null), seen(undefined)]).toEqual(['an object', 'null', 'nothing']);
});

const OF_THE_LIBRARY = /Invalid|Received|something else/;
/** Values of each kind, of which a field takes one kind at most. */
const WRONG = ['', 'x', '1'.repeat(500), -1, 1.5, 1e15, true, null, [], ['x'], [7], {}];

test('no route tells a client the words of the validation library', () => {
  const schemas = ROUTES.flatMap(({ query, body }) => [query, body]).filter(
    (one) => one !== undefined,
  );
  const told = schemas.flatMap((schema) => {
    const fields = 'entries' in schema ? Object.keys(schema.entries ?? {}) : [];
    const values = [
      'x',
      7,
      null,
      ...['none', ...fields].flatMap((key) => WRONG.map((x) => ({ [key]: x }))),
    ];
    return values
      .flatMap((value) => v.safeParse(schema, value).issues ?? [])
      .map((issue) => faultText(issue, fields));
  });
  expect(told).toContain('expected at most 10000, found 1000000000000000');
  expect(told.filter((text) => !/^(expected [^A-Z]|this is missing$)/.test(text))).toEqual([]);
  expect(told.filter((text) => OF_THE_LIBRARY.test(text))).toEqual([]);
});

/** Every value that differs from one in a single place, at any depth, which has a wrong value there. */
function spoilt(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const isList = Array.isArray(value);
  return [...Object.entries(value), ['none', 0]].flatMap(([key, inner]) =>
    [...WRONG, ...spoilt(inner)].map((wrong) =>
      isList ? value.toSpliced(0, 1, wrong) : { ...value, [String(key)]: wrong },
    ),
  );
}

test('nor does one for what is wrong within a body, or a WebSocket within a message', () => {
  const writer = new SchemaWriter(VOCABULARY);
  const bodies = ROUTES.map((route) => [route.body, bodyExample(route)] as const);
  // That of monitor says of none more than which types there are.
  const lists = SOCKETS.filter(({ name }) => name !== 'monitor').flatMap((one) => one.incoming);
  const messages = lists
    .flatMap((list) => ('options' in list ? list.options : [list]))
    .map((schema) => [schema, undefined] as const);
  const told = [...bodies, ...messages].flatMap(([schema, given]) => {
    if (schema === undefined || schema.type === 'instance') return [];
    const json = writer.write(schema, 'input');
    const example = given ?? exampleOf(json, writer.components());
    return [example, ...spoilt(example)]
      .flatMap((value) => v.safeParse(schema, value).issues ?? [])
      .map((issue) => faultText(issue, []));
  });
  expect(told.length).toBeGreaterThan(1000);
  expect(told.filter((text) => OF_THE_LIBRARY.test(text))).toEqual([]);
});

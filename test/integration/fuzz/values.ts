/** Values at random: such as a schema wants, mostly, and such as nobody does. */
import type * as v from 'valibot';

/** Uniform in [0, 1). */
export type Random = () => number;

export function pick<T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined && list.length === 0) throw new Error('nothing to pick from');
  return one as T;
}

const TEXTS: readonly string[] = [
  ...['', 'a', '0', '-1', 'null', 'true', 'obd.engine.rpm', 'obd.*', '*', 'admin', 'viewer'],
  ...['../../etc/passwd', '%00', '%E0%A4%A', '\u0000', '\ud800', '\u202e', '=cmd()', '<script>'],
  ...['__proto__', 'constructor', 'toString', '2026-11-22T00:00:00Z', '1-1', 'é'.repeat(300)],
  ...['x'.repeat(5_000), "' OR 1=1 --", '{{7*7}}', '\r\nSet-Cookie: a=b', '[object Object]', 'NaN'],
];
const NUMBERS: readonly number[] = [
  ...[0, 1, -1, 0.5, 2, 10, 1e3, 1e6, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, -1e-308],
];

export function anyText(random: Random): string {
  if (random() < 0.7) return pick(random, TEXTS);
  const length = Math.floor(random() * 40);
  return Array.from({ length }, () => String.fromCodePoint(Math.floor(random() * 0x3000))).join('');
}

/** Of any shape, of a few levels. */
export function anyValue(random: Random, depth = 0): unknown {
  const kind = Math.floor(random() * (depth > 3 ? 4 : 6));
  switch (kind) {
    case 0:
      return anyText(random);
    case 1:
      return pick(random, NUMBERS);
    case 2:
      return random() < 0.5;
    case 3:
      return null;
    case 4:
      return Array.from({ length: random() * 5 }, () => anyValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random() * 5 }, () => [anyText(random), anyValue(random, depth + 1)]),
      );
  }
}

interface Node {
  readonly type: string;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly options?: readonly unknown[];
  readonly item?: v.GenericSchema;
  readonly items?: readonly v.GenericSchema[];
  readonly wrapped?: v.GenericSchema;
  readonly literal?: unknown;
  readonly getter?: (input: unknown) => v.GenericSchema;
}

/** Such as the schema wants, but for its finer rules; now and then something else. */
export function valueFor(schema: v.GenericSchema, random: Random, depth = 0): unknown {
  if (random() < 0.04 || depth > 6) return anyValue(random, 2);
  const node = schema as unknown as Node;
  const of = (one: v.GenericSchema) => valueFor(one, random, depth + 1);
  switch (node.type) {
    case 'object':
    case 'strict_object':
    case 'loose_object':
      return objectFor(node.entries ?? {}, random, of);
    case 'array':
      return Array.from({ length: random() * 4 }, () => node.item && of(node.item));
    case 'tuple':
    case 'strict_tuple':
      return (node.items ?? []).map(of);
    case 'optional':
    case 'nullable':
    case 'nullish':
      return random() < 0.15 || !node.wrapped ? null : of(node.wrapped);
    case 'union':
    case 'variant':
      return of(pick(random, node.options ?? []) as v.GenericSchema);
    case 'picklist':
      return pick(random, node.options ?? []);
    case 'literal':
      return node.literal;
    case 'lazy':
      return node.getter ? of(node.getter(undefined)) : null;
    case 'string':
      return anyText(random);
    case 'number':
      return random() < 0.5 ? Math.floor(random() * 100) : pick(random, NUMBERS);
    case 'boolean':
      return random() < 0.5;
    default:
      return anyValue(random, 1);
  }
}

function objectFor(
  entries: Readonly<Record<string, v.GenericSchema>>,
  random: Random,
  of: (schema: v.GenericSchema) => unknown,
): unknown {
  const kept = Object.entries(entries).flatMap(([name, schema]) => {
    const isOptional = (schema as unknown as Node).type === 'optional';
    return random() < (isOptional ? 0.5 : 0.05) ? [] : [[name, of(schema)] as const];
  });
  const extra = random() < 0.05 ? [[anyText(random), anyValue(random)] as const] : [];
  return Object.fromEntries([...kept, ...extra]);
}

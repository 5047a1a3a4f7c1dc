import type { QuerySchema } from './route.ts';

/** What text can be, besides itself. Text that is none of it is left for the schema to refuse. */
const READERS: Readonly<Record<string, (text: string) => number | boolean | string>> = {
  number: (text) => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(number) ? number : text;
  },
  boolean: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
};

/**
 * Query strings are text: turns "5" into 5 where the schema asks for a number, "true" into true where
 * it asks for a boolean, and leaves the rest. What is there more than once becomes a list, so that
 * none is ignored.
 */
export function coerceQuery(schema: QuerySchema, query: URLSearchParams): Record<string, unknown> {
  return Object.fromEntries(
    [...query.keys()].map((key) => {
      const read = READERS[typeOf(schema.entries[key])] ?? String;
      const values = query.getAll(key).map(read);
      return [key, values.length === 1 ? values[0] : values];
    }),
  );
}

/** `wrapped` is what an optional or nullable schema is made from. */
function typeOf(schema: unknown): string {
  const { type = '', wrapped } = (schema ?? {}) as { type?: string; wrapped?: unknown };
  return wrapped === undefined ? type : typeOf(wrapped);
}

import type { QuerySchema } from './route.ts';

/**
 * Query strings are text: turns "5" into 5 where the schema asks for a number, and leaves the rest for
 * the schema to refuse. What is there more than once becomes a list, so that none is ignored.
 */
export function coerceQuery(schema: QuerySchema, query: URLSearchParams): Record<string, unknown> {
  return Object.fromEntries(
    [...query.keys()].map((key) => {
      const values = query
        .getAll(key)
        .map((text) => (wantsNumber(schema.entries[key]) ? numberIn(text) : text));
      return [key, values.length === 1 ? values[0] : values];
    }),
  );
}

function numberIn(text: string): number | string {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : text;
}

/** `wrapped` is what an optional or nullable schema is made from. */
function wantsNumber(schema: unknown): boolean {
  const { type, wrapped } = (schema ?? {}) as { type?: string; wrapped?: unknown };
  return type === 'number' || (wrapped !== undefined && wantsNumber(wrapped));
}

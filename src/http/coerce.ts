import type * as v from 'valibot';

/** Query strings are text: turns "5" into 5 where the schema asks for a number, and nothing else. */
export function coerceQuery(
  schema: v.ObjectSchema<v.ObjectEntries, undefined>,
  query: URLSearchParams,
): Record<string, unknown> {
  return Object.fromEntries(
    [...query].map(([key, text]) => [
      key,
      wantsNumber(schema.entries[key]) && text.trim() !== '' ? Number(text) : text,
    ]),
  );
}

/** `wrapped` is what an optional or nullable schema is made from. */
function wantsNumber(schema: unknown): boolean {
  const { type, wrapped } = (schema ?? {}) as { type?: string; wrapped?: unknown };
  return type === 'number' || (wrapped !== undefined && wantsNumber(wrapped));
}

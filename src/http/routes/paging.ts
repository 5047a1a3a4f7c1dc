import * as v from 'valibot';
import type { Headers } from '../message.ts';

/** Lists that come page by page. */

const LIMIT_DEFAULT = 100;
/** More are not given at once. */
const LIMIT_MAX = 1_000;

/** Items of a page. */
export const Limit = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMIT_MAX)),
  LIMIT_DEFAULT,
);

/** @param form of what a list tells as `next` */
export function cursor(form: RegExp) {
  return v.optional(v.pipe(v.string(), v.regex(form, 'expected a cursor of a page before')));
}

/**
 * The header of RFC 8288 with the address of the next page, relative to this one.
 *
 * @param next null on the last page
 */
export function nextLink(
  next: string | null,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): Headers {
  if (next === null) return {};
  const entries = Object.entries({ ...query, cursor: next }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return { link: `<?${new URLSearchParams(entries)}>; rel="next"` };
}

import { seen } from './fault.ts';
import { Problem } from './problem.ts';

/**
 * The key by which a client that got no answer asks again for the same thing, and gets it once:
 * draft-ietf-httpapi-idempotency-key-header-07 clause 2.1, a string of RFC 9651 clause 3.3.3. What
 * stands without its quotes is taken for one, as most clients send it so.
 */
const NAME = 'idempotency-key';
/** A UUID has 36. */
const CHARACTERS_MAX = 128;
/** Printable ASCII without the quote and the backslash, which would need to be escaped. */
const KEY = /^(?:"([ !#-[\]-~]+)"|([!#-[\]-~]+))$/;

/**
 * The key of a request; undefined where it has none.
 *
 * @throws Problem 400 for one that cannot be
 */
export function idempotencyKey(headers: ReadonlyMap<string, string>): string | undefined {
  const text = headers.get(NAME);
  if (text === undefined) return undefined;
  const [, quoted, bare] = KEY.exec(text.trim()) ?? [];
  const key = quoted ?? bare;
  if (key !== undefined && key.length <= CHARACTERS_MAX) return key;
  const expected = `expected 1 to ${CHARACTERS_MAX} printable characters`;
  throw new Problem(400, `Idempotency-Key: ${expected}, found ${seen(text)}.`);
}

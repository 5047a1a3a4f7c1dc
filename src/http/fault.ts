/**
 * What is wrong with a value that a client has sent, in words for whoever sent it: where it does not
 * fit, what would, and what was seen. The words of the validation library are for programmers.
 */
import type * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

/** Of a stranger's text, as much as is told back. */
const ECHO_CHARS_MAX = 64;

/** By the type of the schema, or of the check, that refused the value. */
const EXPECTED: Readonly<Record<string, (issue: Issue) => string>> = {
  array: () => 'a list',
  boolean: () => 'true or false',
  // Of what clients send only a body that is a file is one.
  instance: () => 'a file',
  integer: () => 'a whole number',
  iso_timestamp: () => 'a time like 2026-11-22T08:00:00Z',
  literal: ({ expected }) => String(expected),
  max_length: ({ requirement, input }) => sized(input, `at most ${requirement}`),
  max_value: ({ requirement }) => `at most ${requirement}`,
  min_length: ({ requirement, input }) => sized(input, `at least ${requirement}`),
  min_value: ({ requirement }) => `at least ${requirement}`,
  number: () => 'a number',
  object: () => 'an object',
  // It is written `("a" | "b")`.
  picklist: ({ expected }) => `one of ${expected?.slice(1, -1).replaceAll(' | ', ', ')}`,
  record: () => 'an object',
  strict_object: () => 'an object',
  string: () => 'text',
};

/**
 * One fault as the end of a sentence, such as `expected at least 1, found 0`. A schema's own message
 * is told where it begins with "expected".
 *
 * @param known the names that may be used where the fault is one too many
 */
export function faultText(issue: Issue, known: readonly string[]): string {
  const { message, input, expected } = issue;
  // Of a name that is one too many, the input is the name.
  if (input === undefined && expected !== 'never') return 'this is missing';
  const wanted = message.startsWith('expected ') ? message : `expected ${fitting(issue, known)}`;
  return `${wanted}, found ${seen(input)}`;
}

function fitting(issue: Issue, known: readonly string[]): string {
  if (issue.expected !== 'never') return EXPECTED[issue.type]?.(issue) ?? 'something else';
  return known.length > 0 ? `one of ${known.join(', ')}` : 'nothing';
}

/** Where it is, as the JSON pointer of RFC 6901 clause 3, which escapes "~" and "/" within a name. */
export function faultPointer({ path }: Issue): string {
  const names = (path ?? []).map(({ key }) =>
    String(key).replaceAll('~', '~0').replaceAll('/', '~1'),
  );
  return names.map((name) => `/${name}`).join('');
}

/** A stranger's value: text cut short, and of what may be nested without a limit only what it is. */
export function seen(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, ECHO_CHARS_MAX));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === undefined ? 'nothing' : String(value);
}

/** What has a length. */
function sized(value: unknown, size: string): string {
  return Array.isArray(value) ? `a list of ${size}` : `text of ${size} characters`;
}

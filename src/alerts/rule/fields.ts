import * as v from 'valibot';
import type { RuleFault } from '../errors.ts';

/**
 * What the form of a rule is made of, with words for whoever wrote it: every message begins with
 * "expected", and what was found follows it. Those of the validation library are for programmers.
 */

/** Of what was found, as much as is told back. */
const ECHO_CHARS_MAX = 64;
/** Further ones are left out: the first ones show what to do. */
const FAULTS_MAX = 20;
/** Something on one line: it may become the subject of a mail. */
const LINE = /^(?=.*\S)\P{Cc}*$/u;
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;

/** An object with these fields and no others. */
export function strict<E extends v.ObjectEntries>(
  entries: E,
  unknownKey = `expected one of ${Object.keys(entries).join(', ')}`,
) {
  return v.strictObject(entries, ({ expected }) =>
    expected === 'never' ? unknownKey : 'expected an object',
  );
}

/** @param min fewest items */
export function list<S extends v.GenericSchema>(item: S, max: number, min: number) {
  const words = `expected a list of ${min} to ${max}`;
  return v.pipe(
    v.array(item, words),
    v.minLength(min, words),
    v.maxLength(max, words),
    v.check((items) => new Set(items).size === items.length, 'expected each only once'),
  );
}

export function line(what: string, max: number) {
  const words = `expected ${what} of 1 to ${max} characters on one line`;
  return v.pipe(v.string(words), v.maxLength(max, words), v.regex(LINE, words));
}

export function matching(pattern: RegExp, what: string, max: number) {
  const words = `expected ${what}`;
  return v.pipe(v.string(words), v.maxLength(max, words), v.regex(pattern, words));
}

export function timeOfDay() {
  return matching(TIME_OF_DAY, 'a time from 00:00 to 23:59', 'HH:MM'.length);
}

export function seconds(max: number) {
  const words = `expected seconds: more than 0 and at most ${max}`;
  return v.pipe(v.number(words), v.gtValue(0, words), v.maxValue(max, words));
}

export function between(min: number, max: number) {
  const words = `expected a number from ${min} to ${max}`;
  return v.pipe(v.number(words), v.minValue(min, words), v.maxValue(max, words));
}

export function whole(min: number, max: number) {
  const words = `expected a whole number from ${min} to ${max}`;
  return v.pipe(v.number(words), v.integer(words), v.minValue(min, words), v.maxValue(max, words));
}

/** The first of them; a number that is wrong in two ways is told once. */
export function ruleFaults(issues: readonly v.BaseIssue<unknown>[]): readonly RuleFault[] {
  const faults = new Map<string, RuleFault>();
  for (const { path, message, input } of issues) {
    const names = (path ?? []).map(({ key }) =>
      String(key).replaceAll('~', '~0').replaceAll('/', '~1'),
    );
    const pointer = names.map((name) => `/${name}`).join('');
    if (faults.has(pointer) || faults.size >= FAULTS_MAX) continue;
    const told = input === undefined ? 'this is missing' : `${message}, found ${found(input)}`;
    faults.set(pointer, { pointer, message: told });
  }
  return [...faults.values()];
}

/** What was found, for the end of a message: text cut short, and of what may be nested only what it is. */
export function found(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, ECHO_CHARS_MAX));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === undefined ? 'nothing' : String(value);
}

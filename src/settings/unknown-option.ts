import { nearest } from '#core/spelling.ts';

/** Of a name that is written, as much as is told back. */
const SHOWN_CHARS_MAX = 40;

/**
 * What parseArgs of Node says of an option that nobody knows, with the nearest one that there is;
 * undefined for everything else that it says.
 *
 * @param options without their dashes
 */
export function unknownOption(said: string, options: readonly string[]): string | undefined {
  const [, dashes = '', name] = /^Unknown option '(--?)([^']*)'/.exec(said) ?? [];
  if (name === undefined) return undefined;
  const [near] = nearest(name, options, 1);
  const meant = near === undefined ? '' : `, did you mean --${near}?`;
  const shown = name.length > SHOWN_CHARS_MAX ? `${name.slice(0, SHOWN_CHARS_MAX)}...` : name;
  return `there is no option ${dashes}${shown}${meant || ';'} --help lists them`;
}

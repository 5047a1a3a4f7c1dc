/**
 * One setting, three ways to write its name: `requireTls` is the key in the file, `--require-tls` the
 * flag and `VIGIL_REQUIRE_TLS` the variable. There is one spelling for each.
 */

const PREFIX = 'VIGIL_';

/** Without its dashes. */
export function flagOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(key: string): string {
  return `${PREFIX}${flagOf(key).replaceAll('-', '_').toUpperCase()}`;
}

/** What follows the prefix of our variables, in small letters; undefined for those of others. */
export function ownVariable(name: string): string | undefined {
  return name.startsWith(PREFIX) && name.length > PREFIX.length
    ? name.slice(PREFIX.length).toLowerCase()
    : undefined;
}

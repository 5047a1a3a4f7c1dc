/** What somebody may have meant who wrote a name that nothing has. */

/** Letters that may be wrong, missing, too many or swapped, for each three of the name. */
const LETTERS_A_SLIP = 3;
/** A beginning of a name stands for it from so many letters on. */
const BEGINNING_MIN = 2;
/** Of a name that is written; nothing of ours is longer, and comparing takes its square. */
const NAME_MAX = 40;

/**
 * What parseArgs of Node says of an option that nobody knows, with the nearest one that there is;
 * undefined for everything else that it says.
 *
 * @param options without their dashes
 */
export function unknownOption(said: string, options: readonly string[]): string | undefined {
  const [, dashes = '', name] = /^Unknown option '(--?)([^']*)'/.exec(said) ?? [];
  if (name === undefined) return undefined;
  const near = nearest(name, options);
  const meant = near === undefined ? '' : `, did you mean --${near}?`;
  const shown = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}...` : name;
  return `there is no option ${dashes}${shown}${meant || ';'} --help lists them`;
}

/** The name that is most like what was written; undefined where none is. */
function nearest(written: string, names: readonly string[]): string | undefined {
  if (written.length > NAME_MAX) return undefined;
  const limit = Math.max(1, Math.floor(written.length / LETTERS_A_SLIP));
  const near = names
    .map((name) => ({ name, slips: slipsBetween(written, name) }))
    .filter(({ slips }) => slips <= limit)
    .sort((a, b) => a.slips - b.slips)[0];
  if (near !== undefined) return near.name;
  if (written.length < BEGINNING_MIN) return undefined;
  return names.find((name) => name.startsWith(written));
}

/** Letters to change, add, drop or swap with the next one (optimal string alignment distance). */
function slipsBetween(a: string, b: string): number {
  // Rows of the table: for the beginnings of `a` up to this letter, the one before, and that before it.
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let above: number[] = [];
  for (let i = 1; i <= a.length; i++) {
    const [twoUp, up] = [above, row];
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const changed = (up[j - 1] ?? 0) + same;
      const added = Math.min(up[j] ?? 0, row[j - 1] ?? 0) + 1;
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (twoUp[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(changed, added, swapped));
    }
    above = up;
  }
  return row[b.length] ?? 0;
}

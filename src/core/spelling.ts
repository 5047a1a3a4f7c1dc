/** What somebody may have meant who wrote a name that nothing has. */

/** Letters that may be wrong, missing, too many or swapped, for each three of the name. */
const LETTERS_A_SLIP = 3;
/** A beginning of a name stands for it from so many letters on. */
const BEGINNING_MIN = 2;
/** Of a name that is written: of a longer one nothing is meant, since comparing takes its square. */
const NAME_MAX = 80;

/** The names that are most like what was written, the nearest first, at most `most`; often none. */
export function nearest(written: string, names: readonly string[], most: number): string[] {
  if (written.length > NAME_MAX) return [];
  let limit = Math.max(1, Math.floor(written.length / LETTERS_A_SLIP));
  let near: { readonly name: string; readonly slips: number }[] = [];
  for (const name of names) {
    const slips = slipsBetween(written, name, limit);
    if (slips > limit) continue;
    near = [...near, { name, slips }].sort((a, b) => a.slips - b.slips).slice(0, most);
    // What is no nearer than these is of no interest, and is found out sooner.
    if (near.length === most) limit = Math.min(limit, (near.at(-1)?.slips ?? limit) - 1);
  }
  if (near.length > 0) return near.map(({ name }) => name);
  if (written.length < BEGINNING_MIN) return [];
  return names.filter((name) => name.startsWith(written)).slice(0, most);
}

/**
 * Letters to change, add, drop or swap with the next one (optimal string alignment distance); Infinity
 * as soon as it is plain that there are more than the limit.
 */
function slipsBetween(a: string, b: string, limit: number): number {
  const length = Math.max(a.length, b.length);
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY;
  // Ends that are alike have no slips.
  let start = 0;
  while (start < length && a[start] === b[start]) start++;
  let end = 0;
  const rest = Math.min(a.length, b.length) - start;
  while (end < rest && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return slipsIn(a.slice(start, a.length - end), b.slice(start, b.length - end), limit);
}

function slipsIn(a: string, b: string, limit: number): number {
  // Rows of the table: for the beginnings of `a` up to this letter, the one before, and that before it.
  let [row, up, twoUp] = [rowFor(b), rowFor(b), rowFor(b)];
  for (let j = 0; j <= b.length; j++) row[j] = j;
  let least = 0;
  for (let i = 1; i <= a.length; i++) {
    [row, up, twoUp] = [twoUp, row, up];
    const before = least;
    least = fill(row, { a, b, i, up, twoUp });
    // What follows comes from this row or, by a swap, from the one before.
    if (least > limit && before > limit) return Number.POSITIVE_INFINITY;
  }
  return row[b.length] ?? 0;
}

function rowFor(b: string): Uint16Array {
  return new Uint16Array(b.length + 1);
}

interface Place {
  readonly a: string;
  readonly b: string;
  /** Letters of `a`. */
  readonly i: number;
  readonly up: Uint16Array;
  readonly twoUp: Uint16Array;
}

/** Returns the least of the row. */
function fill(row: Uint16Array, { a, b, i, up, twoUp }: Place): number {
  const [letter, before] = [a.charCodeAt(i - 1), a.charCodeAt(i - 2)];
  let left = i;
  let least = i;
  row[0] = i;
  for (let j = 1; j <= b.length; j++) {
    const other = b.charCodeAt(j - 1);
    const changed = (up[j - 1] ?? 0) + (letter === other ? 0 : 1);
    const added = Math.min(up[j] ?? 0, left) + 1;
    left = Math.min(changed, added);
    // In front of the first letter there is none, which is like none.
    const isSwap = before === other && letter === b.charCodeAt(j - 2);
    if (isSwap) left = Math.min(left, (twoUp[j - 2] ?? 0) + 1);
    row[j] = left;
    if (left < least) least = left;
  }
  return least;
}

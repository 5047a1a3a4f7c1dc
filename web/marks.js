/** Which of the marks in a plot are drawn: a wall of them would hide it, and tell nothing. */

/**
 * The places that are drawn of all: each is at least `distance` from the one before it.
 * @param {readonly number[]} places in any order
 * @param {number} distance
 */
export function apart(places, distance) {
  /** @type {number[]} */
  const kept = [];
  for (const place of places.toSorted((a, b) => a - b)) {
    if (place - (kept.at(-1) ?? -Infinity) >= distance) kept.push(place);
  }
  return kept;
}

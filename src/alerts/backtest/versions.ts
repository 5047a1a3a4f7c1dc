/** Two versions of a rule, by the alerts that they would have given. */

interface Spell {
  readonly cause: string;
  readonly startedAt: number;
  /** Null where it lasts. */
  readonly endedAt: number | null;
}

/** Positions in the lists of alerts of both versions. */
export interface VersionComparison {
  /** Pairs of the same cause that overlap in time; one alert may be in several. */
  readonly both: readonly (readonly [first: number, second: number])[];
  readonly onlyFirst: readonly number[];
  readonly onlySecond: readonly number[];
}

/**
 * @param first in the order of their starts, as is `second`; alerts of a cause do not overlap
 * @param until alerts that start then or later are left out: not all of them are known
 */
export function compare(
  first: readonly Spell[],
  second: readonly Spell[],
  until: number,
): VersionComparison {
  const ours = byCause(first, until);
  const theirs = byCause(second, until);
  const both = [...ours].flatMap(([cause, places]) => {
    return pairsOf(first, places, second, theirs.get(cause) ?? []);
  });
  both.sort(([a, b], [c, d]) => a - c || b - d);
  const inFirst = new Set(both.map(([place]) => place));
  const inSecond = new Set(both.map(([, place]) => place));
  const alone = (places: ReadonlyMap<string, readonly number[]>, paired: ReadonlySet<number>) =>
    [...places.values()]
      .flat()
      .filter((place) => !paired.has(place))
      .sort((a, b) => a - b);
  return { both, onlyFirst: alone(ours, inFirst), onlySecond: alone(theirs, inSecond) };
}

function byCause(spells: readonly Spell[], until: number): Map<string, number[]> {
  const places = [...spells.keys()].filter((i) => (spells[i]?.startedAt ?? until) < until);
  return Map.groupBy(places, (i) => spells[i]?.cause ?? '');
}

/** Goes along both lists at once: what ends first cannot overlap with anything later. */
function pairsOf(
  first: readonly Spell[],
  places: readonly number[],
  second: readonly Spell[],
  others: readonly number[],
): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0, k = 0; i < places.length && k < others.length; ) {
    const [a, b] = [places[i] ?? 0, others[k] ?? 0];
    const [x, y] = [first[a], second[b]];
    if (x === undefined || y === undefined) break;
    if (x.startedAt < endOf(y) && y.startedAt < endOf(x)) pairs.push([a, b]);
    if (endOf(x) < endOf(y)) i++;
    else k++;
  }
  return pairs;
}

function endOf({ endedAt }: Spell): number {
  return endedAt ?? Number.POSITIVE_INFINITY;
}

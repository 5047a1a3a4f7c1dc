import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare } from '../../../../src/alerts/backtest/versions.ts';

interface Spell {
  readonly cause: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

/** Spells of two causes, one after the other in each, of which the last may go on. */
const spells = fc
  .array(fc.tuple(fc.nat(9), fc.nat(9), fc.constantFrom('a', 'b')), { maxLength: 12 })
  .chain((parts) => fc.boolean().map((open) => made(parts, open)));

function made(parts: readonly (readonly [number, number, string])[], open: boolean): Spell[] {
  const ends = new Map<string, number>();
  const all = parts.map(([pause, length, cause]): Spell => {
    const startedAt = (ends.get(cause) ?? 0) + pause;
    ends.set(cause, startedAt + length);
    return { cause, startedAt, endedAt: startedAt + length };
  });
  const last = all.at(-1);
  if (open && last) all.splice(-1, 1, { ...last, endedAt: null });
  return all.sort((a, b) => a.startedAt - b.startedAt);
}

function overlap(a: Spell, b: Spell): boolean {
  const endOf = ({ endedAt }: Spell) => endedAt ?? Number.POSITIVE_INFINITY;
  return a.cause === b.cause && a.startedAt < endOf(b) && b.startedAt < endOf(a);
}

test('every pair that overlaps is found, and nothing is left unsaid', () => {
  fc.assert(
    fc.property(spells, spells, fc.integer({ min: 1, max: 200 }), (first, second, until) => {
      const known = ({ startedAt }: Spell) => startedAt < until;
      const { both, onlyFirst, onlySecond } = compare(first, second, until);
      const pairs = first.flatMap((a, i) =>
        second.flatMap((b, k) => (known(a) && known(b) && overlap(a, b) ? [[i, k]] : [])),
      );
      expect(both).toEqual(pairs);
      const places = (all: readonly Spell[], position: number) =>
        [...all.keys()].filter((i) => {
          const one = all[i];
          return one && known(one) && !pairs.some((pair) => pair[position] === i);
        });
      expect(onlyFirst).toEqual(places(first, 0));
      expect(onlySecond).toEqual(places(second, 1));
    }),
  );
});

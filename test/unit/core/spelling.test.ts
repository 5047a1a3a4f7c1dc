import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from '#core/spelling.ts';

const IDS = ['obd.engine.rpm', 'obd.engine.coolant', 'obd.engine.oil', 'gps.speed'];

test.each([
  ['obd.engine.colant', ['obd.engine.coolant', 'obd.engine.oil']],
  ['obd.engine.rmp', ['obd.engine.rpm', 'obd.engine.oil']],
  ['obd.eng', ['obd.engine.rpm', 'obd.engine.coolant', 'obd.engine.oil']],
  ['tyre.pressure', []],
  ['', []],
  ['x'.repeat(10_000), []],
])('%j means %j', (written, meant) => {
  expect(nearest(written, IDS, 3)).toEqual(meant);
});

test('no more than are asked for', () => {
  expect(nearest('obd.engine.rp', IDS, 1)).toEqual(['obd.engine.rpm']);
});

test('what is far away is never near, whatever it is spelt like', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), maxLength: 12 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 8 }), (written, names) => {
      const limit = Math.max(1, Math.floor(written.length / 3));
      for (const name of nearest(written, names, 8)) {
        if (written.length >= 2 && name.startsWith(written)) continue;
        expect(slips(written, name)).toBeLessThanOrEqual(limit);
      }
      const first = names.find((name) => slips(written, name) <= limit);
      if (first !== undefined) expect(nearest(written, names, 8)).not.toEqual([]);
    }),
  );
});

/** The definition, without a limit. */
function slips(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number): number => table[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      const row = table[i];
      if (row) row[j] = Math.min(changed, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1);
    }
  }
  return at(a.length, b.length);
}

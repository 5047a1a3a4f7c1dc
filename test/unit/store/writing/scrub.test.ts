import { describe, expect, test } from 'vitest';
import type { VerifyStep } from '../../../../src/store/reading/verify.ts';
import { Scrub } from '../../../../src/store/writing/scrub.ts';

const MEGABYTE = 2 ** 20;
const DAY_MS = 24 * 3600 * 1000;

function page(bytes: number, damages = 0): VerifyStep {
  const problems = Array.from({ length: damages }, (_, i) => {
    return { table: 'waves', key: `${i}`, text: 'damaged' } as const;
  });
  return { table: 'waves', entries: 8, bytes, problems };
}

/** A store with these pages, pass after pass the last again, and how many of them were read. */
function scrubbing(...passes: readonly (readonly VerifyStep[])[]) {
  const state = { read: 0, begun: 0 };
  const scrub = new Scrub(function* () {
    const pages = passes[Math.min(state.begun++, passes.length - 1)] ?? [];
    for (const one of pages) {
      state.read++;
      yield one;
    }
  });
  return { scrub, state };
}

describe('pace', () => {
  test('is a megabyte a second, however often it is asked', () => {
    const pages = Array.from({ length: 1000 }, () => page(MEGABYTE / 8));
    const whole = scrubbing(pages);
    for (let s = 0; s < 10; s++) whole.scrub.step(1000);
    expect(whole.state.read).toBe(80);
    const often = scrubbing(pages);
    for (let k = 0; k < 1000; k++) often.scrub.step(10);
    expect(often.state.read).toBe(80);
  });

  test('a long page is made up for before the next', () => {
    const { scrub, state } = scrubbing([page(3 * MEGABYTE), page(1)]);
    const read = [1, 2, 3, 4].map(() => {
      scrub.step(1000);
      return state.read;
    });
    expect(read).toEqual([1, 1, 1, 2]);
  });

  test('pages with nothing in them cost something too', () => {
    const { scrub, state } = scrubbing(Array.from({ length: 100_000 }, () => page(0)));
    scrub.step(1000);
    expect(state.read).toBe(1024);
  });

  test('a day passes between two passes, of an empty store as well', () => {
    for (const pages of [[], [page(10)]]) {
      const { scrub, state } = scrubbing(pages);
      scrub.step(1000);
      expect([scrub.passes, state.begun]).toEqual([1, 1]);
      scrub.step(DAY_MS - 1000);
      expect(state.begun).toBe(1);
      scrub.step(2000);
      expect(state.begun).toBe(2);
    }
  });
});

describe('what it finds', () => {
  test('is counted at once and told, ten a pass', () => {
    const { scrub } = scrubbing([page(MEGABYTE, 2), page(MEGABYTE, 20)]);
    expect(scrub.step(1000)).toEqual(['waves 0: damaged', 'waves 1: damaged']);
    expect([scrub.damaged, scrub.passes]).toEqual([2, 0]);
    expect(scrub.step(1000)).toHaveLength(8);
    expect(scrub.damaged).toBe(22);
  });

  test('stays until a whole pass has found less', () => {
    const { scrub } = scrubbing([page(10, 5)], [page(MEGABYTE, 1), page(10)], []);
    scrub.step(1000);
    expect([scrub.damaged, scrub.passes]).toEqual([5, 1]);
    scrub.step(DAY_MS);
    scrub.step(1);
    expect([scrub.damaged, scrub.passes]).toEqual([5, 1]);
    scrub.step(2000);
    expect([scrub.damaged, scrub.passes]).toEqual([1, 2]);
    scrub.step(DAY_MS + 1000);
    expect([scrub.damaged, scrub.passes]).toEqual([0, 3]);
  });
});

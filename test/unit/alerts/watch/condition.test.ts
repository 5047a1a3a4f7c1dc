import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  both,
  type Node,
  opposite,
  reasonsOf,
  type Truth,
  truthOf,
} from '../../../../src/alerts/watch/condition.ts';

const T = true;
const F = false;
const U = undefined;

function known(...truths: readonly Truth[]) {
  return truths.map((truth) => ({ truth, firm: true }));
}

test.each([
  ['all', [T, T], T],
  ['all', [T, U], U],
  ['all', [U, F], F],
  ['all', [], T],
  ['any', [F, F], F],
  ['any', [F, U], U],
  ['any', [U, T], T],
  ['any', [], F],
  ['not', [F, F], T],
  ['not', [F, U], U],
  ['not', [U, T], F],
] as const)('%s of %j is %s', (kind, truths, truth) => {
  expect(truthOf({ kind, of: truths.map((_, i) => i) }, known(...truths))).toBe(truth);
});

test.each([
  [{ kind: 'all', of: [0, 1] }, [T, T], [0, 1]],
  [{ kind: 'all', of: [0, 1] }, [T, F], [1]],
  [{ kind: 'any', of: [0, 1] }, [F, T], [1]],
  [{ kind: 'not', of: [0, 1] }, [F, F], [0, 1]],
  [{ kind: 'not', of: [0, 1] }, [F, T], [1]],
  [
    {
      kind: 'all',
      of: [
        { kind: 'any', of: [0, 1] },
        { kind: 'not', of: [2] },
      ],
    },
    [F, T, F],
    [1, 2],
  ],
] as const)('%j of %j is so for the reasons %j', (node, truths, reasons) => {
  expect(reasonsOf(node, known(...truths))).toEqual(reasons);
});

test('what is unknown may turn out either way, and what is known stays so', () => {
  const tree = fc.letrec<{ node: Node }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.nat({ max: 3 }),
      fc.record({
        kind: fc.constantFrom('all', 'any', 'not'),
        of: fc.array(tie('node'), { maxLength: 3 }),
      }),
    ),
  })).node;
  const truths = fc.array(fc.constantFrom(T, F, U), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      tree,
      truths,
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      (node, some, fill) => {
        const truth = truthOf(node, known(...some));
        const all = some.map((one, i) => one ?? fill[i]);
        if (truth !== U) expect(truthOf(node, known(...all))).toBe(truth);
      },
    ),
  );
});

test('two of them, and the opposite', () => {
  expect([both(T, T), both(T, U), both(U, F), both(F, U), both(U, U)]).toEqual([T, U, F, F, U]);
  expect([opposite(T), opposite(F), opposite(U)]).toEqual([F, T, U]);
});

import { expect, test } from 'vitest';
import { begins, exceeds, type Level, lasts } from '../../../../src/alerts/watch/threshold.ts';

const CIRCLE = { lat: 0, lon: 0, radiusM: 100 };

/** Just where it begins and where not, where it lasts and where not. */
const SIDES: readonly [when: Level, begin: number[], lastOnly: number[], neither: number[]][] = [
  [{ op: '>', value: 110 }, [110.01], [], [110, 0, -200]],
  [{ op: '>', value: 110, clear: 105 }, [110.01], [110, 105.01], [105, 0]],
  [{ op: '>', value: 110, clear: 120 }, [110.01, 115, 121], [], [110]],
  [{ op: '<', value: 11.8, clear: 12 }, [11.79], [11.8, 11.99], [12, 14]],
  [{ op: '<', value: 11.8, clear: 11 }, [11.79, 10.9], [], [11.8]],
  [{ op: 'rate>', value: 2, clear: 1, windowS: 5 }, [2.1], [2, 1.1], [1, -3]],
  [{ op: 'rate<', value: -2, clear: -1, windowS: 5 }, [-2.1], [-2, -1.1], [-1, 3]],
  [{ op: 'outside', value: [0, 10] }, [-0.1, 10.1], [], [0, 5, 10]],
  [{ op: 'outside', value: [0, 10], clear: [2, 8] }, [-1, 11], [0, 1.9, 8.1, 10], [2, 5, 8]],
  [{ op: 'outside', value: [0, 10], clear: [-5, 15] }, [-1, 11], [], [0, 10]],
  [{ op: 'inside', value: [0, 10], clear: [-2, 12] }, [0, 5, 10], [-2, -0.1, 12], [-2.1, 12.1]],
  [{ op: 'inside', value: [0, 10], clear: [4, 5] }, [0, 10], [], [-0.1, 10.1]],
  [{ op: 'count', value: 5, windowS: 9 }, [5, 6], [], [4, 0]],
  [{ op: 'count', value: 5, clear: 2, windowS: 9 }, [5], [4, 3], [2, 0]],
  [{ op: 'count', value: 1, clear: -1, windowS: 9 }, [1], [], [0]],
  [{ op: 'within', value: CIRCLE, clear: 150 }, [0, 100], [100.1, 150], [150.1]],
  [{ op: 'beyond', value: CIRCLE, clear: 50 }, [100.1], [100, 50.1], [50, 0]],
];

test.each(SIDES)('%j begins and lasts on the right side', (when, begin, lastOnly, neither) => {
  expect(begin.filter((x) => !begins(when, x) || !lasts(when, x))).toEqual([]);
  expect(lastOnly.filter((x) => begins(when, x) || !lasts(when, x))).toEqual([]);
  expect(neither.filter((x) => begins(when, x) || lasts(when, x))).toEqual([]);
});

test.each([
  [{ op: '>', value: 1 }, 5.1, 5, true],
  [{ op: '>', value: 1 }, 5, 5, false],
  [{ op: '<', value: 9 }, 4.9, 5, true],
  [{ op: '<', value: 9 }, 5, 5, false],
  [{ op: 'rate<', value: -1, windowS: 1 }, -6, -5, true],
  [{ op: 'outside', value: [0, 10] }, 21, 20, true],
  [{ op: 'outside', value: [0, 10] }, -30, 20, false],
  [{ op: 'outside', value: [0, 10] }, -21, -20, true],
  [{ op: 'outside', value: [0, 10] }, 30, -20, false],
  [{ op: 'inside', value: [0, 10] }, 5, 3, false],
  [{ op: 'count', value: 3, windowS: 1 }, 5, 5, true],
  [{ op: 'stale', value: 3 }, 5, 5, true],
  [{ op: 'stale', value: 3 }, 4.9, 5, false],
  [{ op: 'within', value: CIRCLE }, 10, 20, true],
  [{ op: 'beyond', value: CIRCLE }, 300, 200, true],
  [{ op: 'event' }, 1, 0, false],
] as const)('%j: %d exceeds %d is %s', (when, x, limit, more) => {
  expect(exceeds(when, x, limit)).toBe(more);
});

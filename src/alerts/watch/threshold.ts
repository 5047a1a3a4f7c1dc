import type { When } from '#core/alert.ts';

/** What compares a number: a value, a rate, a count, a distance. */
export type Level = Exclude<When, { readonly op: 'stale' | 'event' }>;

/**
 * The hysteresis of one comparison. `begins` is its threshold, `lasts` the one at which it ends;
 * what begins also lasts, as a `clear` on the wrong side counts as none: it would flicker.
 */
export function begins(when: Level, x: number): boolean {
  switch (when.op) {
    case '>':
    case 'rate>':
      return x > when.value;
    case '<':
    case 'rate<':
      return x < when.value;
    case 'outside':
      return x < when.value[0] || x > when.value[1];
    case 'inside':
      return x >= when.value[0] && x <= when.value[1];
    case 'count':
      return x >= when.value;
    case 'within':
      return x <= when.value.radiusM;
    case 'beyond':
      return x > when.value.radiusM;
  }
}

export function lasts(when: Level, x: number): boolean {
  if (begins(when, x)) return true;
  if (when.clear === undefined) return false;
  switch (when.op) {
    case '>':
    case 'rate>':
    case 'beyond':
      return x > when.clear;
    case 'count':
      return x > Math.max(0, when.clear); // None at all ends it in any case.
    case '<':
    case 'rate<':
      return x < when.clear;
    case 'outside':
      return x < when.clear[0] || x > when.clear[1];
    case 'inside':
      return x >= when.clear[0] && x <= when.clear[1];
    case 'within':
      return x <= when.clear;
  }
}

/** Whether `x` is beyond `limit`, further in the direction of the comparison: it is more severe. */
export function exceeds(when: When, x: number, limit: number): boolean {
  switch (when.op) {
    case '>':
    case 'rate>':
    case 'beyond':
      return x > limit;
    case '<':
    case 'rate<':
      return x < limit;
    case 'outside':
      return limit > when.value[1] ? x > limit : x < limit;
    case 'count':
    case 'stale':
      return x >= limit;
    case 'within':
      return x <= limit;
    case 'inside':
    case 'event':
      return false;
  }
}

import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { scaledClock } from '../../src/io/scaled-clock.ts';

/**
 * A clock that runs `speed` times as fast as time does, from `start` on: what the store does in five
 * minutes, a seal above all, happens every few seconds.
 */
export function fastClock(speed: number, start: Micros): Clock {
  const fast = scaledClock(monotonicClock(), speed);
  const begin = fast.now();
  return { ...fast, now: () => start + fast.now() - begin };
}

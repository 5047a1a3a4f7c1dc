import type { Clock } from '#core/clock.ts';

/**
 * A clock on which time passes `speed` times as fast as on the one behind it, from now on: an hour
 * of a simulation or a replay in minutes. What runs on it cannot tell; what talks to the world has
 * to be given the other one.
 *
 * Real timers are no finer than a millisecond, so a sleep ends up to `speed` of its milliseconds late.
 *
 * @param speed 1 or more
 * @throws RangeError for another speed
 */
export function scaledClock(clock: Clock, speed: number): Clock {
  // Slower than real, the longest sleep would be more than a timer can count.
  if (!(speed >= 1 && speed < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`speed: expected a number from 1, found ${speed}`);
  }
  const start = clock.now();
  return {
    now: () => start + Math.floor((clock.now() - start) * speed),
    sleep: (ms, signal) => clock.sleep(ms / speed, signal),
  };
}

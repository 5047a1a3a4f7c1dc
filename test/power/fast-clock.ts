import type { Clock } from '#core/clock.ts';

/**
 * A clock that runs `speed` times as fast as time does, from `startUs` on: what the store does in
 * five minutes, a seal above all, happens every few seconds.
 */
export function fastClock(speed: number, startUs: number): Clock {
  const begin = performance.now();
  return {
    now: () => startUs + Math.floor((performance.now() - begin) * 1000 * speed),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms / speed);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}

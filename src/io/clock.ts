import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Epoch, Trust } from '#core/clock.ts';

/** The only file that reads a clock. */

/** systemd-timesyncd makes this file when NTP has set the clock in this boot. */
const NTP_MARK = '/run/systemd/timesync/synchronized';
const RTC = '/sys/class/rtc/rtc0/since_epoch';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** A clock that starts at 0 now. */
export function monotonicClock(): Clock {
  const start = process.hrtime.bigint();
  return {
    now: () => Number((process.hrtime.bigint() - start) / 1000n),
    sleep: (ms, signal) => {
      if (signal?.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, ms);
        signal?.addEventListener('abort', stop, { once: true });
      });
    },
  };
}

/** Ties `clock` to the wall: what the wall clock says at this moment, and how far to believe it. */
export function anchorEpoch(id: number, clock: Clock): Epoch {
  return {
    id,
    wallMs: Date.now() - clock.now() / 1000,
    trust: wallTrust(),
    bootId: existsSync(BOOT_ID) ? readFileSync(BOOT_ID, 'latin1').trim() : '',
  };
}

function wallTrust(): Trust {
  if (existsSync(NTP_MARK)) return 'ntp';
  return existsSync(RTC) ? 'rtc' : 'none';
}

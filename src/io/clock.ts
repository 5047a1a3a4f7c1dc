import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Epoch, Trust } from '#core/clock.ts';

/** The only file that reads a clock. */

const WALL_FILES = {
  /** systemd-timesyncd makes this file when NTP has set the clock in this boot. */
  ntp: '/run/systemd/timesync/synchronized',
  /** The real-time clock in seconds since 1970. Reading it fails where it has never been set. */
  rtc: '/sys/class/rtc/rtc0/since_epoch',
};
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** When this release was made: a clock that says less has lost its time. */
const BUILD_MS_MIN = Date.UTC(2026, 10, 1);

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

/**
 * Ties `clock` to the wall: what the wall clock says at this moment, and how far to believe it.
 *
 * @param files where the system tells of its clocks
 */
export function anchorEpoch(id: number, clock: Clock, files = WALL_FILES): Epoch {
  const { ms, trust } = readWall(files);
  return {
    id,
    wallMs: ms - clock.now() / 1000,
    trust,
    bootId: existsSync(BOOT_ID) ? readFileSync(BOOT_ID, 'latin1').trim() : '',
    monotonicMs: Number(process.hrtime.bigint() / 1000n) / 1000 - clock.now() / 1000,
  };
}

/** What the wall clock says now, in ms since 1970, and how far to believe it. */
export function readWall(files = WALL_FILES): { readonly ms: number; readonly trust: Trust } {
  const ms = Date.now();
  return { ms, trust: wallTrust(ms, files) };
}

/**
 * How far to believe a wall clock that says `now` (ms since 1970). That there is a real-time clock
 * says little: that of a Raspberry Pi 5 comes without a battery and begins at 1970 after each power
 * cut, while the system's time goes on from a date in a file.
 */
function wallTrust(now: number, files: typeof WALL_FILES): Trust {
  if (existsSync(files.ntp)) return 'ntp';
  return now >= BUILD_MS_MIN && rtcMs(files.rtc) >= BUILD_MS_MIN ? 'rtc' : 'none';
}

/** What the real-time clock says, or NaN where there is none or it does not know. */
function rtcMs(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1')) * 1000;
  } catch {
    return Number.NaN; // Whatever the reason, it tells no time.
  }
}

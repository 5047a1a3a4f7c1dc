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
export const BUILD_MS_MIN = Date.UTC(2026, 10, 1);

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

interface WallOptions {
  /** How fast the clock runs that is to be tied to the wall. */
  readonly speed?: number;
  /** Where the system tells of its clocks. */
  readonly files?: typeof WALL_FILES;
}

/**
 * Ties `clock` to the wall: what the wall clock says at this moment, and how far to believe it. One
 * that runs at another speed is tied by its beginning only: behind it no time is that of the wall, so
 * none is believed, and nobody can tell how long before or after another epoch of the boot it was, so
 * the epoch is of no boot.
 */
export function anchorEpoch(id: number, clock: Clock, options: WallOptions = {}): Epoch {
  const { ms, trust } = readWall(options);
  const hasBoot = (options.speed ?? 1) === 1 && existsSync(BOOT_ID);
  return {
    id,
    wallMs: ms - clock.now() / 1000,
    trust,
    bootId: hasBoot ? readFileSync(BOOT_ID, 'latin1').trim() : '',
    monotonicMs: Number(process.hrtime.bigint() / 1000n) / 1000 - clock.now() / 1000,
  };
}

/** What the wall clock says now, in ms since 1970, and how far to believe times that are tied to it. */
export function readWall({ speed = 1, files = WALL_FILES }: WallOptions = {}): {
  readonly ms: number;
  readonly trust: Trust;
} {
  const ms = Date.now();
  return { ms, trust: speed === 1 ? wallTrust(ms, files) : 'none' };
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

/** The time of day where the gateway is, by the time zone of its system. */
export function localTime(wallMs: number): {
  /** 1 (Monday) to 7. */
  readonly weekday: number;
  /** Since midnight, 0 to 1439. */
  readonly minute: number;
  readonly msToNextMinute: number;
} {
  const date = new Date(wallMs);
  return {
    weekday: date.getDay() || 7,
    minute: date.getHours() * 60 + date.getMinutes(),
    msToNextMinute: 60_000 - (date.getSeconds() * 1000 + date.getMilliseconds()),
  };
}

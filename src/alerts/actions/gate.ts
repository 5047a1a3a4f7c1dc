import type { Severity } from '#core/alert.ts';
import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import { type LocalMinute, type QuietHours, quietMs } from './quiet-hours.ts';

const HOUR_US = 3_600_000_000;
/** Share of the rate limit that only alarms may use: a flood of less never holds one up. */
const ALARM_SHARE = 0.25;

export interface GateLimits {
  /** What is no alarm waits until they are over. */
  readonly quiet?: QuietHours | undefined;
  /** Deliveries an hour, 1 or more; what is over it waits. */
  readonly perHour?: number | undefined;
}

export interface GateTime {
  /** The time that passes for people. */
  readonly realTime: Clock;
  /** Undefined while the wall clock cannot be believed. */
  localTime(): LocalMinute | undefined;
}

/** Says when the next delivery of an action may go out. */
export class Gate {
  readonly #limits: GateLimits;
  readonly #time: GateTime;
  /**
   * A bucket that holds an hour's deliveries and fills up within one. It is counted in whole parts,
   * `perHour` of which come in each microsecond and an hour's microseconds of which make a delivery.
   */
  #parts: number;
  #filledAt: Micros;

  constructor(limits: GateLimits, time: GateTime) {
    this.#limits = limits;
    this.#time = time;
    this.#parts = (limits.perHour ?? 0) * HOUR_US;
    this.#filledAt = time.realTime.now();
  }

  /**
   * For how long at least one of this severity has to wait, milliseconds; 0 if it may go now. Look
   * again a minute later at the latest: the wall clock may be set.
   */
  waitMs(severity: Severity): number {
    const alarm = severity === 'alarm';
    const { quiet } = this.#limits;
    // Without quiet hours nobody asks what the time is, for which files are read.
    const quietFor = alarm || !quiet ? 0 : quietMs(quiet, this.#time.localTime());
    return Math.max(quietFor, this.#rateMs(alarm));
  }

  /** One goes out. */
  take(): void {
    this.#fill();
    this.#parts -= HOUR_US;
  }

  #rateMs(alarm: boolean): number {
    const { perHour } = this.#limits;
    if (perHour === undefined) return 0;
    this.#fill();
    const needed = alarm ? 1 : 1 + Math.floor(perHour * ALARM_SHARE);
    return Math.max(0, Math.ceil((needed * HOUR_US - this.#parts) / perHour / 1000));
  }

  #fill(): void {
    const { perHour } = this.#limits;
    if (perHour === undefined) return;
    const now = this.#time.realTime.now();
    const filled = this.#parts + (now - this.#filledAt) * perHour;
    this.#parts = Math.min(filled, perHour * HOUR_US);
    this.#filledAt = now;
  }
}

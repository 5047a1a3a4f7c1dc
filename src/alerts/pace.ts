/** How the engine follows time; a backtest does the same, so that both find the same alerts. */

/** How often timers are looked at, of real time. They count to their own time, not to that of the look. */
export const TICK_MS = 100;
/** How old a reading may be when it comes and still be in time for a timer. */
export const GRACE_MS = 250;

import type { Severity } from '#core/alert.ts';
import type { Gpio } from '../../io/gpio.ts';
import type { Action } from './action.ts';

/**
 * On, off, on ... in ms. An alarm is on and off at 1 Hz for 3 s, its last pause included: a lamp on the
 * same line stays below three flashes a second (WCAG 2.2, 2.3.1).
 */
const PATTERNS: Readonly<Record<Severity, readonly number[]>> = {
  info: [150],
  warn: [150, 150, 150],
  alarm: [500, 500, 500, 500, 500],
};

/** Tells of an alert by sound: one beep, two, or those of an alarm. Its end is silence. */
export function buzzerAction(id: string, gpio: Gpio): Action {
  return {
    id,
    kind: 'buzzer',
    deliver: (_news, { severity }, signal) => gpio.play(PATTERNS[severity], signal),
    reset: () => gpio.off(),
  };
}

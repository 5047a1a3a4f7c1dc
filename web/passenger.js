/** Whoever says that somebody else drives gets what is not for a driver: forms and long texts. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { html } from './gauge.js';

/** Long enough that it is not done by the way, ms. */
const HOLD_MS = 2_000;

/** Until the page is closed. */
export const passenger = signal(false);

/** To be held, by hand or with the space bar. */
export function PassengerButton() {
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const end = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
  };
  const begin = () => {
    timer.current ??= setTimeout(() => {
      passenger.value = true;
    }, HOLD_MS);
  };
  /** @param {(event: KeyboardEvent) => void} act */
  const onSpace = (act) => (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== ' ') return;
    event.preventDefault();
    act(event);
  };
  useEffect(() => end, []);
  return html`
    <p class="passenger">
      <span>The car moves: there is nothing to be typed.</span>
      <button
        class="button"
        type="button"
        onPointerDown=${begin}
        onPointerUp=${end}
        onPointerLeave=${end}
        onPointerCancel=${end}
        onKeyDown=${onSpace(begin)}
        onKeyUp=${onSpace(end)}
      >
        Passenger: hold for 2 s
      </button>
    </p>
  `;
}

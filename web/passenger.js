/** Whoever says that somebody else drives gets what is not for a driver: forms and long texts. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { html } from './gauge.js';
import { markPassenger } from './markers.js';

/** Long enough that it is not done by the way, ms. */
const HOLD_MS = 2_000;

/** Until the page is closed. */
export const passenger = signal(false);

/**
 * A button that acts when it was held for 2 s, by hand or with the space bar.
 * @param {{ label: string, name?: string, onHeld: () => void, disabled?: boolean }} props
 */
export function HoldButton({ label, name = 'button', onHeld, disabled = false }) {
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const end = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
  };
  const begin = () => {
    if (!disabled) timer.current ??= setTimeout(onHeld, HOLD_MS);
  };
  /** @param {(event: KeyboardEvent) => void} act */
  const onSpace = (act) => (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== ' ') return;
    event.preventDefault();
    act(event);
  };
  useEffect(() => end, []);
  return html`
    <button
      class=${name}
      type="button"
      disabled=${disabled}
      onPointerDown=${begin}
      onPointerUp=${end}
      onPointerLeave=${end}
      onPointerCancel=${end}
      onKeyDown=${onSpace(begin)}
      onKeyUp=${onSpace(end)}
    >
      ${label}
    </button>
  `;
}

export function PassengerButton() {
  const unlock = () => {
    passenger.value = true;
    void markPassenger();
  };
  return html`
    <p class="passenger">
      <span>The car moves: there is nothing to be typed. What was typed is kept.</span>
      <${HoldButton} label="Passenger: hold for 2 s" onHeld=${unlock} />
    </p>
  `;
}

/** What the views behind "More" have in common: their links, by what somebody may, and their title. */
import { useEffect, useRef } from 'preact/hooks';
import { account } from './account.js';
import { html } from './gauge.js';
import { PassengerButton, passenger } from './passenger.js';

/** @typedef {import('../src/accounts/roles.ts').Permission} Permission */

/** @type {readonly { view: string, name: string, needs?: Permission }[]} */
const PARTS = [
  { view: 'account', name: 'Account' },
  { view: 'vehicle', name: 'Vehicle', needs: 'see' },
  { view: 'system', name: 'System', needs: 'service' },
  { view: 'users', name: 'Users', needs: 'manage' },
  { view: 'settings', name: 'Settings', needs: 'manage' },
  { view: 'audit', name: 'Audit', needs: 'manage' },
];

/** @param {{ needs?: Permission }} part */
function isOpen({ needs }) {
  return needs === undefined || account.may(needs);
}

/**
 * What is to be typed is not there while the car moves.
 * @param {import('./live.js').Live} live
 */
export function isDriving(live) {
  return live.driving.value && !passenger.value;
}

/**
 * @typedef {object} FrameProps
 * @property {string} view
 * @property {import('./live.js').Live} live
 * @property {import('preact').ComponentChildren} children only shown to who may see them
 */

/** @param {FrameProps} props */
export function Frame({ view, live, children }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  // Whoever cannot see that the view has changed is told by where the focus is.
  useEffect(() => title.current?.focus({ preventScroll: true }), [view]);
  const part = PARTS.find((one) => one.view === view);
  const who = account.who.value;
  const role = who.state === 'in' ? who.user.role : '';
  return html`
    <div class="recordings account">
      <nav class="parts" aria-label="More">
        ${PARTS.filter(isOpen).map(
          (one) => html`
            <a href="#${one.view}" aria-current=${one.view === view ? 'page' : null}>${one.name}</a>
          `,
        )}
      </nav>
      <div class="head"><h2 ref=${title} tabindex="-1">${part?.name}</h2></div>
      ${isDriving(live) && html`<${PassengerButton} />`}
      ${
        part && isOpen(part)
          ? children
          : html`<p class="said" data-failed="true">This is not for the role ${role}.</p>`
      }
    </div>
  `;
}

/**
 * What is asked for, or why there is nothing yet.
 * @param {{ said: { text: string, failed: boolean }, error: string, waits: boolean }} props
 */
export function Said({ said, error, waits }) {
  return html`
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    ${waits && error === '' && html`<p class="empty">Asking the gateway …</p>`}
  `;
}

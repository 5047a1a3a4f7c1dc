/** The view of alerts: what happened, the rules, and what is done besides. Loaded on the first visit. */
import { useEffect, useRef } from 'preact/hooks';
import { AlertView } from './alert.js';
import { ActionList } from './alert-actions.js';
import { History } from './alert-history.js';
import { RuleList } from './alert-rules.js';
import { html } from './gauge.js';
import { PassengerButton, passenger } from './passenger.js';
import { RuleView } from './rule.js';

const ALERT_ID = /^\d+-\d+$/;
const RULE = /^rules\/([a-z0-9-]+)$/;
const PARTS = [
  { part: '', name: 'History' },
  { part: 'rules', name: 'Rules' },
  { part: 'actions', name: 'Actions' },
];

/**
 * @typedef {object} ViewProps
 * @property {import('preact').RefObject<HTMLElement>} titleRef
 * @property {boolean} driving nothing is to be typed
 * @property {boolean} linked there is a connection
 * @property {number} turn changes when something happened to an alert
 * @property {import('./alert-sound.js').Sound | undefined} sound
 */

/**
 * @typedef {object} AlertsProps
 * @property {string} part of the address
 * @property {import('./live.js').Live} live
 * @property {import('./alerts-banner.js').LastingAlerts} alerts
 * @property {import('@preact/signals').ReadonlySignal<import('./alert-sound.js').Sound | undefined>} sound
 */

/** @param {AlertsProps} props */
export function Alerts({ part, live, alerts, sound }) {
  const titleRef = useRef(/** @type {HTMLElement | null} */ (null));
  // Whoever cannot see that the view has changed is told by where the focus is.
  useEffect(() => titleRef.current?.focus({ preventScroll: true }), [part]);
  const props = {
    titleRef,
    driving: live.driving.value && !passenger.value,
    linked: live.link.value.phase === 'live',
    turn: alerts.turn.value,
    sound: sound.value,
  };
  const [first] = part.split('/');
  const current = ALERT_ID.test(part) ? '' : first;
  return html`
    <div class="recordings alerts">
      <nav class="parts" aria-label="Alerts">
        ${PARTS.map(
          (one) => html`
            <a
              href=${one.part === '' ? '#alerts' : `#alerts/${one.part}`}
              aria-current=${one.part === current ? 'page' : null}
              >${one.name}</a
            >
          `,
        )}
      </nav>
      ${props.driving && html`<${PassengerButton} />`}
      <${Part} key=${part} part=${part} ...${props} />
    </div>
  `;
}

/** @param {{ part: string } & ViewProps} props */
function Part({ part, ...props }) {
  if (ALERT_ID.test(part)) return html`<${AlertView} id=${part} ...${props} />`;
  const rule = RULE.exec(part)?.[1];
  if (rule !== undefined) return html`<${RuleView} id=${rule} ...${props} />`;
  if (part === 'rules') return html`<${RuleList} ...${props} />`;
  if (part === 'actions') return html`<${ActionList} ...${props} />`;
  return html`<${History} ...${props} />`;
}

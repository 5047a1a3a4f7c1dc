/** A part that is folded up, whose content is made when somebody opens it: it may be long. */
import { useState } from 'preact/hooks';
import { html } from './gauge.js';

/**
 * @param {{ label: import('preact').ComponentChildren, name?: string, make: () => import('preact').ComponentChildren }} props
 *   `name`: its class
 */
export function Fold({ label, name = 'fold', make }) {
  const [open, setOpen] = useState(false);
  /** @param {Event & { currentTarget: HTMLDetailsElement }} event */
  const onToggle = ({ currentTarget }) => setOpen(currentTarget.open);
  return html`
    <details class=${name} open=${open} onToggle=${onToggle}>
      <summary>${label}</summary>
      ${open && make()}
    </details>
  `;
}

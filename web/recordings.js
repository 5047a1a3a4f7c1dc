/** The view of what was recorded: the list of sessions, or one of them. Loaded on the first visit. */
import { useEffect, useRef } from 'preact/hooks';
import { html } from './gauge.js';
import { SessionView } from './session.js';
import { SessionList } from './sessions.js';

/** @param {{ id: number | undefined }} props the session, or undefined for the list */
export function Recordings({ id }) {
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  // Whoever cannot see that the view has changed is told by where the focus is.
  useEffect(() => title.current?.focus({ preventScroll: true }), [id]);
  return html`
    <div class="recordings">
      ${
        id === undefined
          ? html`<${SessionList} titleRef=${title} />`
          : html`<${SessionView} key=${id} id=${id} titleRef=${title} />`
      }
    </div>
  `;
}

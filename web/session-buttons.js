/** What may be done with a recording at once, in the list as in its own view. */
import { account } from './account.js';
import { ask } from './api.js';
import { html } from './gauge.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/**
 * Nothing for those who may only look.
 * @param {{ session: Session, act: Act, editing: boolean, onEdit: (editing: boolean) => void }} props
 */
export function SessionButtons({ session, act, editing, onEdit }) {
  if (!account.may('record')) return null;
  return html`
    <div class="do">
      <${PinButton} session=${session} act=${act} />
      <${EditButton} id=${session.id} editing=${editing} onToggle=${onEdit} />
      ${session.state === 'active' && html`<${EndButton} id=${session.id} act=${act} />`}
    </div>
  `;
}

/** @param {{ session: Session, act: Act }} props */
function PinButton({ session, act }) {
  const { id, pinned } = session;
  const toggle = () =>
    act(async () => {
      await ask(`/sessions/${id}`, { method: 'PATCH', body: { pinned: !pinned } });
      return pinned
        ? `Recording ${id} may be overwritten when the room is needed.`
        : `Recording ${id} is kept whatever the room is needed for.`;
    });
  return html`
    <button
      class="button"
      type="button"
      aria-pressed=${pinned}
      aria-label="Pin recording ${id}"
      onClick=${toggle}
    >
      ${pinned ? 'Unpin' : 'Pin'}
    </button>
  `;
}

/** @param {{ id: number, editing: boolean, onToggle: (editing: boolean) => void }} props */
function EditButton({ id, editing, onToggle }) {
  return html`
    <button
      class="button"
      type="button"
      aria-expanded=${editing}
      aria-label="Edit recording ${id}"
      onClick=${() => onToggle(!editing)}
    >
      Edit
    </button>
  `;
}

/** @param {{ id: number, act: Act }} props */
function EndButton({ id, act }) {
  const end = () =>
    act(async () => {
      await ask(`/sessions/${id}`, { method: 'PATCH', body: { state: 'ended' } });
      return `Recording ${id} has ended.`;
    });
  return html`
    <button class="button" type="button" aria-label="End recording ${id}" onClick=${end}>End</button>
  `;
}

/** What a person may say of a recording, and the end of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, sentenceOf } from './api.js';
import { useDraft } from './form.js';
import { html } from './gauge.js';

/** @typedef {import('./api.js').Session} Session */

/**
 * The tags in a line of text: between commas, without blanks around them, each once.
 * @param {string} text
 */
export function tagsOf(text) {
  const tags = text.split(',').map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ''))];
}

/**
 * @typedef {object} FormProps
 * @property {Session} session
 * @property {(text: string) => void} onDone told what was done
 * @property {() => void} onCancel
 * @property {(text: string) => void} [onDeleted] in place of `onDone` after a deletion
 */

/** @param {FormProps} props */
export function SessionForm({ session, onDone, onCancel, onDeleted = onDone }) {
  const { id, state } = session;
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const { form, attributes, forget } = useDraft(`session ${id}`);
  const cancel = () => {
    forget();
    onCancel();
  };
  useEffect(() => form.current?.querySelector('input')?.focus(), []);
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    if (!form.current) return;
    setBusy(true);
    try {
      const body = changeOf(new FormData(form.current), session);
      await ask(`/sessions/${id}`, { method: 'PATCH', body });
      forget();
      onDone(`Recording ${id} is saved.`);
    } catch (failure) {
      setBusy(false);
      setError(sentenceOf(failure));
    }
  };
  // Defaults, not values: the list is drawn anew every few seconds, and what is being typed stays.
  return html`
    <form class="edit" ...${attributes} onSubmit=${save} aria-label="Recording ${id}">
      <label>Driver <input name="driver" defaultValue=${session.driver ?? ''} autocomplete="off" /></label>
      <label>
        Vehicle <input name="vehicle" defaultValue=${session.vehicle ?? ''} autocomplete="off" />
      </label>
      <label>Study <input name="study" defaultValue=${session.study ?? ''} autocomplete="off" /></label>
      <label class="wide">
        Tags, with commas between them
        <input name="tags" defaultValue=${session.tags.join(', ')} autocomplete="off" />
      </label>
      <label class="wide">Notes <textarea name="notes" rows="3" defaultValue=${session.notes}></textarea></label>
      <label class="wide">
        Consent, in the words that were agreed to
        <textarea name="consent" rows="2" defaultValue=${session.consent ?? ''}></textarea>
      </label>
      <p class="said wide" role="alert" data-failed="true">${error}</p>
      <div class="do wide">
        <button class="button primary" disabled=${busy}>Save</button>
        <button class="button" type="button" onClick=${cancel}>Cancel</button>
        ${state === 'ended' && html`<${DeleteButton} id=${id} onDeleted=${onDeleted} onError=${setError} />`}
      </div>
    </form>
  `;
}

/**
 * What the form says that is new: a name that is empty is none. What is as it was is left out: it may
 * be a pseudonym, or be withheld.
 * @param {FormData} form
 * @param {Session} session
 */
export function changeOf(form, session) {
  /** @param {string} name */
  const text = (name) => String(form.get(name) ?? '').trim();
  const said = {
    driver: text('driver') || null,
    vehicle: text('vehicle') || null,
    study: text('study') || null,
    notes: text('notes'),
    consent: text('consent') || null,
    tags: tagsOf(text('tags')),
  };
  const before = { ...session, consent: session.consent || null };
  return Object.fromEntries(
    Object.entries(said).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(before, name)),
    ),
  );
}

/** What whoever drives agrees to who records themselves. */
const CONSENT = 'I agree that my drive and my brain waves are recorded in this session.';

/**
 * A session of who records themselves: not without their consent.
 * @param {{ onStart: (body: object) => void, onCancel: () => void }} props
 */
export function StartForm({ onStart, onCancel }) {
  const [agreed, setAgreed] = useState(false);
  const start = (/** @type {SubmitEvent & { currentTarget: HTMLFormElement }} */ event) => {
    event.preventDefault();
    const study = String(new FormData(event.currentTarget).get('study') ?? '').trim();
    onStart({ consent: CONSENT, ...(study && { study }) });
  };
  return html`
    <form class="card summary" onSubmit=${start} aria-label="Start a recording">
      <div class="edit">
        <label>Study, if it is for one <input name="study" maxlength="120" autocomplete="off" /></label>
      </div>
      <label class="check">
        <input type="checkbox" checked=${agreed} onChange=${() => setAgreed(!agreed)} />
        <span>${CONSENT}</span>
      </label>
      <div class="do">
        <button class="button primary" disabled=${!agreed}>Start</button>
        <button class="button" type="button" onClick=${onCancel}>Cancel</button>
      </div>
    </form>
  `;
}

/**
 * Asks before it deletes, in its own place, with the focus on the answer that harms nothing.
 * @param {{ id: number, onDeleted: (text: string) => void, onError: (text: string) => void }} props
 */
function DeleteButton({ id, onDeleted, onError }) {
  const [asked, setAsked] = useState(false);
  const keep = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => keep.current?.focus(), [asked]);
  if (!asked) {
    return html`
      <button class="button danger last" type="button" onClick=${() => setAsked(true)}>
        Delete …
      </button>
    `;
  }
  const remove = async () => {
    try {
      await ask(`/sessions/${id}`, { method: 'DELETE' });
      onDeleted(`Recording ${id} is deleted.`);
    } catch (failure) {
      setAsked(false);
      onError(sentenceOf(failure));
    }
  };
  return html`
    <div class="confirm" role="group" aria-labelledby="confirm-${id}">
      <p id="confirm-${id}">Delete recording ${id} and its data for good?</p>
      <button class="button" type="button" ref=${keep} onClick=${() => setAsked(false)}>Keep</button>
      <button class="button danger" type="button" onClick=${remove}>Delete for good</button>
    </div>
  `;
}

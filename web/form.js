/** What forms have in common: how they are sent, and what passwords are typed into. */
import { useState } from 'preact/hooks';
import { sentenceOf, statusOf } from './api.js';
import { html } from './gauge.js';

/** Attributes of a field that takes nothing else: an empty pattern would take nothing at all. */
const PLAIN = { pattern: '[ -~]+', title: 'Letters of English, digits and common signs' };
const IDLE = { busy: false, error: '', status: 0 };

/**
 * Sends a form. `submit` makes the handler of what is to be done with its fields; it may reject as
 * `ask` does, which is told in `error`.
 */
export function useForm() {
  const [state, setState] = useState(IDLE);
  /** @param {(text: (name: string) => string, form: HTMLFormElement) => Promise<unknown>} work */
  const submit = (work) => async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const fields = new FormData(form);
    setState({ ...IDLE, busy: true });
    try {
      await work((name) => String(fields.get(name) ?? ''), form);
      setState(IDLE);
    } catch (failure) {
      setState({ busy: false, error: sentenceOf(failure), status: statusOf(failure) });
    }
  };
  return { ...state, submit };
}

/** @param {{ error: string }} props */
export function FormError({ error }) {
  return html`<p class="said wide" role="alert" data-failed="true">${error}</p>`;
}

/**
 * @typedef {object} PasswordProps
 * @property {string} [label]
 * @property {string} [name]
 * @property {'current-password' | 'new-password'} autocomplete
 * @property {boolean} [plain] it goes into a header, which has no other than the printable ones of ASCII
 */

/** A password that can be looked at, which is worth more than to type it twice. @param {PasswordProps} props */
export function PasswordField({
  label = 'Password',
  name = 'password',
  autocomplete,
  plain = false,
}) {
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  const look = (/** @type {KeyboardEvent | MouseEvent} */ event) =>
    setCaps(event.getModifierState?.('CapsLock') ?? false);
  return html`
    <div class="password">
      <label>
        ${label}
        <input
          type=${shown ? 'text' : 'password'}
          name=${name}
          autocomplete=${autocomplete}
          autocapitalize="none"
          spellcheck=${false}
          required
          ...${plain ? PLAIN : {}}
          onKeyDown=${look}
          onKeyUp=${look}
        />
      </label>
      <button
        class="button"
        type="button"
        aria-pressed=${shown}
        aria-label="Show ${label.toLowerCase()}"
        onClick=${() => setShown(!shown)}
      >
        ${shown ? 'Hide' : 'Show'}
      </button>
      <p class="caution" role="status">${caps && 'Caps lock is on.'}</p>
      ${autocomplete === 'new-password' && html`<p class="hint">At least 12 characters. A few words are easy to keep in mind.</p>`}
    </div>
  `;
}

/** @param {{ label?: string }} props */
export function NameField({ label = 'User name' }) {
  return html`
    <label>
      ${label}
      <input
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck=${false}
        maxlength="32"
        required
      />
    </label>
  `;
}

/** A text to be taken elsewhere. @param {{ label: string, text: string }} props */
export function CopyField({ label, text }) {
  const [done, setDone] = useState('');
  const copy = async (/** @type {MouseEvent} */ { currentTarget }) => {
    const button = /** @type {HTMLElement} */ (currentTarget);
    const input = button.parentElement?.querySelector('input');
    input?.select();
    // The clipboard is missing on plain http; what it took the place of is not.
    const copied = navigator.clipboard
      ? await navigator.clipboard.writeText(text).then(
          () => true,
          () => false,
        )
      : document.execCommand('copy');
    setDone(copied ? 'Copied.' : 'Copy it by hand.');
  };
  return html`
    <div class="password">
      <label>${label}<input class="code" readonly value=${text} /></label>
      <button class="button" type="button" aria-label="Copy ${label.toLowerCase()}" onClick=${copy}>Copy</button>
      <p class="hint" role="status">${done}</p>
    </div>
  `;
}

/**
 * A button that asks before it acts, in its own place.
 * @param {{ label: string, question: string, yes: string, act: () => unknown }} props
 */
export function AskingButton({ label, question, yes, act }) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return html`<button class="button danger" type="button" onClick=${() => setAsked(true)}>${label} …</button>`;
  }
  const go = () => {
    setAsked(false);
    act();
  };
  return html`
    <div class="confirm" role="group" aria-label=${question}>
      <p>${question}</p>
      <button class="button" type="button" ref=${focus} onClick=${() => setAsked(false)}>Cancel</button>
      <button class="button danger" type="button" onClick=${go}>${yes}</button>
    </div>
  `;
}

/** The answer that harms nothing. @param {HTMLElement | null} button */
function focus(button) {
  button?.focus();
}

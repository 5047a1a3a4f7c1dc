/** What forms have in common: how they are sent, and what passwords are typed into. */
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { faultsOf, sentenceOf, statusOf } from './api.js';
import { fillField, forgetDraft, keepField } from './draft.js';
import { html } from './gauge.js';

/** Attributes of a field that takes nothing else: an empty pattern would take nothing at all. */
const PLAIN = { pattern: '[ -~]+', title: 'Letters of English, digits and common signs' };
/** What is wrong with fields, by their names. @typedef {ReadonlyMap<string, string>} Faults */
const NO_FAULTS = /** @type {Faults} */ (new Map());
const IDLE = { busy: false, error: '', faults: NO_FAULTS, status: 0 };

/**
 * Has what is typed into a form there again when the form is: `attributes` are for the form, of which
 * `form` is the reference. Without a name nothing is kept.
 * @param {string} [name]
 */
export function useDraft(name) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const filled = useRef(/** @type {WeakSet<Element>} */ (new WeakSet()));
  // Each time it is drawn: what is in one field may be why there is another.
  useLayoutEffect(() => {
    if (name === undefined) return;
    for (const field of form.current?.elements ?? []) {
      if (filled.current.has(field)) continue;
      filled.current.add(field);
      fillField(name, /** @type {HTMLInputElement} */ (field));
    }
  });
  const onInput = (/** @type {Event} */ { target }) => {
    if (name !== undefined) keepField(name, /** @type {HTMLInputElement} */ (target));
  };
  const forget = () => {
    if (name !== undefined) forgetDraft(name);
  };
  return { form, attributes: { ref: form, onInput }, forget };
}

/**
 * Sends a form. `submit` makes the handler of what is to be done with its fields; it may reject as
 * `ask` does, which is told in `faults` where it is about fields of the form, else in `error`.
 * @param {string} [name] by which what is typed is kept until it is sent
 */
export function useForm(name) {
  const [state, setState] = useState(IDLE);
  const { attributes, forget } = useDraft(name);
  /** @param {(text: (name: string) => string, form: HTMLFormElement) => Promise<unknown>} work */
  const submit = (work) => async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const fields = new FormData(form);
    setState({ ...IDLE, busy: true });
    try {
      await work((name) => String(fields.get(name) ?? ''), form);
      forget();
      setState(IDLE);
    } catch (failure) {
      const faults = faultsIn(form, failure);
      const error = faults.size > 0 ? '' : sentenceOf(failure);
      setState({ busy: false, error, faults, status: statusOf(failure) });
    }
  };
  return { ...state, submit, attributes, forget };
}

/**
 * What is wrong, if all of it is about fields that tell it: those that say whether they are invalid.
 * @param {HTMLFormElement} form
 * @param {unknown} failure
 * @returns {Faults}
 */
function faultsIn({ elements }, failure) {
  const faults = faultsOf(failure).map(
    ({ pointer, message }) => /** @type {const} */ ([pointer.slice(1), message]),
  );
  const told = faults.every(([name]) => {
    const field = elements.namedItem(name);
    return field instanceof HTMLElement && field.hasAttribute('aria-invalid');
  });
  return told ? new Map(faults) : NO_FAULTS;
}

/** @param {{ error: string }} props */
export function FormError({ error }) {
  return html`<p class="said wide" role="alert" data-failed="true">${error}</p>`;
}

/** What is wrong with one field. @param {{ faults: Faults, name: string, id?: string }} props */
export function Fault({ faults, name, id }) {
  const fault = faults.get(name);
  return fault !== undefined && html`<p class="fault" role="alert" id=${id}>${fault}</p>`;
}

/**
 * @typedef {object} PasswordProps
 * @property {string} [label]
 * @property {string} [name]
 * @property {Faults} [faults]
 * @property {boolean} [required]
 * @property {'current-password' | 'new-password'} autocomplete
 * @property {boolean} [plain] it goes into a header, which has no other than the printable ones of ASCII
 */

/** A password that can be looked at, which is worth more than to type it twice. @param {PasswordProps} props */
export function PasswordField({
  label = 'Password',
  name = 'password',
  faults = NO_FAULTS,
  required = true,
  autocomplete,
  plain = false,
}) {
  const id = useId();
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
          required=${required}
          aria-invalid=${faults.has(name)}
          aria-describedby=${faults.has(name) ? id : null}
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
      <${Fault} faults=${faults} name=${name} id=${id} />
      <p class="caution" role="status">${caps && 'Caps lock is on.'}</p>
      ${autocomplete === 'new-password' && html`<p class="hint">At least 12 characters. A few words are easy to keep in mind.</p>`}
    </div>
  `;
}

/** @param {{ faults: Faults }} props */
export function NameField({ faults }) {
  const id = useId();
  const wrong = faults.has('username');
  return html`
    <div>
      <label>
        User name
        <input
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck=${false}
          maxlength="32"
          required
          aria-invalid=${wrong}
          aria-describedby=${wrong ? id : null}
        />
      </label>
      <${Fault} faults=${faults} name="username" id=${id} />
    </div>
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
 * @typedef {object} AskingProps
 * @property {string} label
 * @property {string} [of] whom it is about, for those who cannot see where it stands
 * @property {string} question
 * @property {string} yes
 * @property {() => unknown} act
 * @property {() => boolean} [ready] whether there is anything to be asked yet
 */

/** A button that asks before it acts, in its own place. @param {AskingProps} props */
export function AskingButton({ label, of = '', question, yes, act, ready = () => true }) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return html`
      <button
        class="button danger"
        type="button"
        aria-label=${of === '' ? null : `${label} ${of}`}
        onClick=${() => setAsked(ready())}
      >
        ${label} …
      </button>
    `;
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

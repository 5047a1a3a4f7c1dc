/** The settings of the gateway, a copy of it to keep, and its restart. For who manages it. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { useAct } from './answers.js';
import { ask, faultsOf, request, statusOf } from './api.js';
import { AskingButton, FormError, PasswordField, useDraft, useForm } from './form.js';
import { html } from './gauge.js';
import { handOver } from './hand-over.js';
import { Frame, isDriving, Said } from './more.js';
import { useTagged } from './tagged.js';

const CHANGED_MEANWHILE = 412;
const RESTORED =
  'The backup is restored, with its accounts: log in with one of them, and restart the gateway under More, Settings.';
/** What is not written as it comes. */
const SHAPES = { array: ', with commas between them', integer: ', a whole number' };

/** @typedef {{ type?: string, enum?: readonly string[] }} Shape */
/** @typedef {Omit<import('../src/gateway/configuring.ts').SettingView, 'schema'> & { schema: Shape }} Setting */
/** @typedef {Omit<import('../src/gateway/configuring.ts').SettingsView, 'items'> & { items: readonly Setting[] }} SettingsAnswer */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/** @param {{ live: import('./live.js').Live }} props */
export function Settings({ live }) {
  const driving = isDriving(live);
  return html`
    <${Frame} view="settings" live=${live}>
      <${SettingList} driving=${driving} />
      ${!driving && html`<${Backup} /><${Restore} />`}
    <//>
  `;
}

/** @param {{ driving: boolean }} props */
function SettingList({ driving }) {
  /** @type {ReturnType<typeof useTagged<SettingsAnswer>>} */
  const { answer, tag, error, again } = useTagged('/settings');
  const { said, act } = useAct(again);
  return html`
    <${Said} said=${said} error=${error} waits=${!answer} />
    ${
      answer?.fault &&
      html`<p class="said" role="alert" data-failed="true">
        The file of the settings is broken, so the last good ones are used: ${answer.fault.text}
      </p>`
    }
    ${answer?.restart && html`<p class="said" role="status">Restart the gateway for what was changed.</p>`}
    <ul class="sessions" aria-label="Settings">
      ${answer?.items.map(
        (setting) => html`
          <${SettingRow} key=${setting.key} setting=${setting} tag=${tag} act=${act} driving=${driving} />
        `,
      )}
    </ul>
    ${answer && html`<${Restart} supervised=${answer.supervised} />`}
  `;
}

/**
 * A value as it is shown, and as it is typed.
 * @param {{ value: unknown, isSet: boolean }} setting
 * @param {boolean} [secret]
 */
export function valueText({ value, isSet }, secret = false) {
  if (secret) return isSet ? 'set, and not shown' : '';
  if (Array.isArray(value)) return value.map(String).join(', ');
  return value === undefined || value === null ? '' : String(value);
}

/**
 * What was typed, as the setting has it: nothing is none.
 * @param {string} text
 * @param {Shape} schema
 */
export function typedValue(text, { type }) {
  const typed = text.trim();
  if (type === 'array') {
    return typed === '' ? [] : typed.split(',').map((one) => one.trim());
  }
  if (typed === '') return null;
  if (type === 'boolean') return typed === 'true';
  return type === 'integer' && Number.isFinite(Number(typed)) ? Number(typed) : typed;
}

/** Who says what a setting is. @param {Setting['from']} from */
function fromText({ kind, name, line }) {
  if (kind === 'default') return 'As it comes';
  return [kind, name, line === null ? '' : `line ${line}`].filter(Boolean).join(' ');
}

/** @param {{ setting: Setting, tag: string, act: Act, driving: boolean }} props */
function SettingRow({ setting, tag, act, driving }) {
  const { key, about, from, changeable, secret, next } = setting;
  const [editing, setEditing] = useState(false);
  return html`
    <li class="card session">
      <div class="what">
        <b class="start">${key}</b>
        <span class="badges">
          <span class="mark" data-level=${from.kind === 'default' ? null : 'live'}>${fromText(from)}</span>
          ${next && html`<span class="mark" data-level="caution">Changes with a restart</span>`}
        </span>
        <p class="text">${about}</p>
        <code class="facts">${valueText(setting, secret) || 'none'}</code>
        ${next && html`<code class="facts">then: ${valueText(next, secret) || 'none'}</code>`}
      </div>
      ${
        changeable &&
        !driving &&
        html`<button
          class="button"
          type="button"
          aria-expanded=${editing}
          aria-label="Edit ${key}"
          onClick=${() => setEditing(!editing)}
        >
          Edit
        </button>`
      }
      ${editing && !driving && html`<${SettingForm} setting=${setting} tag=${tag} act=${act} onDone=${() => setEditing(false)} />`}
    </li>
  `;
}

/** @param {{ setting: Setting, tag: string, act: Act, onDone: () => void }} props */
function SettingForm({ setting, tag, act, onDone }) {
  const { key, schema, from, next } = setting;
  const [fault, setFault] = useState('');
  const { busy, error, submit, attributes, forget } = useForm(`setting ${key}`);
  const cancel = () => {
    forget();
    onDone();
  };
  /** @param {unknown} value */
  const put = async (value) => {
    setFault('');
    try {
      const headers = { 'if-match': tag };
      await ask('/settings', { method: 'PATCH', body: { [key]: value }, headers });
    } catch (failure) {
      if (statusOf(failure) === CHANGED_MEANWHILE) await act(() => Promise.resolve(''));
      setFault(faultsOf(failure)[0]?.message ?? '');
      throw failure;
    }
    onDone();
    await act(() => Promise.resolve(`${key} is kept. It counts after a restart.`));
  };
  const save = submit((text) => put(typedValue(text('value'), schema)));
  const reset = submit(() => put(null));
  return html`
    <form class="edit" ...${attributes} onSubmit=${save} aria-label=${key}>
      <${ValueField} setting=${setting} />
      <${FormError} error=${fault || error} />
      <div class="do wide">
        <button class="button primary" disabled=${busy}>Save</button>
        <button class="button" type="button" onClick=${cancel}>Cancel</button>
      </div>
    </form>
    ${
      (from.kind === 'file' || next) &&
      html`<form onSubmit=${reset}><button class="button" disabled=${busy}>As it comes</button></form>`
    }
  `;
}

/** @param {{ setting: Setting }} props */
function ValueField({ setting }) {
  const { key, schema, secret, next } = setting;
  const options = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : undefined);
  const value = secret ? '' : valueText(next ?? setting);
  if (options) {
    return html`
      <label>
        ${key}
        <select name="value">
          ${options.map((one) => html`<option value=${one} selected=${one === value}>${one}</option>`)}
        </select>
      </label>
    `;
  }
  return html`
    <label class="wide">
      ${key}${schema.type === 'array' || schema.type === 'integer' ? SHAPES[schema.type] : ''}
      <input
        class="code"
        name="value"
        type=${secret ? 'password' : 'text'}
        defaultValue=${value}
        autocomplete="off"
        autocapitalize="none"
        spellcheck=${false}
      />
    </label>
  `;
}

/**
 * It is back within seconds; the page notices by itself.
 * @param {{ supervised: boolean }} props
 */
function Restart({ supervised }) {
  const { said, act } = useAct(() => {});
  const restart = () =>
    act(async () => {
      await ask('/system/restart', { method: 'POST', body: { confirm: true } });
      return 'The gateway restarts. It is back in a few seconds.';
    });
  return html`
    <section class="card summary" aria-labelledby="restart-title">
      <h3 id="restart-title">Restart</h3>
      ${
        supervised
          ? html`
            <p class="hint">What is being recorded goes on after it, with a gap of some seconds.</p>
            <p class="said" role="status" data-failed=${said.failed}>${said.text}</p>
            <div class="do">
              <${AskingButton} label="Restart" question="Restart the gateway now?" yes="Restart" act=${restart} />
            </div>
          `
          : html`<p class="hint">
            Stop and start it where it was started: nothing would start it again by itself.
          </p>`
      }
    </section>
  `;
}

function Backup() {
  const { busy, error, submit, attributes } = useForm('backup');
  const save = submit(async (text, form) => {
    const headers = { 'x-vigil-passphrase': text('password') };
    const reply = await request('/backup', { headers });
    const named = /filename="([^"]+)"/.exec(reply.headers.get('content-disposition') ?? '')?.[1];
    handOver(await reply.blob(), named ?? 'vigil.backup');
    form.reset();
  });
  return html`
    <section class="card summary" aria-labelledby="backup-title">
      <h3 id="backup-title">Backup</h3>
      <p class="hint">
        Settings, accounts and rules in one encrypted file, without recordings. Without the passphrase
        nobody can read it.
      </p>
      <form class="edit" ...${attributes} onSubmit=${save} aria-labelledby="backup-title">
        <${PasswordField} label="Passphrase" autocomplete="new-password" plain />
        <${FormError} error=${error} />
        <div class="do wide"><button class="button" disabled=${busy}>Download a backup</button></div>
      </form>
    </section>
  `;
}

function Restore() {
  const { said, act } = useAct(() => {});
  const { form, attributes, forget } = useDraft('restore');
  const restore = () =>
    act(async () => {
      const fields = new FormData(form.current ?? undefined);
      const headers = { 'x-vigil-passphrase': String(fields.get('password')) };
      const content = /** @type {File} */ (fields.get('file'));
      await request('/restore', { method: 'POST', content, headers });
      forget();
      // Its own log-in has ended with the others, which is told here and not as if it had run out.
      account.leave(RESTORED);
      return '';
    });
  return html`
    <section class="card summary" aria-labelledby="restore-title">
      <h3 id="restore-title">Restore</h3>
      <p class="hint">Takes the place of the settings, accounts and rules that are there now.</p>
      <form
        class="edit"
        ...${attributes}
        onSubmit=${(/** @type {SubmitEvent} */ event) => event.preventDefault()}
        aria-labelledby="restore-title"
      >
        <label>File of a backup<input type="file" name="file" required /></label>
        <${PasswordField} label="Its passphrase" autocomplete="current-password" plain />
        <p class="said wide" role="status" data-failed=${said.failed}>${said.text}</p>
        <div class="do wide">
          <${AskingButton}
            label="Restore"
            question="Replace all settings, accounts and rules with those of the backup? Everybody is logged out."
            yes="Restore"
            ready=${() => form.current?.reportValidity() === true}
            act=${restore}
          />
        </div>
      </form>
    </section>
  `;
}

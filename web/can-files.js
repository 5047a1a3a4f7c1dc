/** The DBC files of a CAN bus: what is in them, what was wrong, and how they come and go. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { useAct, useAnswer } from './answers.js';
import { ask, request } from './api.js';
import { dbcName, ORIGINS, readText } from './can-words.js';
import { Fold } from './fold.js';
import { AskingButton, FormError, useForm } from './form.js';
import { html } from './gauge.js';
import { handOver } from './hand-over.js';
import { Said } from './more.js';
import { counted } from './words.js';

/** @typedef {import('./can-words.js').Bus} Bus */
/** @typedef {import('./can-words.js').DbcFile} DbcFile */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/** @param {{ bus: Bus, again: () => void, driving: boolean }} props */
export function DbcFiles({ bus: { name: bus, files }, again, driving }) {
  /** @type {import('./answers.js').Answer<{ items: readonly DbcFile[] }>} */
  const { answer, error, again: reread } = useAnswer(`/can/${bus}/dbc`);
  const { said, act } = useAct(() => {
    reread();
    again();
  });
  const items = answer?.items ?? [];
  const mayChange = account.may('service') && !driving;
  return html`
    <h4 id="dbc-${bus}">DBC files</h4>
    <${Said} said=${said} error=${error} waits=${!answer} />
    ${answer && items.length === 0 && html`<p class="hint">There is none: frames are recorded as they come, and nobody knows what they mean.</p>`}
    <ul class="rows" aria-labelledby="dbc-${bus}">
      ${items.map((file) => {
        const shadowed = files.find(({ name }) => name === file.name)?.shadowed ?? 0;
        return html`<${FileRow} key=${file.name} ...${{ bus, file, shadowed, act, mayChange }} />`;
      })}
    </ul>
    ${mayChange && html`<${Upload} bus=${bus} items=${items} act=${act} />`}
  `;
}

/** @param {{ bus: string, file: DbcFile, shadowed: number, act: Act, mayChange: boolean }} props */
function FileRow({ bus, file, shadowed, act, mayChange }) {
  const { name, origin, problem } = file;
  const path = `/can/${bus}/dbc/${name}`;
  const save = () =>
    act(async () => {
      handOver(await (await request(path)).blob(), `${name}.dbc`);
      return '';
    });
  const remove = () =>
    act(async () => {
      await ask(path, { method: 'DELETE' });
      return `${name} is deleted. What was recorded of its signals stays.`;
    });
  return html`
    <li>
      <span class="what">
        <b>${name}</b>
        ${problem === null ? html` <small>${readText(file)}</small>` : html` <span class="fault">${problem}</span>`}
        ${shadowed > 0 && html`<small>${counted(shadowed, 'message')} of it in a file above, whose meaning counts</small>`}
      </span>
      ${ORIGINS[origin] !== '' && html`<span class="mark">${ORIGINS[origin]}</span>`}
      ${
        account.may('service') &&
        html`<div class="do">
          ${
            problem === null &&
            html`<button class="button" type="button" aria-label="Download ${name}" onClick=${save}>Download</button>`
          }
          ${
            mayChange &&
            origin === 'upload' &&
            html`<${AskingButton}
              label="Delete"
              of=${name}
              question="Delete ${name}? Its signals are recorded no more."
              yes="Delete"
              act=${remove}
            />`
          }
        </div>`
      }
      <${Warnings} file=${file} />
    </li>
  `;
}

/** What could not be taken as it stands, by line. */
function Warnings(/** @type {{ file: DbcFile }} */ { file: { name, warnings, unlisted } }) {
  if (warnings.length === 0) return null;
  const list = () => html`
    <ol class="warnings" aria-label="Warnings of ${name}">
      ${warnings.map(
        ({ line, text, seen }) =>
          html`<li><b>Line ${line}</b> ${text}${seen !== '' && html` <code>${seen}</code>`}</li>`,
      )}
      ${unlisted > 0 && html`<li>And ${unlisted} more.</li>`}
    </ol>
  `;
  const label = counted(warnings.length + unlisted, 'warning');
  return html`<${Fold} name="fold wide" label=${`${label} in ${name}`} make=${list} />`;
}

/** @param {{ bus: string, items: readonly DbcFile[], act: Act }} props */
function Upload({ bus, items, act }) {
  const [name, setName] = useState('');
  const { busy, error, submit, attributes } = useForm();
  const isThere = items.some((file) => file.name === name);
  /** @param {Event & { currentTarget: HTMLInputElement }} event */
  const pick = ({ currentTarget }) => setName(dbcName(currentTarget.files?.[0]?.name ?? ''));
  const send = submit(async (_, form) => {
    const content = /** @type {File} */ (new FormData(form).get('file'));
    /** @type {DbcFile} */
    const file = await ask(`/can/${bus}/dbc/${name}`, { method: 'PUT', content });
    form.reset();
    setName('');
    await act(async () => `${name} is read and counts from now on: ${readText(file)}.`);
  });
  // Without `accept`: phones do not know what a DBC file is, and would let nobody pick one.
  return html`
    <form class="edit" ...${attributes} onSubmit=${send} aria-label="Add a DBC file to ${bus}">
      <label>Add a DBC file<input type="file" name="file" required onChange=${pick} /></label>
      <div class="do last">
        <button class="button primary" disabled=${busy || name === ''}>${busy ? 'Sending …' : isThere ? `Replace ${name}` : 'Upload'}</button>
      </div>
      <${FormError} error=${error} />
    </form>
  `;
}

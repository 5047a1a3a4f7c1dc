/** The fields of a rule, each with what the gateway says of it beside it. */
import { useId, useMemo } from 'preact/hooks';
import { actionName, WHO_GETS_WHAT } from './alert-actions.js';
import { SEVERITY } from './alerts-banner.js';
import { html } from './gauge.js';
import { CONDITION, fieldsOf, OPS, SCHEDULE, STEPS, stepFields, TERMS } from './rule-draft.js';
import { labelsOf, placed } from './rule-faults.js';
import { StreamChoices } from './stream-choices.js';
import { isFrames } from './stream-groups.js';
import { unitWords } from './units.js';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const SEVERITIES = Object.entries(SEVERITY).map(([value, { word }]) => [value, word]);
const MOVING = [
  ['', 'Always'],
  ['true', 'The car moves'],
  ['false', 'It stands still'],
];
const ENGINE = [
  ['', 'Always'],
  ['on', 'The engine is on'],
  ['off', 'The engine is off'],
];

/** @typedef {import('./alerts-api.js').Action} Action */
/** @typedef {import('./rule-draft.js').Draft} Draft */
/** @typedef {import('./rule-draft.js').Field} Field */
/** @typedef {import('./api.js').Stream} Stream */

/**
 * @typedef {object} FieldsProps
 * @property {Draft} draft
 * @property {(draft: Draft) => void} onDraft
 * @property {ReadonlyMap<string, Stream>} streams
 * @property {readonly Action[]} actions
 * @property {readonly import('./api.js').Fault[]} faults
 */

/**
 * What each field needs.
 * @typedef {object} Form
 * @property {(pointer: string) => string} text
 * @property {(pointer: string, text: string) => void} write
 * @property {(pointer: string) => readonly string[]} wrong
 * @property {Stream | undefined} stream
 */

/** @param {FieldsProps} props */
export function RuleFields({ draft, onDraft, streams, actions, faults }) {
  const { several, texts } = draft;
  const op = texts['/when/op'] ?? '';
  const places = placed(faults, [...labelsOf(draft).keys()]);
  /** @type {Form} */
  const form = {
    text: (pointer) => texts[pointer] ?? '',
    write: (pointer, text) => onDraft({ ...draft, texts: { ...texts, [pointer]: text } }),
    wrong: (pointer) => places.get(pointer) ?? [],
    stream: several ? undefined : streams.get(texts['/stream'] ?? ''),
  };
  return html`
    <div class="edit">
      <${Input} form=${form} field=${TERMS[0]} wide=${true} />
      <${Select} form=${form} pointer="/severity" label="Severity" options=${SEVERITIES} />
      <label>
        Watches
        <select
          value=${String(several)}
          onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) =>
            onDraft({ ...draft, several: event.currentTarget.value === 'true' })}
        >
          <option value="false">One stream</option>
          <option value="true">Several, as JSON</option>
        </select>
      </label>
    </div>
    ${
      several
        ? html`<${Composite} form=${form} />`
        : html`<${Comparison} form=${form} streams=${streams} op=${op} />`
    }
    <div class="edit">
      <${Input} form=${form} field=${TERMS[1]} />
      <${Input} form=${form} field=${TERMS[2]} />
      <${Select} form=${form} pointer="/while/moving" label="Only while" options=${MOVING} />
      <${Select} form=${form} pointer="/while/engine" label="And only while" options=${ENGINE} />
    </div>
    <${Steps} form=${form} />
    <${More} form=${form} draft=${draft} onDraft=${onDraft} actions=${actions} />
  `;
}

/** @param {{ form: Form, draft: Draft, onDraft: (draft: Draft) => void, actions: readonly Action[] }} props */
function More({ form, draft, onDraft, actions }) {
  const inside = [...SCHEDULE.map(({ pointer }) => pointer), '/while/schedule/days', '/actions'];
  const faulty = inside.some((pointer) => form.wrong(pointer).length > 0);
  return html`
    <details class="more" open=${faulty}>
      <summary>Study, hours and actions</summary>
      <div class="edit">
        ${SCHEDULE.map((field) => html`<${Input} form=${form} field=${field} />`)}
      </div>
      <${Checks}
        legend="On these days; on all where none is chosen"
        options=${DAYS.map((day, i) => [i + 1, day])}
        chosen=${draft.days}
        onChosen=${(/** @type {number[]} */ days) => onDraft({ ...draft, days })}
        wrong=${form.wrong('/while/schedule/days')}
      />
      ${
        actions.length > 0 &&
        html`<${Checks}
          legend="Actions besides. ${WHO_GETS_WHAT}"
          options=${actions.map((action) => [action.id, actionName(action)])}
          chosen=${draft.actions}
          onChosen=${(/** @type {string[]} */ chosen) => onDraft({ ...draft, actions: chosen })}
          wrong=${form.wrong('/actions')}
        />`
      }
    </details>
  `;
}

/** @param {{ form: Form, streams: ReadonlyMap<string, Stream>, op: string }} props */
function Comparison({ form, streams, op }) {
  const event = form.stream?.kind === 'event';
  const fitting = OPS.filter(
    (one) => !form.stream || one.event === event || one.op === 'stale' || one.op === op,
  );
  const states = Object.entries(form.stream?.states ?? {}).map(
    ([value, word]) => `${value} ${word}`,
  );
  return html`
    <${StreamChoice} form=${form} streams=${streams} />
    <div class="edit">
      <${Select}
        form=${form}
        pointer="/when/op"
        label="Fires when it"
        options=${fitting.map((one) => [one.op, one.words])}
      />
      ${fieldsOf(op).map((field) => html`<${Input} key=${field.pointer} form=${form} field=${field} />`)}
    </div>
    ${states.length > 0 && html`<p class="hint">Its values: ${states.join(' · ')}</p>`}
  `;
}

/** The stream, found by words of its name. Nothing can be told of raw frames. */
function StreamChoice(
  /** @type {{ form: Form, streams: ReadonlyMap<string, Stream> }} */ { form, streams },
) {
  const id = form.text('/stream');
  const offered = useMemo(() => [...streams.keys()].filter((one) => !isFrames(one)), [streams]);
  const wrong = form.wrong('/stream');
  return html`
    <details class="picker" open=${id === ''} data-invalid=${wrong.length > 0}>
      <summary>Stream: ${form.stream?.name ?? (id || 'choose one')} ${form.stream && html`<small>${id}</small>`}</summary>
      <${StreamChoices}
        type="radio"
        offered=${offered}
        streams=${streams}
        chosen=${[id]}
        onChoose=${(/** @type {string} */ one) => form.write('/stream', one)}
      />
    </details>
    ${wrong.map((message) => html`<p class="fault">${message}</p>`)}
  `;
}

/** Conditions within each other, as the API has them. */
function Composite(/** @type {{ form: Form }} */ { form }) {
  const wrong = form.wrong(CONDITION);
  return html`
    <div class="edit">
      <label class="wide">
        Condition
        <textarea
          class="code"
          rows="12"
          spellcheck="false"
          aria-invalid=${wrong.length > 0}
          onInput=${(/** @type {InputEvent & { currentTarget: HTMLTextAreaElement }} */ event) => form.write(CONDITION, event.currentTarget.value)}
          value=${form.text(CONDITION)}
        ></textarea>
      </label>
    </div>
    ${wrong.map((message) => html`<p class="fault">${message}</p>`)}
    <p class="hint">Such as {"all": [{"stream": "obd.vehicle.speed", "when": {"op": ">", "value": 50}}, …]}, with all, any or not.</p>
  `;
}

/** How it gets more severe. */
function Steps(/** @type {{ form: Form }} */ { form }) {
  const shown = STEPS.filter((i) => i === 0 || form.text(`/escalate/${i - 1}/severity`) !== '');
  return shown.map(
    (i) => html`
      <div class="edit" key=${i}>
        <${Select}
          form=${form}
          pointer=${`/escalate/${i}/severity`}
          label=${i === 0 ? 'Gets more severe' : 'And then'}
          options=${[['', 'No'], ...SEVERITIES.filter(([value]) => value !== 'info')]}
        />
        ${
          form.text(`/escalate/${i}/severity`) !== '' &&
          stepFields(i).map((field) => html`<${Input} form=${form} field=${field} />`)
        }
      </div>
    `,
  );
}

/** @param {{ form: Form, field: Field, wide?: boolean }} props */
function Input({ form, field: { pointer, label, kind, unit = '' }, wide = false }) {
  const id = useId();
  const wrong = form.wrong(pointer);
  const words = unitWords(unit === 'stream' ? (form.stream?.unit ?? '') : unit);
  return html`
    <label class=${wide ? 'wide' : ''}>
      <span>${label}${words !== '' && `, ${words}`}</span>
      <input
        name=${pointer}
        value=${form.text(pointer)}
        inputmode=${kind === 'number' || kind === 'seconds' ? 'decimal' : null}
        autocomplete="off"
        aria-invalid=${wrong.length > 0}
        aria-describedby=${wrong.length > 0 ? id : null}
        onInput=${(/** @type {InputEvent & { currentTarget: HTMLInputElement }} */ event) => form.write(pointer, event.currentTarget.value)}
      />
      ${wrong.length > 0 && html`<span class="fault" id=${id}>${wrong.join(' ')}</span>`}
    </label>
  `;
}

/** @param {{ form: Form, pointer: string, label: string, options: readonly (readonly string[])[] }} props */
function Select({ form, pointer, label, options }) {
  const wrong = form.wrong(pointer);
  return html`
    <label>
      <span>${label}</span>
      <select
        name=${pointer}
        value=${form.text(pointer)}
        aria-invalid=${wrong.length > 0}
        onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) => form.write(pointer, event.currentTarget.value)}
      >
        ${options.map(([value, word]) => html`<option value=${value}>${word}</option>`)}
      </select>
      ${wrong.map((message) => html`<span class="fault">${message}</span>`)}
    </label>
  `;
}

/**
 * @template {string | number} T
 * @param {{ legend: string, options: readonly [T, string][], chosen: readonly T[], onChosen: (chosen: T[]) => void, wrong: readonly string[] }} props
 */
function Checks({ legend, options, chosen, onChosen, wrong }) {
  return html`
    <fieldset class="checks">
      <legend>${legend}</legend>
      ${options.map(([value, word]) => {
        const checked = chosen.includes(value);
        const next = checked ? chosen.filter((one) => one !== value) : [...chosen, value];
        return html`
          <label class="check">
            <input type="checkbox" checked=${checked} onChange=${() => onChosen(next)} /><span>${word}</span>
          </label>
        `;
      })}
      ${wrong.map((message) => html`<p class="fault">${message}</p>`)}
    </fieldset>
  `;
}

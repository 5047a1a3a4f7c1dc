/** One rule, to be written or changed, and what it would have done. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { account } from './account.js';
import { changeRule, createRule, removeRule } from './alerts-api.js';
import { useAnswer, useChange } from './answers.js';
import { faultsOf, sentenceOf } from './api.js';
import { html } from './gauge.js';
import { CONDITION, draftOf, jsonFault, NEW_DRAFT, ruleOf } from './rule-draft.js';
import { faultSentence, labelsOf, missingIn } from './rule-faults.js';
import { RuleFields } from './rule-fields.js';
import { RulePreview } from './rule-preview.js';

/** @typedef {import('./alerts-api.js').Rule} Rule */
/** @typedef {import('./api.js').Stream} Stream */
/** @typedef {import('./api.js').Fault} Fault */
/** @typedef {import('./rule-draft.js').Draft} Draft */

/** @param {{ id: string } & import('./alerts.js').ViewProps} props `id`: `new` for one that is not there yet */
export function RuleView({ id, titleRef, driving, linked }) {
  const isNew = id === 'new';
  /** @type {import('./answers.js').Answer<Rule>} */
  const { answer: rule, error, again } = useAnswer(isNew ? undefined : `/alerts/${id}`);
  /** @type {import('./answers.js').Answer<{ items: readonly Stream[] }>} */
  const { answer: listed } = useAnswer('/streams');
  useChange(linked, again);
  // Kept here: the form goes when the car drives off, and what was typed is not to go with it.
  const [typed, setTyped] = useState(/** @type {Draft | undefined} */ (undefined));
  const draft = typed ?? (rule ? draftOf(rule) : NEW_DRAFT);
  const streams = useMemo(
    () => new Map((listed?.items ?? []).map((stream) => [stream.id, stream])),
    [listed],
  );
  return html`
    <p><a class="back" href="#alerts/rules">All rules</a></p>
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">${isNew ? 'New rule' : (rule?.name ?? 'Rule')}</h2>
    </div>
    <p class="said" role="status" data-failed=${error !== ''}>${error}</p>
    ${rule && html`<p>${rule.sentence}</p>`}
    ${
      !account.may('watch')
        ? html`<p class="hint">Your role sees rules and does not change them.</p>`
        : driving
          ? html`<p class="empty">Rules are written when the car stands.</p>`
          : (isNew || rule) &&
            listed &&
            html`<${Editor} rule=${rule} draft=${draft} onDraft=${setTyped} streams=${streams} />`
    }
  `;
}

/**
 * @typedef {object} EditorProps
 * @property {Rule | undefined} rule
 * @property {Draft} draft
 * @property {(draft: Draft) => void} onDraft
 * @property {ReadonlyMap<string, Stream>} streams
 */

/** @param {EditorProps} props */
function Editor({ rule, draft, onDraft, streams }) {
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').ActionList>} */
  const { answer: actions } = useAnswer('/alerts/actions');
  const { error, faults, busy, send, refuse } = useSending();
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const unit = streams.get(draft.texts['/stream'] ?? '')?.unit;
  const said = ruleOf(draft, unit);
  const wrong = jsonFault(draft);
  const missing = missingIn(draft);
  const labels = labelsOf(draft);
  // What is wrong may be far from the button.
  useEffect(() => {
    if (faults.length === 0) return;
    /** @type {HTMLElement | null | undefined} */
    const first = form.current?.querySelector(
      '[aria-invalid="true"], [data-invalid="true"] > summary',
    );
    first?.focus();
  }, [faults]);
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    if (missing.length > 0) {
      refuse(missing);
      return;
    }
    await send(async () => {
      if (rule) await changeRule(rule.id, said);
      else await createRule(said);
    });
  };
  return html`
    <form class="card summary rule-form" aria-label="Rule" novalidate ref=${form} onSubmit=${save}>
      <p class="said" role="alert" data-failed="true">
        ${faults.length > 0 ? `Not saved. ${faultSentence(faults, labels)}` : error}
      </p>
      <${RuleFields}
        draft=${draft}
        onDraft=${onDraft}
        streams=${streams}
        actions=${actions?.items ?? []}
        faults=${wrong === '' ? faults : [{ pointer: CONDITION, message: wrong }]}
      />
      <div class="do">
        <button class="button primary" disabled=${busy || wrong !== ''}>${rule ? 'Save' : 'Create'}</button>
        <a class="button" href="#alerts/rules">Cancel</a>
        ${rule && rule.origin !== 'shipped' && html`<${RemoveButton} rule=${rule} send=${send} />`}
      </div>
    </form>
    <${RulePreview}
      rule=${{ ...said, name: said['name'] ?? 'Preview' }}
      against=${rule?.id}
      streams=${streams}
      labels=${labels}
      lacks=${wrong === '' ? missing.map(({ pointer }) => pointer) : [CONDITION]}
    />
  `;
}

/** Sends something, and goes to the list when the gateway has taken it. */
function useSending() {
  const [state, setState] = useState({
    error: '',
    faults: /** @type {readonly Fault[]} */ ([]),
    busy: false,
  });
  /** @param {() => Promise<unknown>} work */
  const send = async (work) => {
    setState({ error: '', faults: [], busy: true });
    try {
      await work();
      location.hash = '#alerts/rules';
    } catch (failure) {
      setState({ error: sentenceOf(failure), faults: faultsOf(failure), busy: false });
    }
  };
  /** @param {readonly Fault[]} found without asking */
  const refuse = (found) => setState({ error: '', faults: found, busy: false });
  return { ...state, send, refuse };
}

/**
 * Asks before it does it, in its own place.
 * @param {{ rule: Rule, send: (work: () => Promise<unknown>) => Promise<void> }} props
 */
function RemoveButton({ rule: { id, name, origin }, send }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (asked) document.getElementById('keep')?.focus();
  }, [asked]);
  const restores = origin === 'changed';
  if (!asked) {
    return html`<button class="button danger last" type="button" onClick=${() => setAsked(true)}>
      ${restores ? 'Restore …' : 'Delete …'}
    </button>`;
  }
  return html`
    <div class="confirm" role="group" aria-labelledby="confirm">
      <p id="confirm">
        ${restores ? `Have ${name} again as it came with the gateway?` : `Delete the rule ${name}?`}
      </p>
      <button class="button" type="button" id="keep" onClick=${() => setAsked(false)}>Keep</button>
      <button class="button danger" type="button" onClick=${() => send(() => removeRule(id))}>
        ${restores ? 'Restore' : 'Delete'}
      </button>
    </div>
  `;
}

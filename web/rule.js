/** One rule, to be written or changed, and what it would have done. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { changeRule, createRule, removeRule } from './alerts-api.js';
import { useAnswer } from './answers.js';
import { faultsOf, sentenceOf } from './api.js';
import { html } from './gauge.js';
import { draftOf, jsonFault, NEW_DRAFT, ruleOf } from './rule-draft.js';
import { RuleFields } from './rule-fields.js';
import { RulePreview } from './rule-preview.js';

/** @typedef {import('./alerts-api.js').Rule} Rule */
/** @typedef {import('./api.js').Stream} Stream */
/** @typedef {import('./api.js').Fault} Fault */

/** @param {{ id: string } & import('./alerts.js').ViewProps} props `id`: `new` for one that is not there yet */
export function RuleView({ id, titleRef, driving }) {
  const isNew = id === 'new';
  /** @type {import('./answers.js').Answer<Rule>} */
  const { answer: rule, error } = useAnswer(isNew ? undefined : `/alerts/${id}`);
  /** @type {import('./answers.js').Answer<{ items: readonly Stream[] }>} */
  const { answer: listed } = useAnswer('/streams');
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
      driving
        ? html`<p class="empty">Rules are written when the car stands.</p>`
        : (isNew || rule) && listed && html`<${Editor} key=${id} rule=${rule} streams=${streams} />`
    }
  `;
}

/** @param {{ rule: Rule | undefined, streams: ReadonlyMap<string, Stream> }} props */
function Editor({ rule, streams }) {
  const [draft, setDraft] = useState(() => (rule ? draftOf(rule) : NEW_DRAFT));
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').ActionList>} */
  const { answer: actions } = useAnswer('/alerts/actions');
  const { error, faults, busy, send } = useSending();
  const unit = streams.get(draft.texts['/stream'] ?? '')?.unit;
  const said = ruleOf(draft, unit);
  const wrong = jsonFault(draft);
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    await send(async () => {
      if (rule) await changeRule(rule.id, said);
      else await createRule(said);
    });
  };
  return html`
    <form class="card summary rule-form" aria-label="Rule" novalidate onSubmit=${save}>
      <${RuleFields}
        draft=${draft}
        onDraft=${setDraft}
        streams=${streams}
        actions=${(actions?.items ?? []).map((action) => action.id)}
        faults=${wrong === '' ? faults : [{ pointer: '/condition', message: wrong }]}
      />
      <p class="said" role="alert" data-failed="true">${error}</p>
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
  return { ...state, send };
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

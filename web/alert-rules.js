/** The rules: what is watched for, with a switch for each. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { firedText } from './alert-words.js';
import { changeRule, matchingRules } from './alerts-api.js';
import { SEVERITY, SeverityIcon } from './alerts-banner.js';
import { useAct, useAnswer, useChange } from './answers.js';
import { html } from './gauge.js';

/** Alerts that are looked through to tell how often each rule has fired. */
const COUNTED = 200;
/** From so many rules on they can be searched. */
const SEARCHED_MIN = 21;
/** More are found by typing: each row costs the browser time. */
const SHOWN_MAX = 100;
const ORIGINS = { shipped: '', changed: 'Changed', own: 'Own' };

/** @typedef {import('./alerts-api.js').Rule} Rule */

/** @param {import('./alerts.js').ViewProps} props */
export function RuleList({ titleRef, turn, driving, linked }) {
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').RuleList>} */
  const { answer, error, again } = useAnswer('/alerts');
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').AlertPage>} */
  const history = useAnswer(`/alerts/history?limit=${COUNTED}`);
  const { said, act } = useAct(again, linked);
  const [text, setText] = useState('');
  const rules = answer?.items ?? [];
  const found = matchingRules(rules, text);
  useChange(turn, () => {
    again();
    history.again();
  });
  return html`
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">Rules</h2>
      ${!driving && account.may('watch') && html`<a class="button primary" href="#alerts/rules/new">New rule</a>`}
    </div>
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    ${!answer && !error && html`<p class="empty">Asking the gateway …</p>`}
    ${
      rules.length >= SEARCHED_MIN &&
      !driving &&
      html`<label class="find">
        Find by name or stream
        <input
          type="search"
          value=${text}
          onInput=${(/** @type {InputEvent & { currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)}
        />
      </label>`
    }
    ${answer && found.length === 0 && html`<p class="empty">There is no such rule.</p>`}
    ${found.length > SHOWN_MAX && html`<p class="hint" role="status">${SHOWN_MAX} of ${found.length} rules are shown.</p>`}
    <ul class="sessions" aria-label="Rules">
      ${found.slice(0, SHOWN_MAX).map(
        (rule) => html`
          <${Row} key=${rule.id} rule=${rule} act=${act} fired=${firedText(rule.id, history.answer)} />
        `,
      )}
    </ul>
  `;
}

/** @param {{ rule: Rule, fired: string, act: (work: () => Promise<string>) => Promise<void> }} props */
function Row({ rule, fired, act }) {
  const { id, name, severity, enabled, origin, sentence, ongoing, faults } = rule;
  const toggle = () =>
    act(async () => {
      await changeRule(id, { enabled: !enabled });
      return enabled ? `${name} is not watched for any more.` : `${name} is watched for.`;
    });
  const facts = [fired, ongoing > 0 && `${ongoing} now`, ORIGINS[origin]].filter(Boolean);
  return html`
    <li class="card session rule" data-off=${!enabled}>
      <div class="what">
        <a class="start" href="#alerts/rules/${id}">${name}</a>
        <span class="badges">
          <span class="mark" data-severity=${severity}>
            <${SeverityIcon} severity=${severity} />${SEVERITY[severity].word}
          </span>
        </span>
        <p class="text">${sentence}</p>
        ${faults.length > 0 && html`<p class="fault">It cannot fire at present. ${faults.map(({ message }) => message).join(' ')}</p>`}
        <span class="facts">${facts.join(' · ')}</span>
      </div>
      ${
        account.may('watch')
          ? html`<button class="switch" type="button" role="switch" aria-checked=${enabled} aria-label=${name} onClick=${toggle}>
              <span>${enabled ? 'On' : 'Off'}</span>
            </button>`
          : html`<span class="mark">${enabled ? 'On' : 'Off'}</span>`
      }
    </li>
  `;
}

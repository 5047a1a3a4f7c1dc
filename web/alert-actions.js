/** What is done besides showing alerts, each with a button that tries it. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { testAction } from './alerts-api.js';
import { useAct, useAnswer, useChange } from './answers.js';
import { html } from './gauge.js';

/** The same for every alert; a rule can only add to it. */
export const WHO_GETS_WHAT =
  'Webhooks get every alert, mail those from warning on, the buzzer alarms; and every action what a rule names.';
const KINDS = { mail: 'E-mail', webhook: 'Webhook', buzzer: 'Buzzer' };
const STATES = {
  ok: { word: 'Works', level: 'live' },
  waiting: { word: 'Waiting', level: 'caution' },
  failed: { word: 'Failed', level: 'danger' },
};

/** @typedef {import('./alerts-api.js').Action} Action */

/**
 * What an action is called: there can be several webhooks, `webhook` and `webhook2`.
 * @param {Pick<Action, 'id' | 'kind'>} action
 */
export function actionName({ id, kind }) {
  return `${KINDS[kind]} ${id.replace(kind, '')}`.trim();
}

/** @param {import('./alerts.js').ViewProps} props */
export function ActionList({ titleRef, sound, linked }) {
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').ActionList>} */
  const { answer, error, again } = useAnswer('/alerts/actions', () => true);
  useChange(linked, again);
  return html`
    <div class="head"><h2 ref=${titleRef} tabindex="-1">Actions</h2></div>
    <p class="said" role="status" data-failed=${error !== ''}>${error}</p>
    <p>${WHO_GETS_WHAT}</p>
    <ul class="sessions" aria-label="Actions">
      ${sound && html`<${ThisPage} sound=${sound} />`}
      ${answer?.items.map((action) => html`<${Row} key=${action.id} action=${action} again=${again} linked=${linked} />`)}
    </ul>
    ${
      answer?.items.length === 0 &&
      html`<p class="empty">
        The gateway has no e-mail, webhook or buzzer of its own. They are set up in its configuration.
      </p>`
    }
  `;
}

/** The phone or tablet in hand: it rings only while the page is open. */
function ThisPage(/** @type {{ sound: import('./alert-sound.js').Sound }} */ { sound }) {
  const state = sound.state.value;
  const words = { on: 'Works', muted: 'Muted', locked: 'Not enabled' };
  return html`
    <li class="card session">
      <div class="what">
        <b class="start">Sound of this page</b>
        <span class="badges">
          <span class="mark" data-level=${state === 'on' ? 'live' : 'caution'}>${words[state]}</span>
        </span>
        <span class="facts">A banner, tones and a buzz, while this page is open and the screen is on.</span>
      </div>
      <div class="do">
        ${state === 'on' && html`<button class="button" type="button" onClick=${() => sound.test()}>Test tone</button>`}
        <button class="button" type="button" onClick=${() => sound.toggle()}>
          ${state === 'on' ? 'Mute' : 'Tap to enable sound'}
        </button>
      </div>
    </li>
  `;
}

/** @param {{ action: Action, again: () => void, linked: boolean }} props */
function Row({ action, again, linked }) {
  const { id, status, text } = action;
  const { said, act } = useAct(again, linked);
  const [busy, setBusy] = useState(false);
  const { word, level } = STATES[status];
  const name = actionName(action);
  const tryIt = async () => {
    setBusy(true);
    await act(async () => {
      await testAction(id);
      return `${name} has taken the test.`;
    });
    setBusy(false);
  };
  return html`
    <li class="card session">
      <div class="what">
        <b class="start">${name}</b>
        <span class="badges"><span class="mark" data-level=${level}>${word}</span></span>
        <span class="facts">${text}</span>
      </div>
      <p class="said" role="status" data-failed=${said.failed}>${said.text}</p>
      ${
        account.may('watch') &&
        html`<button class="button" type="button" disabled=${busy} aria-label="Test ${name}" onClick=${tryIt}>
          ${busy ? 'Testing …' : 'Test'}
        </button>`
      }
    </li>
  `;
}

/** What is done besides showing alerts, each with a button that tries it. */
import { useState } from 'preact/hooks';
import { testAction } from './alerts-api.js';
import { useAct, useAnswer } from './answers.js';
import { html } from './gauge.js';

const KINDS = { mail: 'E-mail', webhook: 'Webhook', buzzer: 'Buzzer' };
const STATES = {
  ok: { word: 'Works', level: 'live' },
  waiting: { word: 'Waiting', level: 'caution' },
  failed: { word: 'Failed', level: 'danger' },
};

/** @typedef {import('./alerts-api.js').Action} Action */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/** @param {import('./alerts.js').ViewProps} props */
export function ActionList({ titleRef, sound }) {
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').ActionList>} */
  const { answer, error, again } = useAnswer('/alerts/actions', () => true);
  const { said, act } = useAct(again);
  return html`
    <div class="head"><h2 ref=${titleRef} tabindex="-1">Actions</h2></div>
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    <ul class="sessions" aria-label="Actions">
      ${sound && html`<${ThisPage} sound=${sound} />`}
      ${answer?.items.map((action) => html`<${Row} key=${action.id} action=${action} act=${act} />`)}
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

/** @param {{ action: Action, act: Act }} props */
function Row({ action: { id, kind, status, text }, act }) {
  const [busy, setBusy] = useState(false);
  const { word, level } = STATES[status];
  const name = KINDS[kind];
  const tryIt = async () => {
    setBusy(true);
    await act(async () => {
      await testAction(id);
      return `${name} ${id} has taken the test.`;
    });
    setBusy(false);
  };
  return html`
    <li class="card session">
      <div class="what">
        <b class="start">${name}${id === kind ? '' : ` · ${id}`}</b>
        <span class="badges"><span class="mark" data-level=${level}>${word}</span></span>
        <span class="facts">${text}</span>
      </div>
      <button class="button" type="button" disabled=${busy} aria-label="Test ${name} ${id}" onClick=${tryIt}>
        ${busy ? 'Testing …' : 'Test'}
      </button>
    </li>
  `;
}

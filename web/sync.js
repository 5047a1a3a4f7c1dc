/** The cloud: whether it is reached, what waits for it, and what that has cost. */
import { useAnswer } from './answers.js';
import { ageText, html } from './gauge.js';
import { budgetText, laneText, levelOf, STATE_WORDS } from './sync-words.js';

/** @typedef {import('./sync-words.js').SyncState} SyncState */

/** Nothing is shown where no cloud is configured. */
export function Sync() {
  /** @type {import('./answers.js').Answer<SyncState>} */
  const { answer, error } = useAnswer('/sync', ({ state }) => state !== 'off');
  if (answer === undefined || answer.state === 'off') {
    return error && html`<p class="hint" role="status">${error}</p>`;
  }
  const { state, text, sinceS, bearer, acknowledgedS, backlog, inFlight, budget } = answer;
  const facts = [
    ['Cloud', answer.broker ?? ''],
    ['Over', bearer ?? 'not known'],
    ['For', ageText(sinceS * 1000)],
    ['Acknowledged', acknowledgedS === null ? 'not yet' : `${ageText(acknowledgedS * 1000)} ago`],
    ['On its way', `${inFlight.batches} batches`],
    ['This month', budgetText(budget)],
  ];
  return html`
    <section class="card summary" aria-labelledby="sync-title">
      <h3 id="sync-title">Cloud</h3>
      <p class="said" role="status" data-failed=${state === 'waiting'}>
        ${text} <span class="mark" data-level=${levelOf(state)}>${STATE_WORDS[state]}</span>
      </p>
      ${error && html`<p class="hint" role="status">${error}</p>`}
      <ul class="rows" aria-label="What waits for the cloud">
        ${backlog.map((lane) => html`<${Lane} key=${lane.priority} lane=${lane} />`)}
      </ul>
      <dl class="figures times">
        ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
    </section>
  `;
}

/** @param {{ lane: import('./sync-words.js').Lane }} props */
function Lane({ lane }) {
  const { name, text } = laneText(lane);
  const { held, records } = lane;
  return html`
    <li>
      <span class="what"><b>${name}</b> <small>${text}</small></span>
      <span class="mark" data-level=${held ? 'caution' : records > 0 ? null : 'live'}>
        ${held ? 'Held back' : records > 0 ? 'Waits' : 'All there'}
      </span>
    </li>
  `;
}

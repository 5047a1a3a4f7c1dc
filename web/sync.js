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
      <p class="said" role="status">
        ${text} <span class="mark" data-level=${levelOf(state)}>${STATE_WORDS[state]}</span>
      </p>
      ${error && html`<p class="hint" role="status">${error}</p>`}
      <ul class="rows" aria-label="What waits for the cloud">
        ${backlog.map(
          (lane) => html`
            <li key=${lane.priority}>
              <span class="what"><b>${laneText(lane).name}</b> <small>${laneText(lane).text}</small></span>
              <span class="mark" data-level=${lane.held ? 'caution' : lane.records > 0 ? null : 'live'}>
                ${lane.held ? 'Held back' : lane.records > 0 ? 'Waits' : 'All there'}
              </span>
            </li>
          `,
        )}
      </ul>
      <dl class="figures times">
        ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
    </section>
  `;
}

/** What happened: all alerts that are kept, newest first. */
import { useEffect, useState } from 'preact/hooks';
import { account } from './account.js';
import { endedText, lastedText, timeText } from './alert-words.js';
import { acknowledge, historyPath } from './alerts-api.js';
import { SEVERITY, SeverityIcon } from './alerts-banner.js';
import { useAct, useAnswer, useChange } from './answers.js';
import { ask } from './api.js';
import { html } from './gauge.js';

/** @typedef {import('./alerts-api.js').Alert} Alert */
/** @typedef {import('./alerts-api.js').AlertPage} AlertPage */
/** @typedef {import('./alerts-api.js').Filter} Filter */

/** @type {Filter} */
const EVERYTHING = { severity: '', state: '' };
/** @type {readonly { name: 'severity' | 'state', label: string, options: readonly [value: string, word: string][] }[]} */
const FILTERS = [
  {
    name: 'severity',
    label: 'Severity',
    options: [
      ['', 'All'],
      ['alarm', 'Alarms'],
      ['warn', 'Warnings'],
      ['info', 'Infos'],
    ],
  },
  {
    name: 'state',
    label: 'State',
    options: [
      ['', 'All'],
      ['active', 'Lasting'],
      ['ended', 'Over'],
    ],
  },
];

/**
 * A list with a page of what is newer, or older, each alert once.
 * @param {AlertPage | undefined} list
 * @param {AlertPage} page
 * @param {boolean} older
 * @returns {AlertPage}
 */
export function merged(list, page, older) {
  if (!list) return page;
  const come = new Set(page.items.map(({ id }) => id));
  const kept = list.items.filter(({ id }) => !come.has(id));
  if (older) return { items: [...kept, ...page.items], next: page.next };
  const joined = page.next === null || kept.length === list.items.length;
  return joined ? page : { items: [...page.items, ...kept], next: list.next };
}

/** @param {import('./alerts.js').ViewProps} props */
export function History({ titleRef, turn, linked }) {
  const [filter, setFilter] = useState(EVERYTHING);
  const path = historyPath(filter);
  const [shown, setShown] = useState(
    /** @type {{ path: string, list: AlertPage } | undefined} */ (undefined),
  );
  const { answer, error, again } = useAnswer(path, /** @param {AlertPage} _ */ (_) => true);
  const { said, act } = useAct(again, linked);
  useChange(turn, again);
  useEffect(() => {
    if (!answer) return;
    setShown((old) => ({
      path,
      list: merged(old?.path === path ? old.list : undefined, answer, false),
    }));
  }, [answer]);
  const list = shown?.path === path ? shown.list : undefined;
  const more = () =>
    act(async () => {
      const page = await ask(`${path}&cursor=${encodeURIComponent(list?.next ?? '')}`);
      setShown((old) => ({ path, list: merged(old?.list, page, true) }));
      return `${page.items.length} older alerts are shown.`;
    });
  return html`
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">Alerts</h2>
      <${Filters} filter=${filter} onFilter=${setFilter} />
    </div>
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    ${!list && !error && html`<p class="empty">Asking the gateway …</p>`}
    ${
      list?.items.length === 0 &&
      html`<p class="empty">
        ${path === historyPath(EVERYTHING) ? 'Nothing has happened yet.' : 'There is no such alert.'}
      </p>`
    }
    <ul class="sessions" aria-label="Alerts, newest first">
      ${list?.items.map((alert) => html`<${Row} key=${alert.id} alert=${alert} act=${act} />`)}
    </ul>
    ${
      list &&
      list.next !== null &&
      html`<button class="button" type="button" onClick=${more}>More</button>`
    }
  `;
}

/** @param {{ filter: Filter, onFilter: (filter: Filter) => void }} props */
function Filters({ filter, onFilter }) {
  return html`
    <div class="filters">
      ${FILTERS.map(
        ({ name, label, options }) => html`
          <label>
            ${label}
            <select
              value=${filter[name]}
              onChange=${(/** @type {Event & { currentTarget: HTMLSelectElement }} */ event) =>
                onFilter({ ...filter, [name]: event.currentTarget.value })}
            >
              ${options.map(([value, word]) => html`<option value=${value}>${word}</option>`)}
            </select>
          </label>
        `,
      )}
    </div>
  `;
}

/** @param {{ alert: Alert, act: (work: () => Promise<string>) => Promise<void> }} props */
function Row({ alert, act }) {
  const { id, rule, severity, state, text, startedAt } = alert;
  const facts = [timeText(startedAt), lastedText(alert), state === 'ended' && endedText(alert)];
  return html`
    <li class="card session alert" data-state=${state} data-severity=${severity}>
      <div class="what">
        <a class="start" href="#alerts/${id}">${rule.name}</a>
        <${AlertMarks} alert=${alert} />
        <p class="text">${text}</p>
        <span class="facts">${facts.filter(Boolean).join(' · ')}</span>
      </div>
      <${AcknowledgeButton} alert=${alert} act=${act} />
    </li>
  `;
}

/** How severe an alert is, and where it stands. */
export function AlertMarks(/** @type {{ alert: Alert }} */ { alert }) {
  const { severity, state, acknowledgedBy, clockTrust } = alert;
  return html`
    <span class="badges">
      <span class="mark" data-severity=${severity}>
        <${SeverityIcon} severity=${severity} />${SEVERITY[severity].word}
      </span>
      ${state === 'active' && html`<span class="mark" data-level="live">Lasts</span>`}
      ${acknowledgedBy !== null && html`<span class="mark">Acknowledged</span>`}
      ${
        clockTrust === 'none' &&
        html`<span
          class="mark"
          data-level="caution"
          title="The gateway did not know the time of day when this happened."
          >Time not sure</span
        >`
      }
    </span>
  `;
}

/** @param {{ alert: Alert, act: (work: () => Promise<string>) => Promise<void> }} props */
export function AcknowledgeButton({ alert: { id, rule, acknowledgedBy }, act }) {
  if (acknowledgedBy !== null || !account.may('watch')) return null;
  const seen = () =>
    act(async () => {
      await acknowledge(id);
      return `${rule.name} is acknowledged.`;
    });
  return html`<button class="button" type="button" aria-label="Acknowledge ${rule.name}, alert ${id}" onClick=${seen}>
    Acknowledge
  </button>`;
}

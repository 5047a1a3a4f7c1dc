/** One alert: what was seen, what was said of it, and what can be done. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { AcknowledgeButton, AlertMarks } from './alert-history.js';
import { endedText, lastedText, quantityText, timeText } from './alert-words.js';
import { comment, silence } from './alerts-api.js';
import { useAct, useAnswer, useChange } from './answers.js';
import { html } from './gauge.js';

/** @type {readonly [minutes: number, words: string][]} */
const SILENCES = [
  [10, '10 min'],
  [60, '1 h'],
];
const NOTE_CHARS_MAX = 2_000;

/** @typedef {import('./alerts-api.js').Alert} Alert */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/** @param {{ id: string } & import('./alerts.js').ViewProps} props */
export function AlertView({ id, titleRef, driving, turn, linked }) {
  const {
    answer: alert,
    error,
    again,
  } = useAnswer(`/alerts/history/${id}`, /** @param {Alert} one */ (one) => one.state === 'active');
  /** @type {import('./answers.js').Answer<{ items: readonly import('./api.js').Stream[] }>} */
  const { answer: listed } = useAnswer('/streams');
  /** @type {import('./answers.js').Answer<import('./alerts-api.js').RuleList>} */
  const { answer: rules } = useAnswer('/alerts');
  // Kept here: the form goes when the car drives off, and what was typed is not to go with it.
  const [typed, setTyped] = useState('');
  const { said, act } = useAct(again, linked);
  useChange(turn, again);
  return html`
    <p><a class="back" href="#alerts">All alerts</a></p>
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">${alert?.rule.name ?? `Alert ${id}`}</h2>
      ${alert && html`<${AlertMarks} alert=${alert} />`}
    </div>
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    ${
      alert &&
      html`
        <section class="card summary" aria-label="Summary">
          <p class="text">${alert.text}</p>
          <${Times} alert=${alert} rules=${rules?.items ?? []} />
          <${Doing} alert=${alert} act=${act} />
        </section>
        <${Readings} alert=${alert} streams=${listed?.items ?? []} />
        <${Notes} alert=${alert} act=${act} driving=${driving} typed=${typed} onTyped=${setTyped} />
      `
    }
  `;
}

/**
 * When it was, and who was told.
 * @param {{ alert: Alert, rules: readonly { id: string }[] }} props `rules`: those that there are
 */
function Times({ alert, rules }) {
  const { startedAt, endedAt, acknowledgedBy, acknowledgedAt, silencedUntil, rule, cause } = alert;
  const figures = [
    ['Began', timeText(startedAt)],
    ['Ended', endedAt === null ? 'Lasts' : timeText(endedAt)],
    ['Lasted', lastedText(alert)],
    ['Why it ended', endedAt !== null && endedText(alert)],
    ['Acknowledged', acknowledgedBy !== null && `${timeText(acknowledgedAt)} by ${acknowledgedBy}`],
    ['Quiet until', silencedUntil !== null && timeText(silencedUntil)],
    ['Cause', cause],
  ];
  const kept = rules.some(({ id }) => id === rule.id);
  return html`
    <dl class="figures times">
      ${figures
        .filter(([, value]) => value)
        .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
      <div>
        <dt>Rule</dt>
        <dd>${kept ? html`<a class="link" href="#alerts/rules/${rule.id}">${rule.name}</a>` : rule.name}</dd>
      </div>
    </dl>
  `;
}

/** @param {{ alert: Alert, act: Act }} props */
function Doing({ alert, act }) {
  const { id, state, acknowledgedBy } = alert;
  const isOver = state === 'ended' && acknowledgedBy !== null;
  if (isOver || !account.may('watch')) return null;
  return html`
    <div class="do">
      <${AcknowledgeButton} alert=${alert} act=${act} />
      ${
        state === 'active' &&
        SILENCES.map(([minutes, words]) => {
          const quiet = () =>
            act(async () => {
              await silence(id, minutes);
              return `Its actions are quiet for ${words}.`;
            });
          return html`<button class="button" type="button" onClick=${quiet}>Silence for ${words}</button>`;
        })
      }
    </div>
  `;
}

/** @param {{ alert: Alert, streams: readonly import('./api.js').Stream[] }} props */
function Readings({ alert: { readings }, streams }) {
  if (readings.length === 0) return null;
  const newest = Math.max(...readings.map(({ t }) => t));
  return html`
    <section class="card summary" aria-labelledby="readings-title">
      <h3 id="readings-title">What it saw when it decided</h3>
      <table>
        <thead>
          <tr><th scope="col">Stream</th><th scope="col">Value</th><th scope="col">Age</th></tr>
        </thead>
        <tbody>
          ${readings.map(({ stream, t, v }) => {
            const known = streams.find(({ id }) => id === stream);
            const word = v === null ? undefined : known?.states?.[v];
            return html`
              <tr key=${stream}>
                <th scope="row">${known?.name ?? stream} <small>${stream}</small></th>
                <td>${v === null ? 'event' : (word ?? quantityText(v, known?.unit ?? '1'))}</td>
                <td>${((newest - t) / 1e6).toFixed(1)} s</td>
              </tr>
            `;
          })}
        </tbody>
      </table>
    </section>
  `;
}

/**
 * @typedef {object} NotesProps
 * @property {Alert} alert
 * @property {Act} act
 * @property {boolean} driving
 * @property {string} typed
 * @property {(text: string) => void} onTyped
 */

/** @param {NotesProps} props */
function Notes({ alert: { id, notes }, act, driving, typed, onTyped }) {
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const save = async (event) => {
    event.preventDefault();
    const text = typed.trim();
    if (text === '') return;
    setBusy(true);
    await act(async () => {
      await comment(id, text);
      onTyped('');
      return 'The comment is kept.';
    });
    setBusy(false);
  };
  return html`
    <section class="card summary" aria-labelledby="notes-title">
      <h3 id="notes-title">Comments</h3>
      ${notes.length === 0 && html`<p class="hint">Nobody has said anything yet.</p>`}
      <ul class="remarks">
        ${notes.map(
          ({ by, at, text }) =>
            html`<li><p class="notes">${text}</p><small>${by}, ${timeText(at)}</small></li>`,
        )}
      </ul>
      ${
        !account.may('watch')
          ? null
          : driving
            ? html`<p class="hint">Comments are written when the car stands.</p>`
            : html`
            <form class="comment" onSubmit=${save}>
              <label>
                Comment
                <textarea
                  rows="2"
                  maxlength=${NOTE_CHARS_MAX}
                  value=${typed}
                  onInput=${(/** @type {InputEvent & { currentTarget: HTMLTextAreaElement }} */ event) => onTyped(event.currentTarget.value)}
                ></textarea>
              </label>
              <button class="button" disabled=${busy}>Add</button>
            </form>
          `
      }
    </section>
  `;
}

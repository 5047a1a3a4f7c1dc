/** One recording: what it amounts to, its plots, its events, and its files. */
import { useMemo, useState } from 'preact/hooks';
import { useAct, useAnswer } from './answers.js';
import { Downloads } from './download.js';
import { html } from './gauge.js';
import { Plots } from './plots.js';
import { SessionButtons } from './session-buttons.js';
import { SessionForm } from './session-form.js';
import { Badges, Facts } from './sessions.js';
import { StreamTable } from './stream-table.js';
import { countText, distanceText, durationText, startText } from './words.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').Stream} Stream */

/**
 * Statistics of an open session grow, and those of one that has just ended are being made.
 * @param {Session} session
 */
const grows = ({ state, stats }) => state === 'active' || stats === null;

/** @param {{ id: number, titleRef: import('preact').RefObject<HTMLElement> }} props */
export function SessionView({ id, titleRef }) {
  const { answer: session, error, again } = useAnswer(`/sessions/${id}`, grows);
  /** @type {import('./answers.js').Answer<{ items: readonly Stream[] }>} */
  const { answer: listed } = useAnswer('/streams');
  const streams = useMemo(
    () => new Map((listed?.items ?? []).map((stream) => [stream.id, stream])),
    [listed],
  );
  const { said, act } = useAct(again);
  const [shown, setShown] = useState(
    /** @type {import('./plots.js').Range | undefined} */ (undefined),
  );
  return html`
    <p><a class="back" href="#recordings">All recordings</a></p>
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">${session ? `${id} · ${startText(session)}` : `Recording ${id}`}</h2>
      ${session && html`<${Badges} session=${session} />`}
    </div>
    <p class="said" role="status" data-failed=${said.failed || error !== ''}>${error || said.text}</p>
    ${
      session &&
      html`
        <${Summary} session=${session} act=${act} />
        ${
          listed &&
          html`
            <${Plots} session=${session} streams=${streams} shown=${shown} onShow=${setShown} />
            <${StreamTable} session=${session} streams=${streams} />
          `
        }
        <${Downloads} session=${session} shown=${shown} />
      `
    }
  `;
}

/** @param {{ session: Session, act: (work: () => Promise<string>) => Promise<void> }} props */
function Summary({ session, act }) {
  const [editing, setEditing] = useState(false);
  const { stats, notes, consent } = session;
  const done = (/** @type {string} */ text) => {
    setEditing(false);
    void act(() => Promise.resolve(text));
  };
  const gone = () => {
    location.hash = '#recordings';
  };
  const named = { ...session, stats: null };
  return html`
    <section class="card summary" aria-label="Summary">
      ${stats ? html`<${Figures} stats=${stats} />` : html`<p class="empty">The figures are being made …</p>`}
      <p class="about"><${Facts} session=${named} /></p>
      ${notes !== '' && html`<p class="notes">${notes}</p>`}
      ${consent && html`<p class="notes"><small>Agreed to: </small>${consent}</p>`}
      <${SessionButtons} session=${session} act=${act} editing=${editing} onEdit=${setEditing} />
      ${
        editing &&
        html`<${SessionForm}
          session=${session}
          onDone=${done}
          onCancel=${() => setEditing(false)}
          onDeleted=${gone}
        />`
      }
    </section>
  `;
}

/** @param {{ stats: NonNullable<Session['stats']> }} props */
function Figures({ stats }) {
  const all = Object.values(stats.streams);
  const samples = all.reduce((sum, { n }) => sum + n, 0);
  const lost = all.reduce((sum, one) => sum + one.lost, 0);
  const figures = [
    ['Duration', durationText(stats.durationS)],
    ['Distance', stats.distanceKm === null ? 'not told' : distanceText(stats.distanceKm)],
    ['Samples', countText(samples)],
    ['Lost', countText(lost)],
    ['Alerts', countText(stats.alerts)],
  ];
  return html`
    <dl class="figures">
      ${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  `;
}

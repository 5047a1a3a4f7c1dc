/** The list of recordings, newest first, and the button that starts one by hand. */
import { useEffect, useState } from 'preact/hooks';
import { account } from './account.js';
import { useAct, useAnswer } from './answers.js';
import { ask } from './api.js';
import { html } from './gauge.js';
import { SessionButtons } from './session-buttons.js';
import { SessionForm, StartForm } from './session-form.js';
import { distanceText, durationText, endText, startText } from './words.js';

const PAGE_SESSIONS = 50;
const PATH = `/sessions?limit=${PAGE_SESSIONS}`;

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').Page<Session>} SessionPage */

/**
 * The list with its newest page asked for anew: older sessions that were already shown stay.
 * @param {SessionPage} list
 * @param {SessionPage} first
 * @returns {SessionPage}
 */
export function refreshed(list, first) {
  const last = first.items.at(-1);
  if (first.next === null || !last) return first;
  const older = list.items.filter(({ id }) => id < last.id);
  return { items: [...first.items, ...older], next: older.length > 0 ? list.next : first.next };
}

/**
 * The list with the page behind its end.
 * @param {SessionPage} list
 * @param {SessionPage} page
 * @returns {SessionPage}
 */
export function lengthened(list, page) {
  const newest = page.items[0]?.id ?? 0;
  const before = list.items.filter(({ id }) => id > newest);
  return { items: [...before, ...page.items], next: page.next };
}

/** @param {{ titleRef: import('preact').RefObject<HTMLElement> }} props */
export function SessionList({ titleRef }) {
  // Sessions begin and end by themselves, so the list is never final.
  const { answer, error, again } = useAnswer(PATH, /** @param {SessionPage} _ */ (_) => true);
  const [list, setList] = useState(/** @type {SessionPage | undefined} */ (undefined));
  const { said, act } = useAct(again);
  useEffect(() => {
    if (answer) setList((old) => (old ? refreshed(old, answer) : answer));
  }, [answer]);
  const [starting, setStarting] = useState(false);
  const scope = account.scope('record');
  /** @param {object} body */
  const start = (body) => {
    setStarting(false);
    void act(async () => {
      const { id } = await ask('/sessions', { method: 'POST', body });
      return `Recording ${id} has begun. It lasts until you end it.`;
    });
  };
  const more = () =>
    act(async () => {
      const page = await ask(`${PATH}&cursor=${encodeURIComponent(list?.next ?? '')}`);
      setList((old) => (old ? lengthened(old, page) : page));
      return `${page.items.length} older recordings are shown.`;
    });
  return html`
    <div class="head">
      <h2 ref=${titleRef} tabindex="-1">Recordings</h2>
      ${
        scope !== 'none' &&
        html`<button
          class="button primary"
          type="button"
          onClick=${() => (scope === 'all' ? start({}) : setStarting(!starting))}
        >
          Start a recording
        </button>`
      }
    </div>
    ${starting && html`<${StartForm} onStart=${start} onCancel=${() => setStarting(false)} />`}
    <p class="said" role="status" data-failed=${said.failed}>${error || said.text}</p>
    ${!list && !error && html`<p class="empty">Asking the gateway …</p>`}
    ${
      list?.items.length === 0 &&
      html`<p class="empty">
        Nothing is recorded yet.
        ${
          scope === 'own'
            ? ' Start a recording: it lasts until you end it, and is for you to see.'
            : ' A recording begins by itself when the engine runs, and ends when it is switched off.'
        }
      </p>`
    }
    <ul class="sessions" aria-label="Recordings, newest first">
      ${list?.items.map(
        (session) => html`<${SessionRow} key=${session.id} session=${session} act=${act} />`,
      )}
    </ul>
    ${
      list &&
      list.next !== null &&
      html`<button class="button" type="button" onClick=${more}>More</button>`
    }
  `;
}

/** @param {{ session: Session, act: (work: () => Promise<string>) => Promise<void> }} props */
function SessionRow({ session, act }) {
  const [editing, setEditing] = useState(false);
  const { id, state } = session;
  const done = (/** @type {string} */ text) => {
    setEditing(false);
    void act(() => Promise.resolve(text));
  };
  return html`
    <li class="card session" data-state=${state}>
      <div class="what">
        <a class="start" href="#recordings/${id}">${id} · ${startText(session)}</a>
        <${Badges} session=${session} />
        <${Facts} session=${session} />
      </div>
      <${SessionButtons} session=${session} act=${act} editing=${editing} onEdit=${setEditing} />
      ${
        editing &&
        html`<${SessionForm} session=${session} onDone=${done} onCancel=${() => setEditing(false)} />`
      }
    </li>
  `;
}

/** What is out of the ordinary about a session. */
export function Badges(/** @type {{ session: Session }} */ { session }) {
  const { state, endedBy, clockTrust, pinned, consent } = session;
  return html`
    <span class="badges">
      ${state === 'active' && html`<span class="mark" data-level="live">Recording</span>`}
      ${endedBy === 'power' && html`<span class="mark" data-level="danger">Power cut</span>`}
      ${
        clockTrust === 'none' &&
        html`<span
          class="mark"
          data-level="caution"
          title="The gateway did not know the time of day; times within the recording are right."
          >Clock not set</span
        >`
      }
      ${pinned && html`<span class="mark">Pinned</span>`}
      ${consent !== null && html`<span class="mark">Consent</span>`}
    </span>
  `;
}

/** How long and how far, who and what, in the order of interest; what is not known is left out. */
export function Facts(/** @type {{ session: Session }} */ { session }) {
  const { stats, driver, vehicle, study, owner, tags, endedBy } = session;
  const who = account.who.value;
  const isOwn = who.state === 'in' && owner?.id === who.user.id;
  const facts = [
    stats && durationText(stats.durationS),
    stats && stats.distanceKm !== null && distanceText(stats.distanceKm),
    driver,
    vehicle,
    study && `study ${study}`,
    owner && !isOwn && `of ${owner.username ?? 'a deleted account'}`,
    endedBy !== null && endedBy !== 'power' && endText(session),
  ].filter((fact) => typeof fact === 'string' && fact !== '');
  return html`
    <span class="facts">${facts.join(' · ')}</span>
    ${
      tags.length > 0 &&
      html`<span class="tags" aria-label="Tags">${tags.map((tag) => html`<span>${tag}</span>`)}</span>`
    }
  `;
}

/** Who did what. For who manages the gateway. */
import { useEffect, useState } from 'preact/hooks';
import { timeText } from './alert-words.js';
import { useAct, useAnswer } from './answers.js';
import { ask } from './api.js';
import { html } from './gauge.js';
import { Frame, Said } from './more.js';

const PATH = '/audit?limit=50';
const RESULTS = { done: null, refused: 'caution', failed: 'danger' };

/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/audit.ts').listAudit>} AuditPage */
/** @typedef {AuditPage['items'][number]} Entry */

/** @param {{ live: import('./live.js').Live }} props */
export function Audit({ live }) {
  return html`<${Frame} view="audit" live=${live}><${Log} /><//>`;
}

function Log() {
  /** @type {import('./answers.js').Answer<AuditPage>} */
  const { answer, error, again } = useAnswer(PATH);
  const [older, setOlder] = useState(/** @type {AuditPage | undefined} */ (undefined));
  const { said, act } = useAct(() => {});
  useEffect(() => setOlder(undefined), [answer]);
  const items = [...(answer?.items ?? []), ...(older?.items ?? [])];
  const next = (older ?? answer)?.next ?? null;
  const more = () =>
    act(async () => {
      /** @type {AuditPage} */
      const page = await ask(`${PATH}&cursor=${encodeURIComponent(next ?? '')}`);
      setOlder((old) => ({ items: [...(old?.items ?? []), ...page.items], next: page.next }));
      return `${page.items.length} older entries are shown.`;
    });
  const check = () =>
    act(async () => {
      /** @type {{ whole: boolean, entries: number, brokenAt: number | null }} */
      const { whole, entries, brokenAt } = await ask('/audit/check');
      return whole
        ? `All ${entries} entries are as they were written.`
        : `Entry ${brokenAt} was changed, or one before it is missing.`;
    });
  return html`
    <div class="do">
      <button class="button" type="button" onClick=${again}>Refresh</button>
      <button class="button" type="button" onClick=${check}>Check that nothing was changed</button>
    </div>
    <${Said} said=${said} error=${error} waits=${!answer} />
    ${answer && items.length === 0 && html`<p class="empty">Nothing has happened yet.</p>`}
    <ol class="card rows audit" aria-label="Entries, newest first">
      ${items.map((entry) => html`<${Row} key=${entry.n} entry=${entry} />`)}
    </ol>
    ${next !== null && html`<button class="button" type="button" onClick=${more}>More</button>`}
  `;
}

/** @param {{ entry: Entry }} props */
function Row({ entry: { time, action, who, from, target, result, details } }) {
  const facts = [timeText(time), who || 'nobody known', from && `from ${from}`, target];
  const more = Object.keys(details).length > 0 ? JSON.stringify(details) : '';
  return html`
    <li>
      <span class="what">
        <b>${action}</b> <small>${facts.filter(Boolean).join(' · ')}</small>
        ${more && html`<small><code>${more}</code></small>`}
      </span>
      <span class="mark" data-level=${RESULTS[result]}>${result}</span>
    </li>
  `;
}

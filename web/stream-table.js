/** What was recorded, stream by stream. */
import { useState } from 'preact/hooks';
import { Fold } from './fold.js';
import { html } from './gauge.js';
import { FindField } from './stream-choices.js';
import { matching } from './stream-groups.js';
import { countText, percentText } from './words.js';

/** As many are looked through by eye; for more there is a field to find them by. */
const FIND_FROM = 30;
/** Rows at once: a phone takes its time for more. */
const ROWS_MAX = 200;

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').Stream} Stream */
/** @typedef {{ session: Session, streams: ReadonlyMap<string, Stream> }} TableProps */

/** @param {TableProps} props */
export function StreamTable({ session, streams }) {
  const count = Object.keys(session.stats?.streams ?? {}).length;
  if (count === 0) return null;
  const table = () => html`<${Table} session=${session} streams=${streams} />`;
  const label = `What was recorded: ${countText(count)} streams`;
  return html`<${Fold} label=${label} name="card streams" make=${table} />`;
}

/** @param {TableProps} props */
function Table({ session, streams }) {
  const [text, setText] = useState('');
  const all = session.stats?.streams ?? {};
  const ids = Object.keys(all);
  const found = matching(ids, streams, text.trim());
  const more = found.length - ROWS_MAX;
  return html`
    ${ids.length > FIND_FROM && html`<div class="picker"><${FindField} text=${text} onText=${setText} /></div>`}
    <div class="scroll" role="region" aria-label="Streams" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">Samples</th>
            <th scope="col">Lost</th>
            <th scope="col">Coverage</th>
          </tr>
        </thead>
        <tbody>
          ${found
            .slice(0, ROWS_MAX)
            .map(
              (id) =>
                html`<${Row} key=${id} id=${id} name=${streams.get(id)?.name} quality=${all[id]} />`,
            )}
        </tbody>
      </table>
    </div>
    ${more > 0 && html`<p class="hint">${countText(more)} more: type more of what they are called.</p>`}
  `;
}

/** @param {{ id: string, name: string | undefined, quality: NonNullable<Session['stats']>['streams'][string] }} props */
function Row({ id, name, quality: { n, lost, coverage } }) {
  return html`
    <tr>
      <th scope="row">${name ?? id} <small>${id}</small></th>
      <td>${countText(n)}</td>
      <td data-some=${lost > 0}>${countText(lost)}</td>
      <td>${percentText(coverage)}</td>
    </tr>
  `;
}

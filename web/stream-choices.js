/** Streams to choose from: found by words, and those of CAN buses folded up by bus and message. */
import { useMemo, useState } from 'preact/hooks';
import { Fold } from './fold.js';
import { html } from './gauge.js';
import { grouped, matching } from './stream-groups.js';
import { unitWords } from './units.js';
import { counted, countText } from './words.js';

/** More are found by typing what they are called. */
const LISTED_MAX = 100;

/** @typedef {import('./api.js').Stream} Stream */

/**
 * @typedef {object} ChoicesProps
 * @property {'checkbox' | 'radio'} type
 * @property {readonly string[]} offered
 * @property {ReadonlyMap<string, Stream>} streams by id
 * @property {readonly string[]} chosen
 * @property {boolean} [full] no other can be chosen besides
 * @property {(id: string) => void} onChoose
 */

/** @param {ChoicesProps} props */
export function StreamChoices(props) {
  const { offered, streams } = props;
  const [text, setText] = useState('');
  const looked = text.trim() !== '';
  const found = useMemo(
    () => (looked ? matching(offered, streams, text.trim()) : offered),
    [looked, offered, streams, text],
  );
  const { others, buses } = useMemo(
    () => (looked ? { others: found, buses: [] } : grouped(found)),
    [looked, found],
  );
  const more = others.length - LISTED_MAX;
  return html`
    <${FindField} text=${text} onText=${setText} />
    <ul>
      ${others.slice(0, LISTED_MAX).map((id) => html`<${Choice} key=${id} id=${id} of=${props} />`)}
      ${buses.map((group) => html`<${Bus} key=${group.bus} group=${group} of=${props} />`)}
    </ul>
    <p class="hint" role="status">
      ${found.length === 0 ? 'None is called so.' : more > 0 && `${countText(more)} more: type more of what it is called.`}
    </p>
  `;
}

/** @param {{ text: string, onText: (text: string) => void }} props */
export function FindField({ text, onText }) {
  return html`
    <label>
      Find
      <input
        type="search"
        value=${text}
        autocapitalize="none"
        onInput=${(/** @type {InputEvent & { currentTarget: HTMLInputElement }} */ event) => onText(event.currentTarget.value)}
      />
    </label>
  `;
}

/** @param {{ group: import('./stream-groups.js').BusGroup, of: ChoicesProps }} props */
function Bus({ group: { bus, messages, ids }, of }) {
  const messagesOf = () => html`
    <ul>
      ${[...messages].map(
        ([message, ids]) =>
          html`<${Message} key=${message} message=${message} ids=${ids} of=${of} />`,
      )}
    </ul>
  `;
  const label = `CAN bus ${bus}: ${counted(ids.length, 'signal')}${chosenText(ids, of)}`;
  return html`<li class="folded"><${Fold} label=${label} make=${messagesOf} /></li>`;
}

/** @param {{ message: string, ids: readonly string[], of: ChoicesProps }} props */
function Message({ message, ids, of }) {
  const signals = () => html`
    <ul>${ids.map((id) => html`<${Choice} key=${id} id=${id} of=${of} />`)}</ul>
  `;
  const label = html`${message} <small>${counted(ids.length, 'signal')}${chosenText(ids, of)}</small>`;
  return html`<li class="folded"><${Fold} label=${label} make=${signals} /></li>`;
}

/**
 * What is folded up is told if something of it is chosen.
 * @param {readonly string[]} ids
 * @param {ChoicesProps} of
 */
function chosenText(ids, { chosen }) {
  const n = chosen.filter((id) => ids.includes(id)).length;
  return n === 0 ? '' : `, ${n} chosen`;
}

/** @param {{ id: string, of: ChoicesProps }} props */
function Choice({ id, of: { type, streams, chosen, full = false, onChoose } }) {
  const checked = chosen.includes(id);
  const stream = streams.get(id);
  return html`
    <li>
      <label>
        <input
          type=${type}
          name=${type === 'radio' ? 'stream' : null}
          checked=${checked}
          disabled=${full && !checked}
          onChange=${() => onChoose(id)}
        />
        <span>${stream?.name ?? id} <small>${id} ${unitWords(stream?.unit ?? '')}</small></span>
      </label>
    </li>
  `;
}

/** Which streams of a recording are drawn. */
import { useState } from 'preact/hooks';
import { html } from './gauge.js';

/** More would neither fit on a screen nor into one answer of the gateway. */
const CHOSEN_MAX = 8;

/** @typedef {import('./api.js').Stream} Stream */

/**
 * The streams whose name or id has each word of what is looked for.
 * @param {readonly string[]} offered
 * @param {ReadonlyMap<string, Stream>} streams
 * @param {string} text
 */
export function matching(offered, streams, text) {
  const words = text.toLowerCase().split(/\s+/);
  return offered.filter((id) => {
    const known = `${streams.get(id)?.name ?? ''} ${id}`.toLowerCase();
    return words.every((word) => known.includes(word));
  });
}

/**
 * @typedef {object} PickerProps
 * @property {readonly string[]} offered
 * @property {ReadonlyMap<string, Stream>} streams by id
 * @property {readonly string[]} chosen
 * @property {(chosen: readonly string[]) => void} onPick
 */

/** @param {PickerProps} props */
export function StreamPicker({ offered, streams, chosen, onPick }) {
  const [text, setText] = useState('');
  const full = chosen.length >= CHOSEN_MAX;
  const found = matching(offered, streams, text);
  /** @param {string} id */
  const toggle = (id) =>
    onPick(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return html`
    <details class="picker">
      <summary>Choose what is drawn: ${chosen.length} of ${offered.length}</summary>
      <label>
        Find
        <input
          type="search"
          value=${text}
          onInput=${(/** @type {InputEvent & { currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)}
        />
      </label>
      ${full && html`<p class="hint" role="status">${CHOSEN_MAX} at most are drawn at once.</p>`}
      <ul>
        ${found.map((id) => {
          const checked = chosen.includes(id);
          return html`
            <li key=${id}>
              <label>
                <input
                  type="checkbox"
                  checked=${checked}
                  disabled=${full && !checked}
                  onChange=${() => toggle(id)}
                />
                <span>${streams.get(id)?.name ?? id} <small>${id}</small></span>
              </label>
            </li>
          `;
        })}
      </ul>
    </details>
  `;
}

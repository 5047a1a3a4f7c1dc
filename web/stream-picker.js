/** Which streams of a recording are drawn. */
import { html } from './gauge.js';
import { StreamChoices } from './stream-choices.js';

/** More would neither fit on a screen nor into one answer of the gateway. */
const CHOSEN_MAX = 8;

/**
 * @typedef {object} PickerProps
 * @property {readonly string[]} offered
 * @property {ReadonlyMap<string, import('./api.js').Stream>} streams by id
 * @property {readonly string[]} chosen
 * @property {(chosen: readonly string[]) => void} onPick
 */

/** @param {PickerProps} props */
export function StreamPicker({ offered, streams, chosen, onPick }) {
  const full = chosen.length >= CHOSEN_MAX;
  /** @param {string} id */
  const toggle = (id) =>
    onPick(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return html`
    <details class="picker">
      <summary>Choose what is drawn: ${chosen.length} of ${offered.length}</summary>
      ${full && html`<p class="hint" role="status">${CHOSEN_MAX} at most are drawn at once.</p>`}
      <${StreamChoices} type="checkbox" ...${{ offered, streams, chosen, full }} onChoose=${toggle} />
    </details>
  `;
}

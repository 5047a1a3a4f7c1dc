/** The CAN buses of the vehicle: how each of them does, and what its frames mean. */
import { account } from './account.js';
import { useAnswer, useChange } from './answers.js';
import { DbcFiles } from './can-files.js';
import { SignalBrowser } from './can-signals.js';
import { busFacts, busTold, stoppedText } from './can-words.js';
import { Fold } from './fold.js';
import { html } from './gauge.js';
import { counted } from './words.js';

const PART = /^can\d*$/;

/** @typedef {import('./can-words.js').Bus} Bus */
/** @typedef {import('./can-words.js').BusDetails} BusDetails */

/** @param {{ live: import('./live.js').Live, linked: boolean, driving: boolean }} props */
export function Buses({ live, linked, driving }) {
  /** @type {import('./answers.js').Answer<{ items: readonly Bus[] }>} */
  const { answer, error, again } = useAnswer('/can', ({ items }) => items.length > 0);
  useChange(linked, again);
  const parts = live.health.value?.parts.filter(({ id }) => PART.test(id)) ?? [];
  if (error) return html`<p class="said" role="status" data-failed="true">CAN: ${error}</p>`;
  if (answer?.items.length === 0) return account.may('manage') && html`<${HowToAdd} />`;
  return answer?.items.map((bus) => {
    const part = parts.find(({ details }) => details['device'] === bus.device);
    return html`<${BusCard} key=${bus.name} ...${{ bus, part, again, driving }} />`;
  });
}

function HowToAdd() {
  return html`
    <p class="hint">
      No CAN bus is read. One is, once <code>can</code> under <a href="#settings">Settings</a> names
      it: <code>can:can0</code> for an interface of this computer, or
      <code>slcan+serial:///dev/ttyACM0</code> for an adapter on USB.
    </p>
  `;
}

/**
 * @typedef {object} CardProps
 * @property {Bus} bus
 * @property {import('./live.js').PartHealth | undefined} part of the health
 * @property {() => void} again
 * @property {boolean} driving
 */

/** @param {CardProps} props */
function BusCard({ bus, part, again, driving }) {
  const { name, device, files } = bus;
  const { level, word, text } = busTold(bus);
  const details = /** @type {BusDetails} */ (part?.details ?? {});
  const signals = files.reduce((sum, file) => sum + file.signals, 0);
  const browser = () => html`<${SignalBrowser} bus=${name} turn=${`${signals} ${bus.ids}`} />`;
  return html`
    <section class="card summary bus" aria-labelledby="bus-${name}">
      <div class="head">
        <h3 id="bus-${name}">CAN bus ${name}</h3>
        <span class="mark" data-level=${level}>${word}</span>
      </div>
      ${device !== name && html`<p class="hint">${device}</p>`}
      ${text !== '' && html`<p class=${level === 'live' ? 'hint' : ''} role="status">${text}</p>`}
      ${!bus.open && part && html`<p class="said" role="status" data-failed="true">${part.text}</p>`}
      ${details.warnings?.map((one) => html`<p class="caution" key=${one}>${one}</p>`)}
      <dl class="figures times">
        ${busFacts(bus, details).map(([fact, value]) => html`<div><dt>${fact}</dt><dd>${value}</dd></div>`)}
      </dl>
      <${Silent} details=${details} />
      ${signals > 0 && html`<${Fold} label="Live values of its signals" make=${browser} />`}
      <${DbcFiles} bus=${bus} again=${again} driving=${driving} />
    </section>
  `;
}

/** Identifiers that came in a rhythm and have stopped: a control unit, or its wire. */
function Silent(/** @type {{ details: BusDetails }} */ { details }) {
  const { stopped = 0, stoppedIds = [] } = details;
  if (stopped === 0) return null;
  const rest = stopped - stoppedIds.length;
  const list = () => html`
    <ul class="rows">
      ${stoppedIds.map(
        (one) => html`
          <li key=${one.id}><span class="what"><b class="code">${one.id}</b> <small>${stoppedText(one)}</small></span></li>
        `,
      )}
    </ul>
    ${rest > 0 && html`<p class="hint">And ${rest} more.</p>`}
  `;
  return html`
    <${Fold} label="${counted(stopped, 'identifier')} silent that came in a rhythm" make=${list} />
  `;
}

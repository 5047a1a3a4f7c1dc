/** The EEG card: how good the signal is, the live trace, the bands, attention and meditation. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ageText, Gauge, html } from './gauge.js';

/** @typedef {import('./live.js').Live} Live */
/** @typedef {import('./live.js').Reading} Reading */

const RAW = 'eeg.raw';
const POOR_SIGNAL = 'eeg.quality.poor_signal';
/** The poor-signal figure of a sensor that touches nothing. */
const NO_CONTACT = 200;

/** The eight bands in which a ThinkGear chip reports power, and their limits in Hz. */
const BANDS = [
  { id: 'eeg.bands.delta', symbol: 'δ', name: 'Delta', hz: '0.5–2.75' },
  { id: 'eeg.bands.theta', symbol: 'θ', name: 'Theta', hz: '3.5–6.75' },
  { id: 'eeg.bands.low_alpha', symbol: 'α₁', name: 'Low alpha', hz: '7.5–9.25' },
  { id: 'eeg.bands.high_alpha', symbol: 'α₂', name: 'High alpha', hz: '10–11.75' },
  { id: 'eeg.bands.low_beta', symbol: 'β₁', name: 'Low beta', hz: '13–16.75' },
  { id: 'eeg.bands.high_beta', symbol: 'β₂', name: 'High beta', hz: '18–29.75' },
  { id: 'eeg.bands.low_gamma', symbol: 'γ₁', name: 'Low gamma', hz: '31–39.75' },
  { id: 'eeg.bands.mid_gamma', symbol: 'γ₂', name: 'Mid gamma', hz: '41–49.75' },
];
/** The powers have no unit and span decades: the bars go from 10^2 to 10^7. */
const DECADES = { min: 2, max: 7 };

/** NeuroSky's eSense meters: 0 means that the chip could not compute one. */
const ATTENTION = { label: 'Attention', min: 0, max: 100, step: 1 };
const MEDITATION = { label: 'Meditation', min: 0, max: 100, step: 1 };

/**
 * What the headset's poor-signal figure (0 clean, 200 no skin contact) means to a person.
 * @param {Reading} reading
 * @returns {{ level: 'good' | 'caution' | 'danger' | 'unknown', word: string, hint: string }}
 */
export function quality({ v, stale, ageMs }) {
  if (v === undefined) return { level: 'unknown', word: 'No headset', hint: 'Waiting for data' };
  if (stale) return { level: 'unknown', word: 'No data', hint: `Last heard ${ageText(ageMs)} ago` };
  if (v === 0) return { level: 'good', word: 'Good', hint: 'Contact is clean' };
  if (v <= 50) return { level: 'caution', word: 'Fair', hint: 'Keep still, adjust the sensor' };
  if (v < NO_CONTACT)
    return { level: 'danger', word: 'Poor', hint: 'Press the forehead sensor on' };
  return { level: 'danger', word: 'No contact', hint: 'Check the ear clip and forehead sensor' };
}

/**
 * Height of a band's bar, 0 to 1, on a logarithmic scale.
 * @param {number} power
 */
export function bandHeight(power) {
  const { min, max } = DECADES;
  return Math.min(1, Math.max(0, (Math.log10(Math.max(power, 1)) - min) / (max - min)));
}

/**
 * Without skin contact the chip goes on computing from noise, so none of that is shown.
 * @param {Live} live
 * @param {string} id
 */
function meaningful(live, id) {
  const contact = live.reading(POOR_SIGNAL).v !== NO_CONTACT;
  const reading = live.reading(id);
  return contact ? reading : { ...reading, v: undefined, stale: false };
}

/** @param {{ live: Live }} props */
export function EegCard({ live }) {
  const { level, word, hint } = quality(live.reading(POOR_SIGNAL));
  return html`
    <section class="card eeg" aria-labelledby="eeg-title">
      <div class="head">
        <h2 id="eeg-title">EEG</h2>
        <p class="quality" data-level=${level}><b>${word}</b> <span>${hint}</span></p>
      </div>
      <${Others} live=${live} />
      <${Trace} live=${live} />
      <${Bands} live=${live} />
      <div class="senses">
        <${Sense} live=${live} id="eeg.attention" scale=${ATTENTION} />
        <${Sense} live=${live} id="eeg.meditation" scale=${MEDITATION} />
      </div>
    </section>
  `;
}

/**
 * The card shows one headset; that another one works must not stay a secret.
 * @param {{ live: Live }} props
 */
function Others({ live }) {
  const others = (live.sources.value ?? [])
    .filter(({ id, status }) => /^eeg\d+$/.test(id) && status === 'ok')
    .map(({ id }) => id);
  if (others.length === 0) return null;
  const verb = others.length === 1 ? 'is' : 'are';
  return html`<p class="others">Showing eeg; ${others.join(', ')} ${verb} also connected</p>`;
}

/** @param {{ live: Live }} props */
function Trace({ live }) {
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const [axes, setAxes] = useState({ scale: 0, seconds: 0 });
  useEffect(() => {
    /** @type {(() => void) | undefined} */
    let stop;
    // A timer set in a frame runs after that frame is on the screen.
    const frame = requestAnimationFrame(() =>
      setTimeout(async () => {
        const { mountTrace } = await import('./trace.js');
        if (!host.current) return;
        stop = await mountTrace(host.current, live, RAW, (scale, seconds) =>
          setAxes((old) =>
            old.scale === scale && old.seconds === seconds ? old : { scale, seconds },
          ),
        );
      }),
    );
    return () => {
      cancelAnimationFrame(frame);
      stop?.();
    };
  }, [live]);
  const { v, stale, ageMs } = live.reading(RAW);
  const state = v === undefined ? 'empty' : stale ? 'stale' : 'normal';
  return html`
    <figure class="trace" data-state=${state}>
      <div class="plot" ref=${host}></div>
      <figcaption>
        <span>Raw signal</span>
        <span class="age">${stale && `${ageText(ageMs)} ago`}</span>
        <span>${axes.scale > 0 && `±${axes.scale} µV · ${axes.seconds} s`}</span>
      </figcaption>
    </figure>
  `;
}

/** @param {{ live: Live }} props */
function Bands({ live }) {
  return html`
    <div class="bands" role="group" aria-label="Band power">
      ${BANDS.map((band) => html`<${Band} live=${live} band=${band} />`)}
    </div>
  `;
}

/** @param {{ live: Live, band: typeof BANDS[number] }} props */
function Band({ live, band }) {
  const { v, stale } = meaningful(live, band.id);
  const height = v === undefined ? 0 : bandHeight(v) * 100;
  const power =
    v === undefined ? 'no value yet' : `10 to the ${Math.log10(Math.max(v, 1)).toFixed(1)}`;
  return html`
    <div
      class="band"
      data-state=${v === undefined ? 'empty' : stale ? 'stale' : 'normal'}
      title="${band.name}, ${band.hz} Hz"
      role="meter"
      aria-label="${band.name} power"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${Math.round(height)}
      aria-valuetext=${stale ? `${power}, old` : power}
    >
      <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rail" width="10" height="100" rx="1" />
        <rect class="bar" width="10" y=${100 - height} height=${height} />
      </svg>
      <span>${band.symbol}</span>
    </div>
  `;
}

/** @param {{ live: Live, id: string, scale: import('./gauge.js').Scale }} props */
function Sense({ live, id, scale }) {
  const reading = meaningful(live, id);
  const computed = reading.v === 0 ? { ...reading, v: undefined, stale: false } : reading;
  return html`<${Gauge} scale=${scale} reading=${computed} size="small" />`;
}

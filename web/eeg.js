/**
 * The EEG card: how good the signal is, the live trace, the bands, attention and meditation.
 *
 * The trace is the newest samples on a canvas. uPlot, which draws it, is half of all the bytes of the
 * page, so it is loaded after the first paint. Nothing has to be thinned out for it: it draws the
 * minimum and maximum of a pixel column once four samples share one.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ageText, Gauge, html } from './gauge.js';

/** @typedef {import('./live.js').Live} Live */
/** @typedef {import('./live.js').Reading} Reading */
/** @typedef {import('./link.js').Block} Block */

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

/** Samples that are shown: 4 s at 512 Hz. */
const POINTS = 2_048;
/** Redraws a second at most; blocks come 16 times a second. */
const REDRAWS_MAX_HZ = 30;
/** Half heights of the scale that are used, in the stream's unit (µV). */
const SCALES = [50, 100, 200, 400, 800];
/** The scale shrinks only when the signal fits into this part of the smaller one. */
const SHRINK_AT = 0.8;

/** To who sees live data in their own session only: whether there is a headset is not known then. */
const UNSEEN = { level: 'unknown', word: 'Not shown', hint: 'You see it while your session runs' };

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

/** @param {{ live: Live, waits: import('@preact/signals').ReadonlySignal<boolean> }} props `waits`: for a session of one's own */
export function EegCard({ live, waits }) {
  const { level, word, hint } = waits.value ? UNSEEN : quality(live.reading(POOR_SIGNAL));
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

/**
 * The newest values of a stream in order, at most `capacity`. A lost sample keeps its place as
 * null, which is drawn as a break.
 */
export class Trail {
  /** @type {(number | null)[]} */
  values;
  /** Sequence number that the next block begins with if nothing is lost. */
  #next = 0;

  /** @param {number} capacity samples */
  constructor(capacity) {
    this.values = new Array(capacity).fill(null);
  }

  /** @param {Pick<Block, 'seq' | 'values'>} block */
  push(block) {
    const { values } = this;
    const capacity = values.length;
    const end = block.seq + block.values.length;
    // Going back means that the gateway or its device counts from 0 again.
    const moved = end > this.#next ? Math.min(end - this.#next, capacity) : capacity;
    this.#next = end;
    values.copyWithin(0, moved);
    values.fill(null, capacity - moved);
    const first = Math.max(0, block.values.length - capacity);
    for (let i = first; i < block.values.length; i++) {
      values[capacity - block.values.length + i] = block.values[i] ?? null;
    }
  }
}

/**
 * The scale for a signal that reaches `peak`: grows at once, shrinks with reluctance.
 * @param {number} peak largest absolute value shown
 * @param {number} current
 */
export function scaleFor(peak, current) {
  const largest = SCALES.at(-1) ?? current;
  const fitting = SCALES.find((scale) => peak <= scale) ?? largest;
  if (fitting >= current) return fitting;
  return SCALES.find((scale) => scale >= fitting && peak <= scale * SHRINK_AT) ?? current;
}

/**
 * Draws a wave stream into `host` until the returned function is called.
 * @param {HTMLElement} host its text colour is the colour of the trace
 * @param {Live} live
 * @param {string} id of the stream
 * @param {(scale: number, seconds: number) => void} onScale told what the two axes span
 */
async function mountTrace(host, live, id, onScale) {
  const Plot = await loadPlot();
  const trail = new Trail(POINTS);
  const xs = trail.values.map((_, i) => i);
  const plot = new Plot(plotOptions(host), [xs, trail.values], host);
  const resizing = new ResizeObserver(() => plot.setSize(sizeOf(host)));
  resizing.observe(host);
  let [scale, seconds, frame, drawnAt] = [0, 0, 0, 0];

  /** @param {number} now */
  const draw = (now) => {
    frame = 0;
    if (now - drawnAt < 1000 / REDRAWS_MAX_HZ) {
      frame = requestAnimationFrame(draw);
      return;
    }
    drawnAt = now;
    scale = scaleFor(peakOf(trail.values), scale);
    onScale(scale, seconds);
    plot.batch(() => {
      plot.setData([xs, trail.values], false);
      plot.setScale('x', { min: 0, max: POINTS - 1 });
      plot.setScale('y', { min: -scale, max: scale });
    });
  };
  const stop = live.onBlock((block) => {
    if (block.stream !== id) return;
    trail.push(block);
    seconds = Math.round(POINTS / block.hz);
    if (frame === 0) frame = requestAnimationFrame(draw);
  });
  return () => {
    stop();
    cancelAnimationFrame(frame);
    resizing.disconnect();
    plot.destroy();
  };
}

/** @param {readonly (number | null)[]} values */
function peakOf(values) {
  let peak = 0;
  for (const value of values) {
    if (value !== null) peak = Math.max(peak, Math.abs(value));
  }
  return peak;
}

/** @param {HTMLElement} host */
function sizeOf(host) {
  return { width: host.clientWidth, height: host.clientHeight };
}

/**
 * @param {HTMLElement} host
 * @returns {import('uplot').Options}
 */
function plotOptions(host) {
  const grid = { stroke: () => getComputedStyle(host).borderTopColor, width: 1 };
  const bare = { size: 0, gap: 0, ticks: { show: false }, values: () => [], grid };
  return {
    ...sizeOf(host),
    padding: [0, 0, 0, 0],
    pxAlign: 0,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...bare, splits: () => [1, 2, 3].map((quarter) => (quarter * POINTS) / 4) },
      { ...bare, splits: (_, __, min, max) => [min / 2, 0, max / 2] },
    ],
    series: [
      {},
      { stroke: () => getComputedStyle(host).color, width: 1.25, points: { show: false } },
    ],
  };
}

/** @type {Promise<typeof import('uplot')> | undefined} */
let plotLoad;

/**
 * uPlot, loaded once. Rejects with a DOMException where the gateway does not answer; the next call
 * tries again.
 * @returns {Promise<typeof import('uplot')>}
 */
export function loadPlot() {
  plotLoad ??= fetchPlot().catch((error) => {
    plotLoad = undefined;
    throw error;
  });
  return plotLoad;
}

/** @returns {Promise<typeof import('uplot')>} */
function fetchPlot() {
  const script = document.createElement('script');
  script.src = '/vendor/uplot.js';
  return new Promise((resolve, reject) => {
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => reject(new DOMException('uPlot could not be loaded', 'NetworkError'));
    document.head.append(script);
  });
}

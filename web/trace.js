/**
 * The live EEG trace: the newest samples on a canvas.
 *
 * uPlot is half of all the bytes of the page, so this module loads it itself, after the first
 * paint. Nothing has to be thinned out for it: it draws the minimum and maximum of a pixel column
 * once four samples share one.
 */

/** Samples that are shown: 4 s at 512 Hz. */
export const POINTS = 2_048;
/** Redraws a second at most; blocks come 16 times a second. */
const REDRAWS_MAX_HZ = 30;
/** Half heights of the scale that are used, in the stream's unit (µV). */
const SCALES = [50, 100, 200, 400, 800];
/** The scale shrinks only when the signal fits into this part of the smaller one. */
const SHRINK_AT = 0.8;

/** @typedef {import('./live.js').Live} Live */
/** @typedef {import('./link.js').Block} Block */

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
export async function mountTrace(host, live, id, onScale) {
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

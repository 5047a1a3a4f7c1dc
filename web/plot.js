/**
 * One stream of a recording as a plot: the mean as a line in the band between minimum and maximum.
 *
 * The host tells the colours: `color` the line, `fill` the band, `stroke` the numbers, its upper
 * border the grid, its outline the marks of events. A part is chosen by dragging, with a mouse or a
 * finger; a finger that moves up or down scrolls the page.
 */
import { loadPlot } from './eeg.js';
import { apart } from './marks.js';
import { positionText } from './words.js';

/** A pause of so many usual distances between two points is one, and is drawn as a break. */
const BREAK_DISTANCES = 8;
/** Marks of events that are closer cannot be told apart: the first is for all of them, CSS pixels. */
const MARKS_PX_MIN = 20;
/** The curve is what is to be seen. */
const MARK_ALPHA = 0.5;
/** A shorter drag is a tap, CSS pixels. */
const DRAG_PX_MIN = 10;
/** The shortest part that can be shown, µs. */
const PART_US_MIN = 100_000;
const Y_AXIS_PX = 52;
const X_AXIS_PX = 24;
const FONT = '12px system-ui, sans-serif';
/** Distances of the ticks that suit a time axis, s. */
const TICKS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].concat([
  60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000,
]);

/** @typedef {import('./api.js').ReducedSeries} ReducedSeries */
/** @typedef {{ from: number, to: number }} Range in microseconds since the session's start */
/** @typedef {(number | null)[]} Column */
/** @typedef {[number[], Column, Column, Column]} Columns seconds; minimum, maximum, mean */
/** @typedef {{ title: string, part: Range, marks: readonly number[] }} Shown `marks`: µs */

/**
 * The columns of a plot, with an empty point in each pause.
 * @param {ReducedSeries} series
 * @param {boolean} continuous false for a stream that reports only on change: it has no pauses
 * @returns {Columns}
 */
export function plotColumns({ t, min, max, mean }, continuous) {
  const distances = t.slice(1).map((each, i) => each - (t[i] ?? 0));
  const usual = distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? 0;
  const longest = continuous && usual > 0 ? usual * BREAK_DISTANCES : Infinity;
  /** @type {Columns} */
  const columns = [[], [], [], []];
  const [xs, lows, highs, means] = columns;
  for (const [i, each] of t.entries()) {
    const before = t[i - 1];
    if (before !== undefined && each - before > longest) {
      xs.push((before + usual) / 1e6);
      for (const column of [lows, highs, means]) column.push(null);
    }
    xs.push(each / 1e6);
    lows.push(min[i] ?? null);
    highs.push(max[i] ?? null);
    means.push(mean[i] ?? null);
  }
  return columns;
}

/**
 * The part with its middle where it was, `factor` times as long, moved by `shift` of its length.
 * @param {Range} part
 * @param {number} whole length of the recording, whole µs
 * @param {number} factor
 * @param {number} [shift]
 * @returns {Range | undefined} undefined when that is all of it
 */
export function moved({ from, to }, whole, factor, shift = 0) {
  const length = Math.round(Math.max(PART_US_MIN, (to - from) * factor));
  if (length >= whole) return undefined;
  const wanted = Math.round((from + to) / 2 - length / 2 + shift * length);
  const start = Math.min(Math.max(0, wanted), whole - length);
  return { from: start, to: start + length };
}

/**
 * Draws into `host` until destroyed.
 * @param {HTMLElement} host
 * @param {(part: Range) => void} onPart told which part was chosen by dragging
 * @param {(index: number | null) => void} onPoint told which point the pointer is at
 */
export async function mountPlot(host, onPart, onPoint) {
  const Plot = await loadPlot();
  /** @type {readonly number[]} */
  let marks = [];
  const options = plotOptions(host, onPoint, (plot) => drawMarks(plot, host, marks));
  const plot = new Plot(options, [[], [], [], []], host);
  const resizing = new ResizeObserver(() => plot.setSize(sizeOf(host)));
  resizing.observe(host);
  const stopDragging = followDrags(plot, onPart);
  const stopTheme = onTheme(() => plot.redraw(false));
  return {
    /**
     * @param {Columns} columns
     * @param {Shown} shown
     */
    show(columns, { part, marks: times }) {
      marks = times;
      plot.batch(() => {
        plot.setData(columns, false);
        plot.setScale('x', { min: part.from / 1e6, max: part.to / 1e6 });
      });
      plot.redraw(false);
    },
    destroy() {
      stopTheme();
      stopDragging();
      resizing.disconnect();
      plot.destroy();
    },
  };
}

/** @param {HTMLElement} host */
function sizeOf(host) {
  return { width: host.clientWidth, height: host.clientHeight };
}

/**
 * @param {HTMLElement} host
 * @param {(index: number | null) => void} onPoint
 * @param {(plot: import('uplot')) => void} drawOver
 * @returns {import('uplot').Options}
 */
function plotOptions(host, onPoint, drawOver) {
  const style = () => getComputedStyle(host);
  const grid = { stroke: () => style().borderTopColor, width: 1 };
  const axis = { stroke: () => style().stroke, font: FONT, grid, ticks: { show: false } };
  const edge = { width: 0, points: { show: false } };
  return {
    ...sizeOf(host),
    padding: [6, 26, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      // Its own dragging would undo the selection that followDrags shows.
      bind: { mousedown: () => null, mouseup: () => null, dblclick: () => null },
      sync: { key: 'recording' },
    },
    scales: { x: { time: false, auto: false } },
    axes: [
      {
        ...axis,
        size: X_AXIS_PX,
        space: 70,
        incrs: TICKS_S,
        values: (_, splits, __, ___, step) => splits.map((s) => positionText(s, step)),
      },
      { ...axis, size: Y_AXIS_PX, space: 34 },
    ],
    series: [{}, edge, edge, { stroke: () => style().color, width: 1.5, points: { show: false } }],
    bands: [{ series: [2, 1], fill: () => style().fill }],
    hooks: {
      setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)],
      draw: [drawOver],
    },
  };
}

/**
 * A faint line where something happened, or more than one thing.
 * @param {import('uplot')} plot
 * @param {HTMLElement} host
 * @param {readonly number[]} marks
 */
function drawMarks(plot, host, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = getComputedStyle(host).outlineColor;
  ctx.globalAlpha = MARK_ALPHA;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  const places = marks
    .map((mark) => Math.round(plot.valToPos(mark / 1e6, 'x', true)))
    .filter((x) => x >= bbox.left && x <= bbox.left + bbox.width);
  for (const x of apart(places, MARKS_PX_MIN * devicePixelRatio)) {
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

/**
 * uPlot itself follows a mouse only.
 * @param {import('uplot')} plot
 * @param {(part: Range) => void} onPart
 */
function followDrags(plot, onPart) {
  const { over } = plot;
  const following = new AbortController();
  const { signal } = following;
  /** @type {{ id: number, x: number } | undefined} */
  let start;
  /** @param {PointerEvent} event */
  const place = (event) => {
    const { left, width } = over.getBoundingClientRect();
    return Math.min(Math.max(0, event.clientX - left), width);
  };
  /** @param {number} a @param {number} b */
  const select = (a, b) => {
    const height = over.clientHeight;
    plot.setSelect({ left: Math.min(a, b), width: Math.abs(a - b), top: 0, height }, false);
  };
  const end = () => {
    start = undefined;
    select(0, 0);
  };
  over.addEventListener(
    'pointerdown',
    (event) => {
      if (start || event.button !== 0) return;
      start = { id: event.pointerId, x: place(event) };
      over.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  over.addEventListener(
    'pointermove',
    (event) => {
      if (start?.id === event.pointerId) select(start.x, place(event));
    },
    { signal },
  );
  over.addEventListener(
    'pointerup',
    (event) => {
      if (start?.id !== event.pointerId) return;
      const ends = [start.x, place(event)].toSorted((a, b) => a - b);
      end();
      const [from = 0, to = 0] = ends;
      if (to - from < DRAG_PX_MIN) return;
      onPart({ from: timeAt(plot, from), to: timeAt(plot, to) });
    },
    { signal },
  );
  // The finger scrolls the page.
  over.addEventListener('pointercancel', end, { signal });
  return () => following.abort();
}

/**
 * @param {import('uplot')} plot
 * @param {number} x CSS pixels
 */
function timeAt(plot, x) {
  return Math.max(0, Math.round(plot.posToVal(x, 'x') * 1e6));
}

/**
 * Calls `listener` whenever the colours of the page have changed.
 * @param {() => void} listener
 */
function onTheme(listener) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const chosen = new MutationObserver(listener);
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  dark.addEventListener('change', listener);
  return () => {
    chosen.disconnect();
    dark.removeEventListener('change', listener);
  };
}

/**
 * A gauge: an SVG arc of 240 degrees around a number, in the manner of an instrument cluster.
 *
 * Every arc is the same path with `pathLength` 100, so that a value is a dash length in percent.
 */
import htmModule from 'htm';
import { h } from 'preact';
import { useMemo } from 'preact/hooks';

// Its types describe the CommonJS build, where the function is a property of the module.
const htm = /** @type {typeof htmModule.default} */ (/** @type {unknown} */ (htmModule));

/** Preact elements from a template: what every component of the page is written in. */
export const html = htm.bind(h);

const CENTRE = 100;
/** Where the scale begins, degrees clockwise from three o'clock. */
const START_DEG = 150;
const SWEEP_DEG = 240;
const RADIUS = 86;
/** Half the length of the bright pointer at the end of the arc, percent of the scale. */
const POINTER = 0.5;
/** The shortest arc, percent: a value below the scale is there all the same. */
const STUB = 2;

/** What to write for a UCUM code where the code itself is not what people write. */
const UNITS = new Map([
  ['/min', 'rpm'],
  ['Cel', '°C'],
  ['uV', 'µV'],
  ['1', ''],
]);

/** @typedef {import('./live.js').Reading} Reading */

/**
 * A part of the scale that calls for attention, and the word for it, since colour alone says
 * nothing to one driver in twelve.
 * @typedef {{ from: number, to: number, level: 'caution' | 'danger', word: string }} Zone
 */

/**
 * @typedef {object} Scale
 * @property {string} label
 * @property {number} min
 * @property {number} max
 * @property {number} step what the number is rounded to, so that it can be read
 * @property {number} [major] distance of the numbered ticks; none without it
 * @property {number} [minor] distance of the small ticks
 * @property {number} [per] what the ticks' numbers are divided by
 * @property {readonly Zone[]} [zones]
 */

/** @param {string} ucum */
export function unitText(ucum) {
  return UNITS.get(ucum) ?? ucum;
}

/**
 * How far along the scale a value lies, 0 to 1.
 * @param {number} v
 * @param {Pick<Scale, 'min' | 'max'>} scale
 */
export function fraction(v, { min, max }) {
  return Math.min(1, Math.max(0, (v - min) / (max - min)));
}

/**
 * The point at `share` (0 to 1) of the scale on a circle of `radius`, as "x y".
 * @param {number} share
 * @param {number} radius
 */
export function pointAt(share, radius) {
  const angle = ((START_DEG + share * SWEEP_DEG) * Math.PI) / 180;
  const x = CENTRE + radius * Math.cos(angle);
  const y = CENTRE + radius * Math.sin(angle);
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}

/**
 * The path from one share of the scale to a later one.
 * @param {number} from
 * @param {number} to
 * @param {number} radius
 */
export function arc(from, to, radius) {
  const large = (to - from) * SWEEP_DEG > 180 ? 1 : 0;
  return `M${pointAt(from, radius)}A${radius} ${radius} 0 ${large} 1 ${pointAt(to, radius)}`;
}

/**
 * The number as it is shown: rounded to the step, with the decimals of the step.
 * @param {number} v
 * @param {number} step
 */
export function numberText(v, step) {
  const decimals = Math.max(0, Math.ceil(-Math.log10(step)));
  const text = (Math.round(v / step) * step).toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/**
 * An age as a person says it: `4 s`, `12 min`, `3 h`.
 * @param {number} ms
 */
export function ageText(ms) {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h`;
}

/**
 * @param {number} v
 * @param {Scale} scale
 */
export function zoneOf(v, { zones = [] }) {
  return zones.find(({ from, to }) => v >= from && v <= to);
}

/**
 * The reading in words: for a screen reader, and the same that the gauge shows.
 * @param {Reading} reading
 * @param {Scale} scale
 */
export function readingText({ v, unit, stale, ageMs }, scale) {
  if (v === undefined) return 'no value yet';
  const text = `${numberText(v, scale.step)} ${unitText(unit)}`.trim();
  if (stale) return `${text}, ${ageText(ageMs)} ago`;
  const zone = zoneOf(v, scale);
  return zone ? `${text}, ${zone.word}` : text;
}

/**
 * @param {object} props
 * @param {Scale} props.scale
 * @param {Reading} props.reading
 * @param {string} props.size class of the gauge: `large` or `small`
 */
export function Gauge({ scale, reading, size }) {
  const large = size === 'large';
  const face = useMemo(() => Face(scale), [scale]);
  const { v, stale } = reading;
  const zone = v === undefined || stale ? undefined : zoneOf(v, scale);
  const wide = numberText(scale.max, scale.step).length > 3;
  const state = v === undefined ? 'empty' : stale ? 'stale' : (zone?.level ?? 'normal');
  return html`
    <div
      class="gauge ${size}"
      data-state=${state}
      role="meter"
      aria-label=${scale.label}
      aria-valuemin=${scale.min}
      aria-valuemax=${scale.max}
      aria-valuenow=${v ?? scale.min}
      aria-valuetext=${readingText(reading, scale)}
    >
      <svg viewBox="0 0 200 152" aria-hidden="true">
        ${face} ${v !== undefined && Pointer(fraction(v, scale) * 100)}
        <text class=${wide ? 'number long' : 'number'} x="100" y=${large ? 116 : 106}>
          ${v === undefined ? '–' : numberText(v, scale.step)}
        </text>
        <text class="unit" x="100" y=${large ? 135 : 131}>${unitText(reading.unit)}</text>
      </svg>
      <p class="label">
        ${scale.label}
        ${stale && html` <span class="age">${ageText(reading.ageMs)} ago</span>`}
        ${zone && html` <span class="word">${zone.word}</span>`}
      </p>
    </div>
  `;
}

/** @param {number} percent */
function Pointer(percent) {
  const path = arc(0, 1, RADIUS);
  const from = Math.max(0, percent - POINTER);
  const shown = Math.max(STUB, percent);
  return html`
    <path class="arc value" d=${path} pathLength="100" stroke-dasharray="${shown} 200" />
    <path class="pointer" d=${path} pathLength="100" stroke-dasharray="0 ${from} ${POINTER * 2} 200" />
  `;
}

/**
 * Track, zones and ticks: what never moves.
 * @param {Scale} scale
 */
function Face(scale) {
  const { min, max, major, minor = major, per = 1, zones = [] } = scale;
  /** @param {number} v */
  const share = (v) => fraction(v, scale);
  return html`
    <path class="arc" d=${arc(0, 1, RADIUS)} />
    ${zones.map(
      ({ from, to, level }) =>
        html`<path class="zone ${level}" d=${arc(share(from), share(to), RADIUS + 9)} />`,
    )}
    ${minor && steps(min, max, minor).map((v) => Tick(share(v), 'minor', 4))}
    ${major && steps(min, max, major).map((v) => Tick(share(v), 'major', 8))}
    ${
      major &&
      steps(min, max, major).map((v) => {
        const [x, y] = pointAt(share(v), RADIUS - 27).split(' ');
        return html`<text class="mark" x=${x} y=${y} dy="0.35em">${v / per}</text>`;
      })
    }
    ${!major && html`<text class="end" x="38" y="150">${min}</text><text class="end last" x="162" y="150">${max}</text>`}
  `;
}

/**
 * @param {number} share
 * @param {string} kind
 * @param {number} length
 */
function Tick(share, kind, length) {
  const outer = RADIUS - 8;
  return html`<path class="tick ${kind}" d="M${pointAt(share, outer)}L${pointAt(share, outer - length)}" />`;
}

/**
 * @param {number} min
 * @param {number} max
 * @param {number} step
 */
function steps(min, max, step) {
  return Array.from({ length: Math.floor((max - min) / step) + 1 }, (_, i) => min + i * step);
}

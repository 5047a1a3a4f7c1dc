/**
 * The instruments: the car's card, and what tells of the connection and the gateway's parts.
 *
 * A gauge is an SVG arc of 240 degrees around a number, in the manner of an instrument cluster.
 *
 * Every arc is the same path with `pathLength` 100, so that a value is a dash length in percent.
 */
import htmModule from 'htm';
import { h } from 'preact';
import { useMemo } from 'preact/hooks';
import { noticeText } from './live.js';

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

/** @typedef {import('./live.js').Live} Live */
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

/** @typedef {{ streams: string[], scale: Scale, size: 'large' | 'small' }} Instrument */

/** @type {readonly Instrument[]} The first of `streams` that reports is shown. */
const INSTRUMENTS = [
  {
    streams: ['obd.vehicle.speed'],
    size: 'large',
    scale: { label: 'Speed', min: 0, max: 240, step: 1, major: 40, minor: 10 },
  },
  {
    streams: ['obd.engine.rpm'],
    size: 'large',
    scale: {
      label: 'Engine speed',
      ...{ min: 0, max: 8000, step: 10, major: 1000, minor: 250, per: 1000 },
      zones: [{ from: 6500, to: 8000, level: 'danger', word: 'Too fast' }],
    },
  },
  {
    streams: ['obd.engine.coolant'],
    size: 'small',
    scale: {
      label: 'Coolant',
      min: 40,
      max: 130,
      step: 1,
      zones: [{ from: 110, to: 130, level: 'danger', word: 'Too hot' }],
    },
  },
  {
    streams: ['obd.engine.throttle'],
    size: 'small',
    scale: { label: 'Throttle', min: 0, max: 100, step: 1 },
  },
  {
    streams: ['obd.ecu.voltage', 'obd.adapter.voltage'],
    size: 'small',
    scale: {
      label: 'Voltage',
      min: 10,
      max: 16,
      step: 0.1,
      zones: [
        { from: 10, to: 11.8, level: 'caution', word: 'Low' },
        { from: 15, to: 16, level: 'caution', word: 'High' },
      ],
    },
  },
];

/** What the pill says, in front of it what a narrow screen leaves out. */
const FLOWS = {
  connecting: ['', 'Connecting'],
  live: ['', 'Live'],
  idle: ['Connected, ', 'no data'],
  stale: ['', 'Stale'],
  offline: ['', 'Offline'],
};

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

/** The car at this moment. @param {{ live: Live }} props */
export function CarCard({ live }) {
  return html`
    <section class="card car" aria-labelledby="car-title">
      <h2 id="car-title" class="unseen">Vehicle</h2>
      ${INSTRUMENTS.map(
        ({ streams, scale, size }) =>
          html`<${Gauge} scale=${scale} reading=${live.reading(...streams)} size=${size} />`,
      )}
      <${CheckEngine} live=${live} />
    </section>
  `;
}

/** The lamp of the car. Its line is always there, so that nothing moves when it lights up. */
function CheckEngine(/** @type {{ live: Live }} */ { live }) {
  const { lit, stale, count, code, text } = live.lamp();
  const codes = count > 0 ? `${count} ${count === 1 ? 'code' : 'codes'}` : '';
  const newest = [code, text].filter(Boolean).join(' ');
  const words = ['Check engine', codes, newest].filter(Boolean).join(' · ');
  return html`
    <p class="lamp" role="status" data-state=${stale ? 'stale' : 'caution'} title=${lit ? words : null}>
      ${
        lit &&
        html`<svg viewBox="0 0 24 18" aria-hidden="true">
            <path d="M8 2h7M11.5 2v3M2 7v7M2 10.5h3M5 5h10l3 3h2v-2h2v9h-2v-2h-2l-2 3H9l-2-3H5z" />
          </svg>
          <span>${words}</span>`
      }
    </p>
  `;
}

/** That what is shown does not happen now, to a real car. */
export function Badge(/** @type {{ live: Live }} */ { live }) {
  // A stored session, or a bus that is played from a log.
  const replay = live.sources.value?.find(
    ({ id, details }) => id === 'replay' || typeof details?.['recording'] === 'string',
  );
  if (replay) return html`<p class="badge">Replay<span class="rest"> of ${replay.text}</span></p>`;
  return live.simulated.value && html`<p class="badge">Sim<span class="rest">ulated</span></p>`;
}

/** The connection. A screen reader hears its changes, not the seconds. */
export function Pill(/** @type {{ live: Live }} */ { live }) {
  const { heardAt } = live.link.value;
  const flow = live.flow.value;
  const [rest, word] = FLOWS[flow];
  const silent = flow === 'stale' || flow === 'offline';
  return html`
    <p class="pill" data-flow=${flow}>
      <span role="status"><span class="rest">${rest}</span>${word}</span>
      ${silent && html`<span aria-hidden="true">${ageText(live.clock.value - heardAt)}</span>`}
    </p>
  `;
}

/**
 * What the gateway says about the parts that do not work, and about what it refused.
 * @param {{ live: Live, waits: import('@preact/signals').ReadonlySignal<boolean> }} props `waits`: what
 *   somebody may see begins with a session of theirs
 */
export function Notices({ live, waits }) {
  const linked = live.link.value.phase === 'live';
  const parts = linked ? (live.health.value?.parts ?? []) : [];
  const refusal = live.refusal.value;
  const bare = linked && live.sources.value?.length === 0;
  return html`
    <ul class="notices" role="status">
      ${refusal && html`<li data-level="danger">${refusal}</li>`}
      ${waits.value && linked && html`<li>You see live data while your session runs. Start one under Recordings.</li>`}
      ${
        bare &&
        html`<li data-level="caution">
          No device is configured. Try <code>--sim 1</code>, or <code>--obd</code> and <code>--eeg</code>.
        </li>`
      }
      ${parts
        .filter(({ status }) => status !== 'ok')
        .map(
          ({ id, status, text }) =>
            html`<li key=${id} data-level=${status === 'failed' ? 'danger' : 'caution'} title=${text}>
              ${noticeText(id, text)}
            </li>`,
        )}
    </ul>
  `;
}

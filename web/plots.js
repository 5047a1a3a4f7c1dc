/** The plots of a recording, all of the same part of it, and what happened in it. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useAnswer } from './answers.js';
import { html } from './gauge.js';
import { mountPlot, moved, plotColumns } from './plot.js';
import { isFrames } from './stream-groups.js';
import { StreamPicker } from './stream-picker.js';
import { unitWords } from './units.js';
import { countText, eventText, positionText, valueText } from './words.js';

/** Of each stream: as many as a wide screen can tell apart. */
const POINTS = 600;
const DEFAULT_STREAMS = ['obd.vehicle.speed', 'obd.engine.rpm', 'obd.engine.coolant', 'eeg.raw'];
const EVENTS_MAX = 200;
/** What is shown around an event that was picked, µs. */
const AROUND_US = 30_000_000;

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').Stream} Stream */
/** @typedef {import('./api.js').ReducedSeries} ReducedSeries */
/** @typedef {import('./plot.js').Range} Range */
/** @typedef {import('./api.js').Page<import('./api.js').SessionEvent>} EventPage */

/**
 * The streams of a session that can be drawn; of one that the gateway no longer has, nobody knows.
 * @param {Pick<Session, 'stats'>} session
 * @param {ReadonlyMap<string, Stream>} streams
 */
export function plottable({ stats }, streams) {
  return Object.keys(stats?.streams ?? {}).filter((id) => {
    const kind = streams.get(id)?.kind ?? (isFrames(id) ? 'frame' : 'sample');
    return kind === 'sample' || kind === 'wave';
  });
}

/**
 * What is drawn before anybody has chosen.
 * @param {readonly string[]} offered
 */
export function defaultChoice(offered) {
  const usual = DEFAULT_STREAMS.filter((id) => offered.includes(id));
  if (usual.length > 0) return usual;
  const measured = offered.filter((id) => !id.startsWith('gateway.'));
  return (measured.length > 0 ? measured : offered).slice(0, DEFAULT_STREAMS.length);
}

/**
 * @typedef {object} PlotsProps
 * @property {Session} session
 * @property {ReadonlyMap<string, Stream>} streams by id
 * @property {Range | undefined} shown undefined for all of it
 * @property {(part: Range | undefined) => void} onShow
 */

/** @param {PlotsProps} props */
export function Plots({ session, streams, shown, onShow }) {
  const { id, state, stats } = session;
  const offered = plottable(session, streams);
  const [picked, setPicked] = useState(/** @type {readonly string[] | undefined} */ (undefined));
  const chosen = picked ?? defaultChoice(offered);
  const data = useAnswer(
    chosen.length === 0 ? undefined : dataPath(id, chosen, shown),
    /** @param {{ streams: Record<string, ReducedSeries> }} _ */
    (_) => state === 'active' && shown === undefined,
  );
  /** @type {import('./answers.js').Answer<EventPage>} */
  const events = useAnswer(`/sessions/${id}/events?limit=${EVENTS_MAX}`, () => state === 'active');
  const kept = useRef(data.answer);
  if (data.answer) kept.current = data.answer;
  const series = Object.entries(kept.current?.streams ?? {}).filter(([stream]) =>
    chosen.some((one) => `${stream}.`.startsWith(`${one}.`)),
  );
  const ends = series.map(([, { t }]) => t.at(-1) ?? 0);
  const whole = useRef(1);
  whole.current = Math.max(whole.current, Math.round((stats?.durationS ?? 0) * 1e6), ...ends);
  const part = shown ?? { from: 0, to: whole.current };
  const marks = useMemo(() => (events.answer?.items ?? []).map(({ t }) => t), [events.answer]);
  if (offered.length === 0 && stats)
    return html`<p class="empty">Nothing was recorded that can be drawn.</p>`;
  return html`
    <section class="card plots" aria-labelledby="plots-title">
      <div class="head"><h3 id="plots-title">Course</h3></div>
      <${PartControls} part=${part} whole=${whole.current} onShow=${onShow} />
      ${(data.error || events.error) && html`<p class="said" role="status" data-failed="true">${data.error || events.error}</p>`}
      <div class="courses">
      ${series.map(
        ([stream, each]) => html`
          <${Plot}
            key=${stream}
            id=${stream}
            stream=${streams.get(stream)}
            series=${each}
            part=${part}
            marks=${marks}
            onShow=${onShow}
          />
        `,
      )}
      </div>
      <${StreamPicker} offered=${offered} streams=${streams} chosen=${chosen} onPick=${setPicked} />
      <${Events} page=${events.answer} whole=${whole.current} onShow=${onShow} />
    </section>
  `;
}

/**
 * @param {number} id
 * @param {readonly string[]} streams
 * @param {Range | undefined} part
 */
function dataPath(id, streams, part) {
  const query = new URLSearchParams({ streams: streams.join(','), points: String(POINTS) });
  if (part) {
    query.set('from', String(part.from));
    query.set('to', String(part.to));
  }
  return `/sessions/${id}/data?${query}`;
}

/** @param {{ part: Range, whole: number, onShow: (part: Range | undefined) => void }} props */
function PartControls({ part, whole, onShow }) {
  const step = (part.to - part.from) / 1e8;
  const all = part.from === 0 && part.to >= whole;
  /** @type {[label: string, text: string, act: () => void, disabled: boolean][]} */
  const controls = [
    ['Earlier', '◀', () => onShow(moved(part, whole, 1, -0.5)), all],
    ['Zoom out', '−', () => onShow(moved(part, whole, 2)), all],
    ['Zoom in', '+', () => onShow(moved(part, whole, 0.5)), false],
    ['Later', '▶', () => onShow(moved(part, whole, 1, 0.5)), all],
  ];
  return html`
    <div class="part" role="group" aria-label="Part shown">
      ${controls.map(
        ([label, text, act, disabled]) => html`
          <button class="button square" type="button" aria-label=${label} title=${label} disabled=${disabled} onClick=${act}>
            ${text}
          </button>
        `,
      )}
      <button class="button" type="button" disabled=${all} onClick=${() => onShow(undefined)}>
        Show all
      </button>
      <p role="status">
        ${positionText(part.from / 1e6, step)} to ${positionText(part.to / 1e6, step)}
        ${all && html`<span class="hint"> · drag over a plot to see more detail</span>`}
      </p>
    </div>
  `;
}

/**
 * @typedef {object} PlotProps
 * @property {string} id
 * @property {Stream | undefined} stream undefined where the gateway no longer has it
 * @property {ReducedSeries} series
 * @property {Range} part
 * @property {readonly number[]} marks µs
 * @property {(part: Range) => void} onShow
 */

/** @param {PlotProps} props */
export function Plot({ id, stream, series, part, marks, onShow }) {
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const [plot, setPlot] = useState(
    /** @type {Awaited<ReturnType<typeof mountPlot>> | undefined} */ (undefined),
  );
  const [failed, setFailed] = useState(false);
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const show = useRef(onShow);
  show.current = onShow;
  useEffect(() => {
    let gone = false;
    /** @type {typeof plot} */
    let made;
    const make = async () => {
      if (!host.current) return;
      try {
        made = await mountPlot(host.current, (range) => show.current(range), setAt);
        if (gone) made.destroy();
        else setPlot(made);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        setFailed(true);
      }
    };
    void make();
    return () => {
      gone = true;
      made?.destroy();
    };
  }, []);
  const continuous = stream?.hz !== 0;
  const columns = useMemo(() => plotColumns(series, continuous), [series, continuous]);
  const title = stream?.name ?? id;
  useEffect(
    () => plot?.show(columns, { title, part, marks }),
    [plot, columns, part.from, part.to, marks],
  );
  const unit = unitWords(stream?.unit ?? '');
  return html`
    <figure class="course">
      <figcaption>
        <b>${title}</b>${unit !== '' && html`<span>${unit}</span>`}
        <span class="point" aria-hidden="true">${pointText(columns, at)}</span>
      </figcaption>
      ${failed && html`<p class="empty">The plot could not be loaded. Load the page again.</p>`}
      <div class="canvas" ref=${host} role="img" aria-label=${spanText(title, unit, series)}></div>
    </figure>
  `;
}

/**
 * What is under the pointer.
 * @param {import('./plot.js').Columns} columns
 * @param {number | null} at
 */
function pointText([xs, lows, highs, means], at) {
  const [s, low, high, mean] = [xs, lows, highs, means].map((column) => column[at ?? -1]);
  if (s == null || low == null || high == null || mean == null) return '';
  const span = low === high ? '' : ` (${valueText(low)} to ${valueText(high)})`;
  return `${positionText(s)} · ${valueText(mean)}${span}`;
}

/**
 * The plot for those who do not see it.
 * @param {string} title
 * @param {string} unit
 * @param {ReducedSeries} series
 */
function spanText(title, unit, { t, min, max, n }) {
  if (t.length === 0) return `${title}: no values here`;
  const low = min.reduce((a, b) => Math.min(a, b), Infinity);
  const high = max.reduce((a, b) => Math.max(a, b), -Infinity);
  const count = n.reduce((a, b) => a + b, 0);
  return `${title}: ${valueText(low)} to ${valueText(high)} ${unit}, ${countText(count)} values`;
}

/** @param {{ page: EventPage | undefined, whole: number, onShow: (part: Range | undefined) => void }} props */
function Events({ page, whole, onShow }) {
  if (!page || page.items.length === 0) return null;
  return html`
    <details class="events" open>
      <summary>Events: ${page.next === null ? page.items.length : `the first ${page.items.length}`}</summary>
      <ol>
        ${page.items.map((event) => {
          const around = { from: event.t - AROUND_US, to: event.t + AROUND_US };
          return html`
            <li>
              <button class="event" type="button" onClick=${() => onShow(moved(around, whole, 1))}>
                <b>${positionText(event.t / 1e6)}</b> <span>${eventText(event)}</span>
              </button>
            </li>
          `;
        })}
      </ol>
    </details>
  `;
}

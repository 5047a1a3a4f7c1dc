/** What the signals of a CAN bus are at this moment: a page of them, as there may be hundreds. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { account } from './account.js';
import { useAnswer, useChange } from './answers.js';
import { shownValue } from './can-words.js';
import { ageText, html } from './gauge.js';
import { Link } from './link.js';
import { Live } from './live.js';
import { FindField } from './stream-choices.js';
import { grouped, matching } from './stream-groups.js';
import { countText } from './words.js';

/** As many as are looked through by eye, in full rows of two or three; a subscription has 64 at most. */
const PAGE = 24;
/** Whoever types has not finished before, ms. */
const TYPING_MS = 250;
const POLL_MS = 250;

/** @typedef {import('./api.js').Stream} Stream */

/** @param {{ bus: string, turn: string }} props `turn` changes when there may be others */
export function SignalBrowser({ bus, turn }) {
  /** @type {import('./answers.js').Answer<{ items: readonly Stream[] }>} */
  const { answer, error, again } = useAnswer('/streams');
  useChange(turn, again);
  const [text, setText] = useState('');
  const [from, setFrom] = useState(0);
  const streams = useMemo(() => signalsOf(answer?.items ?? [], bus), [answer, bus]);
  const found = useMemo(() => matching([...streams.keys()], streams, text.trim()), [streams, text]);
  const first = from < found.length ? from : 0;
  const shown = found.slice(first, first + PAGE);
  const live = useValues(shown);
  const look = (/** @type {string} */ words) => {
    setText(words);
    setFrom(0);
  };
  return html`
    <div class="picker"><${FindField} text=${text} onText=${look} /></div>
    ${error && html`<p class="said" role="status" data-failed="true">${error}</p>`}
    <ul class="rows values" aria-label="Signals of ${bus}">
      ${shown.map((id) => html`<${Value} key=${id} stream=${streams.get(id)} live=${live} />`)}
    </ul>
    <${Pages} ...${{ first, count: found.length, onFrom: setFrom }} />
  `;
}

/**
 * The streams of the signals of a bus, by id.
 * @param {readonly Stream[]} all
 * @param {string} bus
 */
function signalsOf(all, bus) {
  const { buses } = grouped(all.map(({ id }) => id));
  const ids = new Set(buses.find((group) => group.bus === bus)?.ids);
  return new Map(all.filter(({ id }) => ids.has(id)).map((stream) => [stream.id, stream]));
}

/** @param {{ first: number, count: number, onFrom: (from: number) => void }} props */
function Pages({ first, count, onFrom }) {
  const end = Math.min(count, first + PAGE);
  return html`
    <div class="do">
      ${
        count > PAGE &&
        html`
          <button class="button" type="button" disabled=${first === 0} onClick=${() => onFrom(first - PAGE)}>Earlier</button>
          <button class="button" type="button" disabled=${end === count} onClick=${() => onFrom(end)}>Next</button>
        `
      }
      <p class="hint" role="status">
        ${count === 0 ? 'None is called so.' : `${first + 1} to ${end} of ${countText(count)}`}
      </p>
    </div>
  `;
}

/** @param {{ stream: Stream | undefined, live: Live | undefined }} props */
function Value({ stream, live }) {
  if (!stream) return null;
  const { id, name } = stream;
  const { v, stale, ageMs } = live?.reading(id) ?? { v: undefined, stale: false, ageMs: 0 };
  return html`
    <li>
      <span class="what">${name} <small>${id.split('.').slice(2).join(' · ')}</small></span>
      <span class="value" data-stale=${stale}>
        ${shownValue(stream, v)}${stale && html`<small>${ageText(ageMs)} ago</small>`}
      </span>
    </li>
  `;
}

/**
 * The values of these streams and of no others, over a connection of their own: the one of the page
 * would bring them for as long as it lasts.
 * @param {readonly string[]} ids
 */
function useValues(ids) {
  const [live, setLive] = useState(/** @type {Live | undefined} */ (undefined));
  const key = ids.join(' ');
  useEffect(() => {
    if (key === '') return undefined;
    /** @type {Link | undefined} */
    let link;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let timer;
    const begin = setTimeout(() => {
      const now = () => performance.now();
      const listener = new Live(now);
      const socketUrl = new URL('/ws/telemetry', location.href.replace(/^http/, 'ws'));
      const started = new Link({
        open: () => new WebSocket(socketUrl),
        token: () => account.token,
        ...{ now, random: Math.random, streams: key.split(' '), listener },
        // The page's own connection has the token renewed; this one comes back with it.
        unauthenticated: () => {},
        status: () => {},
      });
      link = started;
      timer = setInterval(() => {
        if (!document.hidden) started.poll();
        listener.advance();
      }, POLL_MS);
      started.poll();
      setLive(listener);
    }, TYPING_MS);
    return () => {
      clearTimeout(begin);
      clearInterval(timer);
      link?.leave();
    };
  }, [key]);
  return live;
}

/** The dashboard: connects, and shows car and driver on one screen. */
import { render } from 'preact';
import { useState } from 'preact/hooks';
import { EegCard } from './eeg.js';
import { ageText, Gauge, html } from './gauge.js';
import { Link } from './link.js';
import { askHealth, Live } from './live.js';

/** How often ages are counted on and the link is looked at, ms. */
const POLL_MS = 250;
const HEALTH_MS = 5_000;
/** What the page shows; everything else stays with the gateway. */
const STREAMS = ['obd.*', 'eeg.*'];

/** @typedef {import('./gauge.js').Scale} Scale */
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
      min: 0,
      max: 8000,
      step: 10,
      major: 1000,
      minor: 250,
      per: 1000,
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

const THEMES = /** @type {const} */ (['auto', 'dark', 'light']);
const THEME_KEY = 'vigil.theme';

/** @param {{ live: Live }} props */
function Page({ live }) {
  return html`
    <header>
      <${Logo} />
      <h1>Vigil</h1>
      ${live.simulated.value && html`<p class="badge">Simulated</p>`}
      <${Pill} live=${live} />
      <${ThemeButton} />
    </header>
    <main>
      <${Notices} live=${live} />
      <section class="card car" aria-labelledby="car-title">
        <h2 id="car-title" class="unseen">Vehicle</h2>
        ${INSTRUMENTS.map((instrument) => html`<${Instrument} live=${live} ...${instrument} />`)}
      </section>
      <${EegCard} live=${live} />
    </main>
  `;
}

/** @param {{ live: Live } & Instrument} props */
function Instrument({ live, streams, scale, size }) {
  return html`<${Gauge} scale=${scale} reading=${live.reading(...streams)} size=${size} />`;
}

/** The connection. A screen reader hears its changes, not the seconds. */
function Pill(/** @type {{ live: Live }} */ { live }) {
  const { phase, heardAt } = live.link.value;
  const word = { connecting: 'Connecting', live: 'Live', stale: 'Stale', offline: 'Offline' }[
    phase
  ];
  const silent = phase === 'stale' || phase === 'offline';
  return html`
    <p class="pill" data-phase=${phase}>
      <span role="status">${word}</span>
      ${silent && html`<span aria-hidden="true">${ageText(live.clock.value - heardAt)}</span>`}
    </p>
  `;
}

/** What the gateway says about the parts that do not work, and about what it refused. */
function Notices(/** @type {{ live: Live }} */ { live }) {
  const linked = live.link.value.phase === 'live';
  const parts = linked ? (live.health.value?.parts ?? []) : [];
  const refusal = live.refusal.value;
  return html`
    <ul class="notices" role="status">
      ${refusal && html`<li data-level="danger">${refusal}</li>`}
      ${parts
        .filter(({ status }) => status !== 'ok')
        .map(
          ({ id, status, text }) =>
            html`<li key=${id} data-level=${status === 'failed' ? 'danger' : 'caution'}>
              ${noticeText(id, text)}
            </li>`,
        )}
    </ul>
  `;
}

/**
 * A part's sentence, with the part's name in front unless it is there already.
 * @param {string} id
 * @param {string} text
 */
function noticeText(id, text) {
  const name = id.length <= 3 ? id.toUpperCase() : id;
  return text.toLowerCase().startsWith(`${id.toLowerCase()}:`)
    ? `${name}${text.slice(id.length)}`
    : `${name}: ${text}`;
}

/** Goes through automatic, dark and light, and keeps the choice in this browser. */
function ThemeButton() {
  const [theme, setTheme] = useState(readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  const choose = () => {
    keepTheme(next);
    applyTheme(next);
    setTheme(next);
  };
  return html`
    <button class="theme" type="button" onClick=${choose} aria-label="Theme: ${theme}. Change to ${next}">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <circle class="rim" cx="12" cy="12" r="8" />
        ${theme === 'light' && html`<circle class="fill" cx="12" cy="12" r="4" />`}
        ${theme === 'auto' && html`<path class="fill" d="M12 4a8 8 0 0 1 0 16z" />`}
        ${theme === 'dark' && html`<circle class="fill" cx="12" cy="12" r="8" />`}
      </svg>
      <span>${theme}</span>
    </button>
  `;
}

function Logo() {
  return html`
    <svg class="logo" viewBox="8 8 48 40" aria-hidden="true">
      <path class="ring" d="M13.8 42.5A21 21 0 1 1 50.2 42.5" />
      <path class="lit" d="M13.8 42.5A21 21 0 0 1 42.5 13.8" />
      <circle cx="32" cy="32" r="8" />
    </svg>
  `;
}

/** The theme chosen before; automatic when there is none. */
function readTheme() {
  const kept = whereAllowed(() => localStorage.getItem(THEME_KEY));
  return THEMES.find((theme) => theme === kept) ?? 'auto';
}

/** @param {typeof THEMES[number]} theme */
function keepTheme(theme) {
  whereAllowed(() => localStorage.setItem(THEME_KEY, theme));
}

/** @param {typeof THEMES[number]} theme */
function applyTheme(theme) {
  document.documentElement.dataset['theme'] = theme;
}

/**
 * What `use` returns; undefined where the browser blocks storage, or where it is full.
 * @template T
 * @param {() => T} use
 */
function whereAllowed(use) {
  try {
    return use();
  } catch (error) {
    // Without storage the choice lasts as long as the page, which is no reason not to show it.
    if (!(error instanceof DOMException)) throw error;
    return undefined;
  }
}

function start() {
  const now = () => performance.now();
  const live = new Live(now);
  const socketUrl = new URL('/ws/telemetry', location.href.replace(/^http/, 'ws'));
  const link = new Link({
    open: () => new WebSocket(socketUrl),
    now,
    random: Math.random,
    streams: STREAMS,
    listener: live,
  });
  const root = document.getElementById('app');
  if (!root) throw new Error('index.html has no #app');
  applyTheme(readTheme());
  render(html`<${Page} live=${live} />`, root);
  link.poll();
  setInterval(() => {
    link.poll();
    live.advance();
  }, POLL_MS);
  void askHealth(live);
  setInterval(() => void askHealth(live), HEALTH_MS);
  addEventListener('online', () => link.retry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) link.retry();
  });
}

start();

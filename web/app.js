/** The dashboard: connects, and shows car and driver on one screen, or what was recorded of them. */
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AlertBanner, followAlerts } from './alerts-banner.js';
import { EegCard } from './eeg.js';
import { ageText, Gauge, html } from './gauge.js';
import { Link } from './link.js';
import { askHealth, Live, noticeText } from './live.js';

/** How often ages and the link are looked at, ms. */
const POLL_MS = 250;
const HEALTH_MS = 2_000;
/** What the page shows; everything else stays with the gateway. */
const STREAMS = ['obd.*', 'eeg.*', 'alert'];

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

/** What the address says behind the `#`: the view, and which part of it. */
const ROUTE = /^#(?:(recordings)(?:\/([1-9]\d{0,9}))?|(alerts)(?:\/([a-z0-9/-]{1,80}))?)$/;
const VIEWS = [
  { view: 'live', href: '#live', name: 'Live', icon: 'M3 12h4l3-8 4 16 3-8h4' },
  { view: 'recordings', href: '#recordings', name: 'Recordings', icon: 'M4 6h16M4 12h16M4 18h10' },
  { view: 'alerts', href: '#alerts', name: 'Alerts', icon: 'M12 3 2 20.5h20zM12 10v5M12 17.5v.5' },
];

/** @typedef {{ view: string, id: number | undefined, part: string }} Route `id`: of a recording */

const THEMES = /** @type {const} */ (['auto', 'dark', 'light']);
const KEPT_THEME = kept('vigil.theme');

/** @typedef {ReturnType<typeof followAlerts>} Followed */
/** @typedef {import('@preact/signals').ReadonlySignal<Route>} Where */

/** @param {{ live: Live, route: Where } & Followed} props */
function Page({ route, ...parts }) {
  const { live, alerts, sound } = parts;
  const { view } = route.value;
  return html`
    <header>
      <${Logo} />
      <h1>Vigil</h1>
      <${Views} view=${view} />
      <${Badge} live=${live} />
      <${Pill} live=${live} />
      ${sound.value?.button()}
      <${ThemeButton} />
    </header>
    <${AlertBanner} alerts=${alerts} live=${live} />
    <main data-view=${view}>
      <${Notices} live=${live} />
      ${view === 'live' ? html`<${Now} live=${live} />` : html`<${Later} key=${view} ...${{ ...parts, ...route.value }} />`}
    </main>
  `;
}

/** That what is shown does not happen now, to a real car. */
function Badge(/** @type {{ live: Live }} */ { live }) {
  const replay = live.sources.value?.find(({ id }) => id === 'replay');
  if (replay) return html`<p class="badge">Replay<span class="rest"> of ${replay.text}</span></p>`;
  return live.simulated.value && html`<p class="badge">Sim<span class="rest">ulated</span></p>`;
}

/** The views. Links, so that the back button goes from one to the other. */
function Views(/** @type {{ view: string }} */ { view }) {
  return html`
    <nav aria-label="Views">
      ${VIEWS.map(
        ({ href, name, icon, ...one }) => html`
          <a href=${href} aria-current=${one.view === view ? 'page' : null}>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icon} /></svg>
            <span>${name}</span>
          </a>
        `,
      )}
    </nav>
  `;
}

/** Car and driver at this moment. */
function Now(/** @type {{ live: Live }} */ { live }) {
  return html`
    <section class="card car" aria-labelledby="car-title">
      <h2 id="car-title" class="unseen">Vehicle</h2>
      ${INSTRUMENTS.map((instrument) => html`<${Instrument} live=${live} ...${instrument} />`)}
      <${CheckEngine} live=${live} />
    </section>
    <${EegCard} live=${live} />
  `;
}

/** Views whose code comes with the first visit, so that the live one need not wait. */
const LATER = {
  recordings: async () => {
    await loadSheet('/recordings.css');
    return (await import('./recordings.js')).Recordings;
  },
  alerts: async () => {
    await Promise.all([loadSheet('/recordings.css'), loadSheet('/alerts.css')]);
    return (await import('./alerts.js')).Alerts;
  },
};

/** @param {{ view: keyof typeof LATER } & object} props the others are those of the view */
function Later({ view, ...props }) {
  const [loaded, setLoaded] = useState(
    /** @type {{ View: import('preact').ComponentType<any> } | 'failed' | undefined} */ (undefined),
  );
  useEffect(() => {
    // What is missing of the page itself: nothing less than loading it again will do.
    LATER[view]().then(
      (View) => setLoaded({ View }),
      () => setLoaded('failed'),
    );
  }, [view]);
  if (loaded === 'failed') {
    return html`<p role="alert">
      The gateway does not answer.
      <button type="button" onClick=${() => location.reload()}>Load again</button>
    </p>`;
  }
  return loaded && html`<${loaded.View} ...${props} />`;
}

/** @param {{ live: Live } & Instrument} props */
function Instrument({ live, streams, scale, size }) {
  return html`<${Gauge} scale=${scale} reading=${live.reading(...streams)} size=${size} />`;
}

/** The connection. A screen reader hears its changes, not the seconds. */
function Pill(/** @type {{ live: Live }} */ { live }) {
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

/** What the gateway says about the parts that do not work, and about what it refused. */
function Notices(/** @type {{ live: Live }} */ { live }) {
  const linked = live.link.value.phase === 'live';
  const parts = linked ? (live.health.value?.parts ?? []) : [];
  const refusal = live.refusal.value;
  const bare = linked && live.sources.value?.length === 0;
  return html`
    <ul class="notices" role="status">
      ${refusal && html`<li data-level="danger">${refusal}</li>`}
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

/** Goes through automatic, dark and light, and keeps the choice in this browser. */
function ThemeButton() {
  const [theme, setTheme] = useState(readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  const choose = () => {
    KEPT_THEME.keep(next);
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

/**
 * @param {string} hash of the address
 * @returns {Route}
 */
function routeOf(hash) {
  const [, recordings, id, alerts, part = ''] = ROUTE.exec(hash) ?? [];
  const view = recordings ?? alerts ?? 'live';
  return { view, id: id === undefined ? undefined : Number(id), part };
}

/**
 * Resolves when the style sheet applies.
 * @param {string} href
 */
function loadSheet(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  return new Promise((resolve, reject) => {
    link.onload = () => resolve(undefined);
    link.onerror = () => reject(new DOMException(`${href} could not be loaded`, 'NetworkError'));
    document.head.append(link);
  });
}

/** The theme chosen before; automatic when there is none. */
function readTheme() {
  const kept = KEPT_THEME.read();
  return THEMES.find((theme) => theme === kept) ?? 'auto';
}

/**
 * A choice that this browser keeps.
 * @param {string} key
 */
function kept(key) {
  return {
    read: () => whereAllowed(() => localStorage.getItem(key)),
    /** @param {string} choice */
    keep: (choice) => whereAllowed(() => localStorage.setItem(key, choice)),
  };
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

/**
 * Asks for the health when called, unless an answer is awaited: a late one must not undo a newer.
 * @param {Live} live
 */
function healthAsker(live) {
  let asking = false;
  return async () => {
    if (asking) return;
    asking = true;
    await askHealth(live).finally(() => {
      asking = false;
    });
  };
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
  const route = signal(routeOf(location.hash));
  addEventListener('hashchange', () => {
    route.value = routeOf(location.hash);
    scrollTo(0, 0);
  });
  const { alerts, sound } = followAlerts(live, kept('vigil.sound'));
  render(html`<${Page} live=${live} alerts=${alerts} sound=${sound} route=${route} />`, root);
  link.poll();
  setInterval(() => {
    link.poll();
    live.advance();
  }, POLL_MS);
  const ask = healthAsker(live);
  setInterval(ask, HEALTH_MS);
  // A stream that ends or begins, like a link that does, is news that the parts will explain.
  effect(() => {
    void [live.outdated.value, live.link.value.phase];
    void ask();
  });
  addEventListener('online', () => link.retry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) link.retry();
  });
}

start();

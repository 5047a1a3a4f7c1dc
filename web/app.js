/** The dashboard: lets people in, connects, and shows them what they came for. */
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { account, kept } from './account.js';
import { EegCard } from './eeg.js';
import { Badge, CarCard, html, Notices, Pill } from './gauge.js';
import { Link } from './link.js';
import { askHealth, Live } from './live.js';

/** How often ages and the link are looked at, ms. */
const POLL_MS = 250;
const HEALTH_MS = 2_000;
/** The code for alerts is there by then, where none asks for it earlier, ms. */
const ALERTS_MS = 3_000;
/** What the page shows; everything else stays with the gateway. */
const STREAMS = ['obd.*', 'eeg.*', 'alert'];

/** What the address says behind the `#`: the view, and which part of it. */
const ROUTE =
  /^#(?:(recordings)(?:\/([1-9]\d{0,9}))?|(alerts)(?:\/([a-z0-9/-]{1,80}))?|(account|vehicle|system|users|settings|audit))$/;
/** An address with a code to come in by. */
const CODE = /^#(setup|invite)(?:\/([\w-]{1,40}))?$/;
const VIEWS = [
  { view: 'live', href: '#live', name: 'Live', icon: 'M3 12h4l3-8 4 16 3-8h4' },
  { view: 'recordings', href: '#recordings', name: 'Recordings', icon: 'M4 6h16M4 12h16M4 18h10' },
  { view: 'alerts', href: '#alerts', name: 'Alerts', icon: 'M12 3 2 20.5h20zM12 10v5M12 17.5v.5' },
  { view: 'more', href: '#account', name: 'More', icon: 'M5 12h.5M12 12h.5M19 12h.5' },
];

/** @typedef {{ view: string, id: number | undefined, part: string }} Route `id`: of a recording */
/** @typedef {{ way: 'log-in' | 'setup' | 'invite', code: string }} Entry how somebody wants to come in */
/**
 * @typedef {ReturnType<typeof import('./alerts-banner.js').followAlerts>
 *   & Pick<typeof import('./alerts-banner.js'), 'AlertBanner'>} Alerting
 */
/**
 * @template T
 * @typedef {import('@preact/signals').ReadonlySignal<T>} Read
 */
/** @typedef {{ live: Live, route: Read<Route>, entry: Read<Entry>, alerting: Read<Alerting | undefined>, waits: Read<boolean> }} PageProps */

const THEMES = /** @type {const} */ (['auto', 'dark', 'light']);
const KEPT_THEME = kept('vigil.theme');
/**
 * The code somebody came with, until they are in, so that a page that is loaded again has not lost it.
 * An address would get into histories and bookmarks; this goes with the tab.
 */
const KEPT_ENTRY = kept('vigil.entry', () => sessionStorage);

/** @param {PageProps} props */
function Page({ live, route, entry, alerting, waits }) {
  const who = account.who.value;
  if (who.state !== 'in') return html`<${Outside} who=${who} live=${live} entry=${entry.value} />`;
  const { view } = route.value;
  const { AlertBanner, alerts, sound } = alerting.value ?? {};
  const isLive = view === 'live';
  const hasCode = view !== 'alerts' || alerts !== undefined;
  return html`
    <header>
      <${Logo} />
      <h1>Vigil</h1>
      <${Views} view=${VIEWS.some((one) => one.view === view) ? view : 'more'} />
      <${Badge} live=${live} />
      <${Pill} live=${live} />
      ${sound?.value?.button()}
      <${ThemeButton} />
    </header>
    ${AlertBanner && html`<${AlertBanner} alerts=${alerts} live=${live} />`}
    <main data-view=${view}>
      <${Notices} live=${live} waits=${waits} />
      ${isLive && html`<${CarCard} live=${live} /><${EegCard} live=${live} waits=${waits} />`}
      ${!isLive && hasCode && html`<${Later} key=${view} ...${{ live, alerts, sound, ...route.value }} />`}
    </main>
  `;
}

/** What is there for who has not logged in: the way in. */
function Outside(
  /** @type {{ who: import('./account.js').Who, live: Live, entry: Entry }} */ props,
) {
  const { who, live, entry } = props;
  return html`
    <header>
      <${Logo} />
      <h1>Vigil</h1>
      ${who.state === 'starting' && html`<${Pill} live=${live} />`}
      <${ThemeButton} />
    </header>
    <main data-view="entry">
      ${who.state !== 'starting' && html`<${Later} view="entry" who=${who} entry=${entry} />`}
    </main>
  `;
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

/** Views whose code comes with the first visit, so that the live one need not wait. */
const LATER = {
  entry: later(async () => (await import('./entry.js')).Entry, '/account.css'),
  recordings: later(async () => (await import('./recordings.js')).Recordings),
  alerts: later(async () => (await import('./alerts.js')).Alerts, '/alerts.css'),
  account: later(async () => (await import('./own-account.js')).OwnAccount, '/account.css'),
  vehicle: later(async () => (await import('./vehicle.js')).Vehicle, '/account.css'),
  system: later(async () => (await import('./system.js')).System, '/account.css'),
  users: later(async () => (await import('./users.js')).Users, '/account.css'),
  settings: later(async () => (await import('./settings.js')).Settings, '/account.css'),
  audit: later(async () => (await import('./audit.js')).Audit, '/account.css'),
};

/**
 * A view that is loaded after its sheets.
 * @param {() => Promise<import('preact').ComponentType<any>>} load
 * @param {...string} sheets besides the one of all of them
 */
function later(load, ...sheets) {
  return async () => {
    await Promise.all(['/recordings.css', ...sheets].map(loadSheet));
    return await load();
  };
}

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

/** @param {string} hash @returns {Route} */
function routeOf(hash) {
  const [, recordings, id, alerts, part = '', more] = ROUTE.exec(hash) ?? [];
  const view = recordings ?? alerts ?? more ?? 'live';
  return { view, id: id === undefined ? undefined : Number(id), part };
}

/** @param {string} hash @returns {Entry | undefined} undefined where it has no code */
function entryOf(hash) {
  const [, way, code = ''] = CODE.exec(hash) ?? [];
  return way === 'setup' || way === 'invite' ? { way, code } : undefined;
}

/** The code in the address, which is taken out of it at once. @param {Entry} before where it has none */
function takeEntry(before) {
  const entry = entryOf(location.hash);
  if (!entry) return before;
  KEPT_ENTRY.keep(location.hash);
  history.replaceState(null, '', location.pathname);
  return entry;
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

/** @param {typeof THEMES[number]} theme */
function applyTheme(theme) {
  document.documentElement.dataset['theme'] = theme;
}

/**
 * Asks for the health when called, unless an answer is awaited: a late one must not undo a newer.
 * @param {Live} live
 */
function healthAsker(live) {
  let asking = false;
  return async () => {
    if (asking || account.token === '') return;
    asking = true;
    await askHealth(live, account.fetch).finally(() => {
      asking = false;
    });
  };
}

/**
 * Loads what shows and sounds alerts: after the first picture, but with the first alert at the latest.
 * @param {Live} live
 * @param {import('@preact/signals').Signal<Alerting | undefined>} alerting
 * @param {Read<Route>} route
 */
function alertsLater(live, alerting, route) {
  const early = /** @type {import('./link.js').AlertMessage[]} */ ([]);
  let loading = false;
  const load = async () => {
    if (loading) return;
    loading = true;
    try {
      await loadSheet('/banner.css');
      const { AlertBanner, followAlerts } = await import('./alerts-banner.js');
      const followed = followAlerts(live, kept('vigil.sound'));
      for (const message of early) followed.alerts.take(message);
      alerting.value = { AlertBanner, ...followed };
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      // Without an answer the next reason to load it is the next try.
      loading = false;
      live.refused('Alerts cannot be shown: load the page again.');
    }
  };
  live.onAlert = (message) => {
    early.push(message);
    void load();
  };
  effect(() => {
    const part = live.health.value?.parts.find(({ id }) => id === 'alerts');
    if (Number(part?.details['ongoing']) > 0 || route.value.view === 'alerts') void load();
  });
  setTimeout(load, ALERTS_MS);
  for (const type of ['pointerup', 'keydown']) addEventListener(type, load, { once: true });
}

/**
 * Follows who is logged in: the connection has their token, and what was shown to somebody is gone
 * before anybody else comes.
 * @param {Link} link
 */
function followAccount(link) {
  let before = '';
  effect(() => {
    const who = account.who.value;
    const id = who.state === 'in' ? who.user.id : '';
    if (id !== '') KEPT_ENTRY.forget();
    if (before !== '' && id !== '' && id !== before) location.reload();
    if (id === '') link.leave();
    else before = id;
  });
  account.onToken = () => link.authenticate();
  account.start(
    typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('vigil'),
  );
}

function start() {
  const now = () => performance.now();
  const live = new Live(now);
  const waits = signal(false);
  const socketUrl = new URL('/ws/telemetry', location.href.replace(/^http/, 'ws'));
  const link = new Link({
    open: () => new WebSocket(socketUrl),
    token: () => account.token,
    now,
    random: Math.random,
    streams: STREAMS,
    listener: live,
    unauthenticated: () => void account.refused(),
    status: (isLive) => {
      waits.value = !isLive;
    },
  });
  const root = document.getElementById('app');
  if (!root) throw new Error('index.html has no #app');
  applyTheme(readTheme());
  const before = entryOf(KEPT_ENTRY.read() ?? '');
  const entry = signal(takeEntry(before ?? { way: 'log-in', code: '' }));
  const route = signal(routeOf(location.hash));
  addEventListener('hashchange', () => {
    entry.value = takeEntry(entry.value);
    route.value = routeOf(location.hash);
    scrollTo(0, 0);
  });
  const alerting = signal(/** @type {Alerting | undefined} */ (undefined));
  alertsLater(live, alerting, route);
  followAccount(link);
  render(
    html`<${Page} live=${live} route=${route} entry=${entry} alerting=${alerting} waits=${waits} />`,
    root,
  );
  setInterval(() => {
    account.poll();
    link.poll();
    live.advance();
  }, POLL_MS);
  const ask = healthAsker(live);
  setInterval(ask, HEALTH_MS);
  // A stream that ends or begins, like a link that does, is news that the parts will explain.
  effect(() => {
    void [live.outdated.value, live.link.value.phase, account.who.value];
    void ask();
  });
  addEventListener('online', () => link.retry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) link.retry();
  });
}

start();

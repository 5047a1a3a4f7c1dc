/**
 * The alerts that last, on every view: the most urgent one in a banner, and one touch that says that
 * it was seen.
 *
 * What the gateway tells of alerts is never lost on a connection, but those that began before it, or
 * during an outage, are asked for at its start. While the answer is on its way messages go on coming,
 * and are newer than it.
 */
import { computed, effect, signal } from '@preact/signals';
import { account } from './account.js';
import { html } from './gauge.js';

const BASE = '/api/v1/alerts';
/** A slower answer is asked for again, and somebody who has touched a button is told, ms. */
const TIMEOUT_MS = 8_000;
/** More cannot be read at a glance (NHTSA 2013, 78 FR 24817). */
const NAME_CHARS_MAX = 30;
/** By then everything else is there, ms. */
const SOUND_MS = 1_000;
/** Alerts that are quiet for a while become loud again within this time, ms. */
const REFRESH_MS = 20_000;
const RANKS = { info: 0, warn: 1, alarm: 2 };
/** What each is called, and its outline: they differ also for who sees no colours. */
export const SEVERITY = {
  info: { word: 'Info', icon: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7v.5' },
  warn: { word: 'Warning', icon: 'M12 3 2 20.5h20zM12 10v5M12 17.5v.5' },
  alarm: { word: 'Alarm', icon: 'M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8zM12 7v6.5M12 16.5v.5' },
};

/** @typedef {import('../src/core/alert.ts').Severity} Severity */
/** @typedef {import('./alert-sound.js').Sound} Sound */
/** @typedef {import('./link.js').AlertMessage} AlertMessage */

/**
 * @typedef {object} Lasting
 * @property {string} id
 * @property {string} name of its rule
 * @property {Severity} severity
 * @property {string} text
 * @property {boolean} seen somebody has acknowledged it
 * @property {boolean} quiet it was silenced
 * @property {boolean} touched its button was touched here, since it last got worse
 */

/**
 * What calls for somebody before what was seen, then the worst, then the newest.
 * @param {Lasting} a
 * @param {Lasting} b
 */
export function byUrgency(a, b) {
  return (
    Number(a.seen) - Number(b.seen) ||
    RANKS[b.severity] - RANKS[a.severity] ||
    b.id.localeCompare(a.id, 'en', { numeric: true })
  );
}

/** @param {Lasting} alert */
function isHeard({ seen, quiet, touched }) {
  return !seen && !quiet && !touched;
}

/**
 * A name that is read at a glance.
 * @param {string} name
 */
export function shortName(name) {
  return name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX - 1).trimEnd()}…` : name;
}

export class LastingAlerts {
  /** @type {import('@preact/signals').Signal<ReadonlyMap<string, Lasting>>} */
  #all = signal(new Map());
  /** What is known since the answer was asked for that is awaited; undefined: it has ended. */
  #newer = /** @type {Map<string, Lasting | undefined> | undefined} */ (undefined);
  /** Only the newest question counts. */
  #asked = 0;
  #answered = false;
  /** @type {(severity: Severity) => void} */
  #sound;
  /** @type {typeof fetch} */
  #fetcher;
  /** The most urgent first. */
  all = computed(() => [...this.#all.value.values()].sort(byUrgency));
  /** True while an alarm calls for somebody. */
  rings = computed(() =>
    this.all.value.some((alert) => alert.severity === 'alarm' && isHeard(alert)),
  );
  /** Why what somebody wanted was not done; empty when it was. */
  failure = signal('');
  /** Counts what happened, so that lists of alerts know when to ask again. */
  turn = signal(0);

  /**
   * @param {(severity: Severity) => void} sound called for every alert that begins or gets worse
   * @param {typeof fetch} [fetcher]
   */
  constructor(sound, fetcher = account.fetch) {
    this.#sound = sound;
    this.#fetcher = fetcher;
  }

  /** @param {AlertMessage} message */
  take({ id, state, rule, severity, text, acknowledgedBy }) {
    const before = this.#all.value.get(id);
    // Remarks can be made of alerts that are over.
    if (!before && (state === 'noted' || state === 'acknowledged')) return;
    const seen = acknowledgedBy !== null;
    const quiet = state === 'silenced' || (before?.quiet ?? false);
    // A touch was for what could be seen then.
    const worse = before !== undefined && RANKS[severity] > RANKS[before.severity];
    if (worse && before.touched) this.failure.value = '';
    const touched = before?.touched === true && !worse;
    const now =
      state === 'ended' ? undefined : { id, name: rule.name, severity, text, seen, quiet, touched };
    this.#newer?.set(id, now);
    this.#put([...this.#others(id), ...(now ? [now] : [])]);
    this.turn.value++;
  }

  /** Asks again where time may have changed something, or an answer is missing. */
  async refresh() {
    if (!this.#answered || this.all.value.some((alert) => !alert.seen && !isHeard(alert)))
      await this.ask();
  }

  /** Asks for all that last. Without an answer, what was known stays. */
  async ask() {
    const turn = ++this.#asked;
    this.#newer = new Map();
    const response = await this.#send('/active');
    const body = response?.ok ? await response.json().catch(() => undefined) : undefined;
    if (turn !== this.#asked) return;
    const newer = this.#newer;
    this.#newer = undefined;
    this.#answered = response !== undefined;
    if (!Array.isArray(body?.items)) return;
    /** @type {Lasting[]} */
    const answered = body.items.map(lastingOf);
    const told = answered.map((one) => {
      const before = this.#all.value.get(one.id);
      // The gateway has not heard of a touch yet; it was for what could be seen then.
      const stays = before?.touched === true && RANKS[one.severity] <= RANKS[before.severity];
      return { ...one, touched: stays && !one.seen };
    });
    const came = [...newer.values()].filter((one) => one !== undefined);
    this.#put([...told.filter(({ id }) => !newer.has(id)), ...came]);
  }

  /**
   * It is quiet at once, whether the gateway hears of it or not, until it gets worse.
   * @param {string} id
   */
  async acknowledge(id) {
    const alert = this.#all.value.get(id);
    if (!alert) return;
    this.failure.value = '';
    this.#put([...this.#others(id), { ...alert, touched: true }]);
    const response = await this.#send(`/history/${id}/ack`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    const now = this.#all.value.get(id);
    // What nobody has seen yet is not seen by an answer that comes late.
    if (!now || RANKS[now.severity] > RANKS[alert.severity]) return;
    if (!response?.ok) this.failure.value = 'Quiet here, but not acknowledged. Try again.';
    else {
      const seen = { ...now, seen: true, touched: false };
      // An answer that is on its way may be of before.
      this.#newer?.set(id, seen);
      this.#put([...this.#others(id), seen]);
    }
  }

  /** @param {string} id */
  #others(id) {
    return [...this.#all.value.values()].filter((one) => one.id !== id);
  }

  /** @param {readonly Lasting[]} alerts */
  #put(alerts) {
    const before = this.#all.value;
    this.#all.value = new Map(alerts.map((alert) => [alert.id, alert]));
    const news = alerts.filter((alert) => {
      const known = before.get(alert.id);
      return isHeard(alert) && (!known || RANKS[alert.severity] > RANKS[known.severity]);
    });
    const [worst] = news.sort(byUrgency);
    if (worst) this.#sound(worst.severity);
  }

  /**
   * The reply; undefined where there is none.
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async #send(path, init) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await this.#fetcher(`${BASE}${path}`, { ...init, signal }).catch(() => undefined);
  }
}

/**
 * The alerts that last, asked for at each start of the connection where
 * the health tells of some, and heard. The code of the sound
 * comes later: no browser would sound before somebody has touched the page.
 * @param {import('./live.js').Live} live
 * @param {{ read: () => string | null | undefined, keep: (choice: string) => unknown }} kept
 */
export function followAlerts(live, kept) {
  const sound = signal(/** @type {Sound | undefined} */ (undefined));
  const alerts = new LastingAlerts((severity) => sound.value?.play(severity));
  live.onAlert = (message) => alerts.take(message);
  let fresh = true;
  effect(() => {
    if (live.gateway.value) fresh = true;
  });
  effect(() => {
    const part = live.health.value?.parts.find(({ id }) => id === 'alerts');
    if (!part) return;
    // Mostly there is none, which spares the first picture a question.
    const lasting = Number(part.details['ongoing']);
    if (fresh && (lasting > 0 || alerts.all.peek().length > 0)) void alerts.ask();
    fresh = false;
  });
  effect(() => sound.value?.ring(alerts.rings.value));
  const load = async () => {
    sound.value ??= (await import('./alert-sound.js').catch(() => undefined))?.createSound(kept);
    sound.value?.touched();
  };
  setInterval(() => {
    if (live.link.value.phase === 'live') void alerts.refresh();
  }, REFRESH_MS);
  setTimeout(load, SOUND_MS);
  for (const type of ['pointerup', 'keydown']) addEventListener(type, () => void load());
  return { alerts, sound };
}

/**
 * @param {{ id: string, rule: { name: string }, severity: Severity, text: string,
 *   acknowledgedBy: string | null, silencedUntil: string | null }} alert as the API has it
 * @returns {Lasting}
 */
function lastingOf({ id, rule, severity, text, acknowledgedBy, silencedUntil }) {
  const quiet = silencedUntil !== null && Date.parse(silencedUntil) > Date.now();
  const seen = acknowledgedBy !== null;
  return { id, name: rule.name, severity, text, seen, quiet, touched: false };
}

/** @param {{ severity: Severity }} props */
export function SeverityIcon({ severity }) {
  return html`
    <svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d=${SEVERITY[severity].icon} /></svg>
  `;
}

/** @param {{ alerts: LastingAlerts, live: import('./live.js').Live }} props */
export function AlertBanner({ alerts, live }) {
  const all = alerts.all.value;
  const [worst] = all;
  if (!worst) return null;
  const { id, name, severity, text } = worst;
  const failure = alerts.failure.value;
  const driving = live.driving.value;
  const { word } = SEVERITY[severity];
  const { phase } = live.link.value;
  // While the first connection is being made nothing is lost: what is told is the gateway's answer.
  const lost =
    (phase === 'stale' || phase === 'offline') &&
    html`<p class="text">Connection lost: this may be over.</p>`;
  const unseen = all.filter(({ seen }) => !seen).length;
  if (unseen === 0) {
    return html`
      <section class="alerting" data-severity=${severity} data-seen="true" aria-label="Alert">
        <p class="kind"><${SeverityIcon} severity=${severity} />${shortName(name)}<span class="further">${all.length > 1 ? `All ${all.length} seen` : 'Seen'}</span></p>
        ${lost}
      </section>
    `;
  }
  return html`
    <section class="alerting" data-severity=${severity} data-seen="false" data-driving=${driving} aria-label="Alert">
      <div class="what" role="alert" key=${`${id} ${severity}`}>
        <p class="kind"><${SeverityIcon} severity=${severity} />${word}${unseen > 1 && html`<span class="further">+${unseen - 1} more</span>`}</p>
        <p class="name">${shortName(name)}</p>
        ${!driving && !failure && html`<p class="text">${text}</p>`}
        ${lost}
        ${failure && html`<p class="failure">${failure}</p>`}
      </div>
      ${
        account.may('watch') &&
        html`<button class="ack" type="button" onClick=${() => void alerts.acknowledge(id)}>
          <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 12.5 9.5 18 20 6.5" /></svg>
          Acknowledge
        </button>`
      }
    </section>
  `;
}

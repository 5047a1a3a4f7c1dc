/**
 * Who uses this page, the token that says so to the gateway, and what the browser keeps for them.
 *
 *   starting --token--> in --log-out, or a token that is no longer good--> out
 *   starting --nobody has an account yet--> unclaimed --claimed--> in
 *
 * The access token is in memory only. What outlives the page is a cookie that no script can read, for
 * which the gateway gives the next token: at the start, before a token ends, and when one is refused.
 *
 * All tabs have one cookie, and a cookie that is used after it was replaced is taken for a stolen one,
 * which ends the log-in. The Web Locks that would put tabs in a queue are missing on plain http. So a
 * tab tells the others of each token, who take it for theirs and ask for none; each would ask at a
 * time of its own; and of those that do ask at once, as they do when a computer wakes up, the gateway
 * forgives whoever comes within 10 s.
 */
import { signal } from '@preact/signals';

const BASE = '/api/v1/auth';
/** So long before its end a token is replaced, and by chance up to so much earlier, ms. */
const RENEW_MS = 60_000;
const SPREAD_MS = 30_000;
/** A gateway that gave no answer is asked again after it, ms. */
const RETRY_MS = 2_000;
/** A slower answer is none, ms. */
const TIMEOUT_MS = 10_000;
/** Between two attempts that a refused token was the reason of, ms. */
const REFUSED_MS = 5_000;

/** @typedef {import('../src/core/account.ts').Role} Role */
/** @typedef {import('../src/core/account.ts').Scope} Scope */
/** @typedef {import('../src/core/account.ts').User} User */
/** @typedef {import('../src/accounts/roles.ts').Permission} Permission */

/**
 * What the page offers to whom; the gateway decides, and a test compares.
 * @type {Readonly<Partial<Record<Permission, readonly Role[]>>>}
 */
const ALL = {
  see: ['viewer', 'operator', 'researcher', 'admin'],
  record: ['operator', 'researcher', 'admin'],
  watch: ['operator', 'researcher', 'admin'],
  service: ['operator', 'admin'],
  manage: ['admin'],
};
/** What students have for their own sessions. @type {readonly Permission[]} */
const OWN = ['see', 'record'];

/** @typedef {{ access_token: string, expires_in: number, user: User }} Grant */
/**
 * `why`: a sentence for somebody who has to log in again, or may not here; else empty
 * @typedef {{ state: 'starting' | 'unclaimed' }
 *   | { state: 'out', why: string }
 *   | { state: 'in', user: User }} Who
 */
/** The part of a BroadcastChannel that is used here. @typedef {Pick<BroadcastChannel, 'postMessage' | 'onmessage'>} Channel */

/**
 * @typedef {object} AccountOptions
 * @property {typeof fetch} fetcher
 * @property {() => number} now monotonic milliseconds
 * @property {() => number} random from 0 up to 1
 */

export class Account {
  /** @type {import('@preact/signals').Signal<Who>} */
  who = signal({ state: 'starting' });
  /** Called with each token: the connection needs it, too. @type {(token: string) => void} */
  onToken = () => {};
  /** @type {AccountOptions} */
  #options;
  #token = '';
  #renewAt = 0;
  /** When a token was last asked for because one was refused, ms. */
  #refusedAt = -Infinity;
  /** @type {Promise<void> | undefined} */
  #renewing;
  /** @type {Channel | undefined} */
  #channel;

  /** @param {AccountOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Empty while nobody is logged in. */
  get token() {
    return this.who.peek().state === 'in' ? this.#token : '';
  }

  /** @param {Channel} [channel] to the other tabs */
  start(channel) {
    this.#channel = channel;
    if (channel) channel.onmessage = ({ data }) => this.#hear(data);
    void this.renew();
  }

  /** Moves time on; to be called a few times a second. */
  poll() {
    const { state } = this.who.peek();
    const wants = state === 'in' || state === 'starting';
    if (wants && this.#options.now() >= this.#renewAt) void this.renew();
  }

  /**
   * Of what somebody may see or do; to be read inside a component or an effect.
   * @param {Permission} permission
   * @returns {Scope}
   */
  scope(permission) {
    const who = this.who.value;
    if (who.state !== 'in') return 'none';
    if (ALL[permission]?.includes(who.user.role)) return 'all';
    return who.user.role === 'student' && OWN.includes(permission) ? 'own' : 'none';
  }

  /** @param {Permission} permission */
  may(permission) {
    return this.scope(permission) !== 'none';
  }

  /**
   * As `fetch`, by who is logged in. A token that is refused is replaced once, and what was asked is
   * asked again with the next one; all that is asked meanwhile waits for that.
   * @type {typeof fetch}
   */
  fetch = async (url, init) => {
    await this.#renewing;
    const token = this.token;
    const reply = await this.#send(url, init);
    if (reply.status !== 401 || token === '') return reply;
    if (token === this.token) await this.refused();
    return this.token === token || this.token === '' ? reply : await this.#send(url, init);
  };

  /** The gateway does not take the token: it has ended, or the log-in has. */
  async refused() {
    // Where the next one is refused, too, it is for a reason that no other mends.
    const now = this.#options.now();
    if (this.#renewing === undefined && now - this.#refusedAt < REFUSED_MS) return;
    this.#refusedAt = now;
    await this.renew();
  }

  /** Asks for the next token, unless one is on its way. */
  renew() {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /**
   * Takes what a log-in has brought, and tells the other tabs.
   * @param {Grant} grant
   */
  enter(grant) {
    this.#take(grant);
    this.#channel?.postMessage({ grant });
  }

  /** Forgets who it was. @param {string} [why] */
  leave(why = '') {
    this.#forget(why);
    this.#channel?.postMessage({ left: true });
  }

  /** @param {unknown} data of another tab of this page */
  #hear(data) {
    const { grant } = /** @type {{ grant?: Grant }} */ (data);
    if (grant) this.#take(grant);
    else this.#forget('');
  }

  /** @param {Grant} grant */
  #take({ access_token, expires_in, user }) {
    const { now, random } = this.#options;
    const lastsMs = expires_in * 1000;
    const earlyMs = Math.min(RENEW_MS + random() * SPREAD_MS, lastsMs / 2);
    this.#token = access_token;
    this.#renewAt = now() + lastsMs - earlyMs;
    const before = this.who.peek();
    // Whatever shows the person is drawn anew only for another one.
    const same = before.state === 'in' && JSON.stringify(before.user) === JSON.stringify(user);
    if (!same) this.who.value = { state: 'in', user };
    this.onToken(access_token);
  }

  /** @param {string} why */
  #forget(why) {
    this.#token = '';
    this.who.value = { state: 'out', why };
  }

  async #renew() {
    this.#renewAt = this.#options.now() + RETRY_MS;
    const token = this.#token;
    const reply = await this.#refresh();
    // Without an answer the token so far may be good yet; nobody is sent away for a lost hotspot.
    if (!reply || reply.status >= 500 || reply.status === 429) return;
    const body = await reply.json().catch(() => undefined);
    // Whoever has left or come meanwhile knows better.
    if (this.#token !== token) return;
    if (reply.ok) {
      if (body) this.enter(body);
      return;
    }
    const detail = typeof body?.detail === 'string' ? body.detail : '';
    if (body?.claimed === false) this.who.value = { state: 'unclaimed' };
    // That nobody has logged in here yet needs no sentence.
    else this.#forget(reply.status === 403 ? detail : this.#token && 'Your log-in has ended.');
  }

  /** The reply; undefined where there is none. */
  async #refresh() {
    return await this.#options
      .fetcher(`${BASE}/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"refresh":"cookie"}',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      .catch(() => undefined);
  }

  /** @type {typeof fetch} */
  #send = (url, init) => {
    const headers = { ...Object.fromEntries(new Headers(init?.headers)) };
    if (this.token !== '') headers['authorization'] = `Bearer ${this.token}`;
    return this.#options.fetcher(url, { ...init, headers });
  };
}

/** Of this page. */
export const account = new Account({
  fetcher: (...args) => fetch(...args),
  now: () => performance.now(),
  random: Math.random,
});

/**
 * One text of it. Where the browser blocks storage, or it is full, it lasts as long as the page.
 * @param {string} key
 * @param {() => Storage} [storage] by itself it is there after the browser was closed, too
 */
export function kept(key, storage = () => localStorage) {
  return {
    read: () => whereAllowed(() => storage().getItem(key)),
    /** @param {string} text */
    keep: (text) => whereAllowed(() => storage().setItem(key, text)),
    forget: () => whereAllowed(() => storage().removeItem(key)),
  };
}

/** @template T @param {() => T} use */
function whereAllowed(use) {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return undefined;
  }
}

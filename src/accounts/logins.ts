import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Ledger } from '#core/ledger.ts';
import { Turns } from '#core/turns.ts';
import { AccountError } from './errors.ts';
import type { Moment, Moments } from './moments.ts';

/**
 * Log-ins, each with its chain of refresh tokens (a "family", RFC 9700 clause 4.14.2). A refresh token
 * is `<log-in>.<256 bits>`; the store has its SHA-256 only. Each use gives the next one and ends the
 * one before; a token that has ended being used again means that two have it, so the log-in ends.
 *
 * An answer may get lost on the air: for GRACE_MS the token before still gives the same next one, which
 * is a MAC of it, so that nothing has to be kept from which it could be read.
 */

/** Of one log-in without a refresh. */
export const IDLE_MS_MAX = 7 * 86_400_000;
/** From the log-in on. */
export const AGE_MS_MAX = 30 * 86_400_000;
const GRACE_MS = 10_000;
/** What is kept of a last use is no older. */
const USE_MS_MAX = 3_600_000;
/** Of one account, which many phones may share; a further one ends the one that was used longest ago. */
export const LOGINS_MAX = 50;
const SECRET_BYTES = 32;
const TOKEN = /^([\w-]{16})\.([\w-]{43})$/;

/** One log-in as the store has it. */
export interface Login {
  readonly id: string;
  readonly userId: string;
  /** What the client calls itself, for the list of one's log-ins. */
  readonly client: string;
  /** SHA-256 of the token that is good, base64url. */
  readonly token: string;
  /** That of the one before; empty where there was none. */
  readonly before: string;
  readonly madeAt: Moment;
  readonly usedAt: Moment;
  /** From the log-in to its last use, as far as the clocks could tell. */
  readonly ageMs: number;
}

/** One as whoever it is of sees it. */
export interface LoginView {
  readonly id: string;
  /** What the client calls itself. */
  readonly client: string;
  /** RFC 3339, as far as the clock knew; null where nobody can tell. */
  readonly madeAt: string | null;
  readonly usedAt: string | null;
}

/** What a refresh gives. */
export interface Refreshed {
  readonly login: Login;
  readonly token: string;
}

export interface LoginsOptions {
  readonly ledger: Ledger<string, Login>;
  /** Waits for a write, but not for a store that takes none: who drives must get in all the same. */
  readonly inTime: (written: Promise<void>) => Promise<void>;
  readonly moments: Moments;
  readonly random: (bytes: number) => Uint8Array;
  /** Kept with the accounts: without it no next token can be told from the one before. */
  readonly chainKey: () => Uint8Array;
  /** Told of each log-in that has ended, with why, and who asked for what ended it, if anybody. */
  readonly ended: (login: Login, why: EndOfLogin, from: string) => void;
}

export type EndOfLogin = 'logout' | 'reuse' | 'expired' | 'displaced' | 'account';

export class Logins {
  readonly #options: LoginsOptions;
  /** One change of a log-in at a time: two requests with one token must see each other. */
  readonly #turns = new Turns();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** Takes those of earlier starts. */
  load(): void {
    this.#options.ledger.load((a, b) => (a.id < b.id ? -1 : 1));
  }

  get(id: string): Login | undefined {
    return this.#options.ledger.get(id);
  }

  of(userId: string): Login[] {
    return [...this.#options.ledger.all()].filter((login) => login.userId === userId);
  }

  /** Those of an account as it sees them, the one used last first. */
  views(userId: string): LoginView[] {
    const { moments } = this.#options;
    return this.#byUse(userId).map(({ id, client, madeAt, usedAt }) => ({
      ...{ id, client, madeAt: moments.timeOf(madeAt), usedAt: moments.timeOf(usedAt) },
    }));
  }

  /** Resolves when it is durable. */
  async begin(userId: string, client: string): Promise<Refreshed> {
    const { moments, random, ledger, inTime } = this.#options;
    await this.#makeRoom(userId);
    const secret = Buffer.from(random(SECRET_BYTES)).toString('base64url');
    const id = Buffer.from(random(12)).toString('base64url');
    const now = moments.now();
    const login: Login = {
      ...{ id, userId, client, token: hashOf(secret), before: '' },
      ...{ madeAt: now, usedAt: now, ageMs: 0 },
    };
    await inTime(ledger.put(login));
    return { login, token: `${id}.${secret}` };
  }

  /**
   * The next token for one that is good; resolves when that is durable.
   *
   * @param from address of who asks
   * @throws AccountError BAD_TOKEN; where the token had been used before, the log-in has ended then
   */
  async refresh(token: string, from: string): Promise<Refreshed> {
    const [, id = '', secret = ''] = TOKEN.exec(token) ?? [];
    return await this.#turns.run(id, () => this.#refresh(id, secret, from));
  }

  /**
   * Somebody has come by a log-in again without a token. It is written once an hour: that is near enough.
   *
   * @returns whether it is still one
   */
  async use(id: string): Promise<boolean> {
    const { moments, ledger, inTime } = this.#options;
    const login = ledger.get(id);
    if (login === undefined) return false;
    if (this.#isOver(login)) {
      await this.end(id, 'expired');
      return false;
    }
    const sinceMs = moments.since(login.usedAt);
    if (sinceMs !== undefined && sinceMs < USE_MS_MAX) return true;
    const ageMs = login.ageMs + (sinceMs ?? 0);
    await inTime(ledger.put({ ...login, usedAt: moments.now(), ageMs }));
    return ledger.get(id) !== undefined;
  }

  /** Ends a log-in; one that is not there has ended. */
  async end(id: string, why: EndOfLogin, from = ''): Promise<void> {
    const { ledger, ended, inTime } = this.#options;
    const login = ledger.get(id);
    if (login === undefined) return;
    const removed = ledger.remove(id);
    ended(login, why, from);
    await inTime(removed);
  }

  async endAll(why: EndOfLogin): Promise<void> {
    await Promise.all([...this.#options.ledger.all()].map(({ id }) => this.end(id, why)));
  }

  /** Ends those of an account, but for one. */
  async endAllOf(userId: string, why: EndOfLogin, butFor = ''): Promise<void> {
    const all = this.of(userId).filter(({ id }) => id !== butFor);
    await Promise.all(all.map(({ id }) => this.end(id, why)));
  }

  /** Which log-in a refresh token is of, whether or not it is still good; undefined for nonsense. */
  idIn(token: string): string | undefined {
    return TOKEN.exec(token)?.[1];
  }

  /** Whether a text is the refresh token of a log-in, or was the one before. */
  isOf(token: string, { id, token: good, before }: Login): boolean {
    const [, of, secret = ''] = TOKEN.exec(token) ?? [];
    const hash = hashOf(secret);
    return of === id && (isSame(hash, good) || isSame(hash, before));
  }

  /** Ends those that were not used for too long. */
  async sweep(): Promise<void> {
    const over = [...this.#options.ledger.all()].filter((login) => this.#isOver(login));
    await Promise.all(over.map(({ id }) => this.end(id, 'expired')));
  }

  async #refresh(id: string, secret: string, from: string): Promise<Refreshed> {
    const { moments, ledger, inTime } = this.#options;
    const login = ledger.get(id);
    if (login === undefined) throw bad();
    if (this.#isOver(login)) {
      await this.end(id, 'expired');
      throw bad();
    }
    const hash = hashOf(secret);
    const next = this.#next(id, secret);
    if (isSame(hash, login.token)) {
      const ageMs = login.ageMs + (moments.since(login.usedAt) ?? 0);
      const usedAt = moments.now();
      const changed = { ...login, token: hashOf(next), before: hash, usedAt, ageMs };
      await inTime(ledger.put(changed));
      return { login: changed, token: `${id}.${next}` };
    }
    const sinceUse = moments.since(login.usedAt);
    const isRetry = isSame(hash, login.before) && sinceUse !== undefined && sinceUse <= GRACE_MS;
    if (isRetry && isSame(hashOf(next), login.token)) return { login, token: `${id}.${next}` };
    await this.end(id, 'reuse', from);
    throw bad();
  }

  #isOver(login: Login): boolean {
    const idle = this.#options.moments.since(login.usedAt) ?? 0;
    return idle > IDLE_MS_MAX || login.ageMs + idle > AGE_MS_MAX;
  }

  #next(id: string, secret: string): string {
    const mac = createHmac('sha256', this.#options.chainKey());
    return mac.update(`${id}.${secret}`).digest('base64url');
  }

  async #makeRoom(userId: string): Promise<void> {
    const own = this.#byUse(userId);
    const oldest = own.at(-1);
    if (oldest && own.length >= LOGINS_MAX) await this.end(oldest.id, 'displaced');
  }

  /** The one used last first; those of which nobody can tell come behind. */
  #byUse(userId: string): Login[] {
    const idleOf = ({ usedAt }: Login): number =>
      this.#options.moments.since(usedAt) ?? Number.POSITIVE_INFINITY;
    return this.of(userId)
      .map((login) => ({ login, idle: idleOf(login) }))
      .toSorted((a, b) => (a.idle < b.idle ? -1 : 1))
      .map(({ login }) => login);
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function bad(): AccountError {
  return new AccountError('BAD_TOKEN', 'the refresh token is not valid, or no longer');
}

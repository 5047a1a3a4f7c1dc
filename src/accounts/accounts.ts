import type { Identity, Remote, Role, User } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { waitAtMost } from '#core/clock.ts';
import type { Ledger } from '#core/ledger.ts';
import type { AccountFile } from './account-file.ts';
import type { AuditFact } from './audit.ts';
import type { Claim } from './claim.ts';
import { Entrance } from './entrance.ts';
import { AccountError } from './errors.ts';
import type { Credentials, Granted, Visit } from './granted.ts';
import { Invites } from './invites.ts';
import { AGE_MS_MAX, type EndOfLogin, type Login, Logins, type Refreshed } from './logins.ts';
import { type Actor, Members } from './members.ts';
import type { Moments } from './moments.ts';
import { checkPassword } from './password-rules.ts';
import { Passwords } from './passwords.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { SteadyLogins } from './steady-logins.ts';
import { ACCESS_S, type Access, Tokens } from './tokens.ts';
import { publicUser, type StoredUser, Users } from './users.ts';

/** A store that does not take a log-in by then is not waited for any longer. */
const KEEP_MS_MAX = 2_000;
/** Who comes before the log-ins of earlier starts are known is waited for so long. */
const LOAD_MS_MAX = 3_000;
const RETRY_AFTER_S = 1;
/** What a client calls itself is cut there. */
const CLIENT_CHARS_MAX = 200;

export interface AccountsOptions {
  readonly file: AccountFile;
  /** Not loaded yet; `openLogins` does that. */
  readonly logins: Ledger<string, Login>;
  readonly claim: Claim;
  readonly moments: Moments;
  /** In which people wait. */
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly registration: 'open' | 'invite';
  readonly requireTls: boolean;
  /** Takes what is to be found in the audit log. */
  readonly note: (fact: AuditFact) => void;
  /** Somebody has claimed the gateway. */
  readonly claimed: () => void;
}

/** Everything about who may come in: claiming, logging in and out, and the tokens that say so. */
export class Accounts {
  readonly members: Members;
  readonly invites: Invites;
  readonly logins: Logins;
  readonly #options: AccountsOptions;
  readonly #users: Users;
  readonly #passwords = new Passwords();
  readonly #pseudonyms: Pseudonyms;
  readonly #tokens: Tokens;
  readonly #entrance: Entrance;
  readonly #steady: SteadyLogins;
  readonly #listeners = new Set<(login: Login) => void>();
  readonly #loginsOpen = Promise.withResolvers<void>();
  #areLoginsOpen = false;
  #claiming = false;
  /** Why nobody can log in; empty where they can. */
  #shut = '';

  constructor(options: AccountsOptions) {
    const { file, moments, clock, random } = options;
    this.#options = options;
    const now = () => new Date(moments.wallMs()).toISOString();
    this.#users = new Users({ records: file.users, random, now });
    this.#pseudonyms = new Pseudonyms(() => file.secrets.pseudonyms);
    const { note } = options;
    this.invites = new Invites({ records: file.invites, moments, random, note });
    this.logins = new Logins({
      ...{ moments, random, ledger: options.logins },
      inTime: (written) => waitAtMost(clock, KEEP_MS_MAX, written),
      chainKey: () => Buffer.from(file.secrets.chain, 'base64url'),
      ended: (login, why, from) => this.#ended(login, why, from),
    });
    this.#tokens = new Tokens({
      moments,
      issuer: () => file.secrets.issuer,
      keys: () =>
        file.secrets.keys.map(({ id, secret }) => ({
          id,
          secret: Buffer.from(secret, 'base64url'),
        })),
      makeId: () => Buffer.from(random(12)).toString('base64url'),
    });
    this.members = new Members({
      ...{ users: this.#users, logins: this.logins, passwords: this.#passwords, note },
    });
    this.#entrance = new Entrance({
      ...{ users: this.#users, passwords: this.#passwords, clock, note },
      requireTls: options.requireTls,
      rehash: (...known) => this.members.rehash(...known),
    });
    this.#steady = new SteadyLogins(this.logins);
  }

  /** Takes the accounts of earlier starts. @throws as AccountFile.load */
  async load(): Promise<void> {
    await this.#options.file.load();
    this.#users.load();
  }

  /** Everything about them, as `restore` takes it. */
  text(): string {
    return this.#options.file.text();
  }

  /** Takes the accounts of a backup in place of these. @throws as AccountFile.restore */
  async restore(text: string): Promise<void> {
    // In turn with every other change, or one that has begun would be written into what is restored.
    await this.#users.replace(() => this.#options.file.restore(text));
    await this.logins.endAll('account');
  }

  /** Ends what is over, and signs with a new key where it is time. To be called now and then. */
  async sweep(): Promise<void> {
    await this.logins.sweep();
    if (!this.isClaimed() || this.#shut !== '') return;
    const { file, moments } = this.#options;
    try {
      await file.rotate((at) => moments.since(at));
    } catch (error) {
      // The key so far is good; the next call tries again.
      if (!(error instanceof AccountError)) throw error;
    }
  }

  /** Takes the log-ins of earlier starts: the store is open. */
  openLogins(): void {
    this.logins.load();
    this.#areLoginsOpen = true;
    this.#loginsOpen.resolve();
  }

  /** Whether somebody has made the gateway theirs. */
  isClaimed(): boolean {
    return this.#users.size > 0 || this.#shut !== '';
  }

  /** The accounts cannot be read: nobody comes in, and nobody claims what may be another's. */
  shut(reason: string): void {
    this.#shut = reason;
  }

  /** Why nobody can log in; empty where they can. */
  whyShut(): string {
    return this.#shut;
  }

  /** Turned away since the start, for the metrics. */
  get refused(): Readonly<Record<'throttled' | 'busy', number>> {
    return { throttled: this.#entrance.tries.refused, busy: this.#passwords.refused };
  }

  /** Tells of each log-in that ends, until what is returned is called. */
  onEnd(listener: (login: Login) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Makes the gateway somebody's, who manages it from then on.
   *
   * @throws AccountError CLAIMED, NEEDS_TLS, NOT_HERE, THROTTLED, BAD_CODE, WEAK_PASSWORD, OFF
   */
  async claim({ code, ...who }: Credentials & { code: string }, visit: Visit): Promise<Granted> {
    const fact = { action: 'claim', who: who.username, from: visit.remote.address };
    this.#checkUnclaimed();
    this.checkSecure('admin', visit.remote);
    try {
      this.#options.claim.check(code, visit.remote);
    } catch (error) {
      this.#note({ ...fact, result: 'refused' });
      throw error;
    }
    const user = await this.claimAs(who);
    this.#note({ ...fact, who: user.username, result: 'done' });
    return await this.#begin(user, visit);
  }

  /** As `claim`, by who has started the gateway. @throws AccountError CLAIMED, WEAK_PASSWORD, OFF */
  async claimAs({ username, password }: Credentials): Promise<StoredUser> {
    this.#checkUnclaimed();
    checkPassword(password, username);
    this.#claiming = true;
    try {
      const hash = await this.#passwords.hash(password);
      const who = { username, role: 'admin', grants: [], password: hash } as const;
      const user = await this.#users.create(who);
      this.#options.claimed();
      return user;
    } finally {
      this.#claiming = false;
    }
  }

  /** @throws AccountError WRONG_LOGIN, THROTTLED, BUSY, NEEDS_TLS, OFF */
  async login(who: Credentials, visit: Visit): Promise<Granted> {
    this.#checkShut();
    return await this.#entrance.person(who, visit, (user) => this.#begin(user, visit));
  }

  /**
   * As `login`, for a client that has no tokens and sends its password with every connection.
   *
   * @param isInUse whether a log-in has a connection now
   * @throws as `login`
   */
  async enter(
    who: Credentials,
    visit: Visit,
    isInUse: (login: string) => boolean,
  ): Promise<Identity> {
    this.#checkShut();
    return await this.#entrance.client(who, visit, async (user) => {
      const { id } = await this.#steady.of(user.id, visit.client, isInUse);
      return { user: publicUser(await this.#unchanged(user, id)), login: id };
    });
  }

  /** @throws AccountError NEEDS_TLS where somebody with the role is not to log in from there */
  checkSecure(role: Role, remote: Remote): void {
    this.#entrance.checkSecure(role, remote);
  }

  /**
   * Makes an account for whoever asks, a student's.
   *
   * @throws AccountError CLOSED, BAD_INVITE, THROTTLED; as Members.create
   */
  async register(who: Credentials & { invite?: string | undefined }, visit: Visit): Promise<User> {
    const { username, password, invite } = who;
    this.#checkShut();
    this.#entrance.tries.take(username.toLowerCase(), visit.remote);
    const create = (): Promise<User> =>
      this.members.create(
        { username, password, role: 'student' },
        { who: '', remote: visit.remote },
      );
    if (invite !== undefined) return await this.invites.use(invite, create);
    if (this.#options.registration === 'open') return await create();
    throw new AccountError('CLOSED', 'an account needs an invite here');
  }

  /** @throws AccountError BAD_TOKEN, OFF, NEEDS_TLS */
  async refresh(token: string, { remote }: Visit): Promise<Granted> {
    this.#checkShut();
    const id = this.logins.idIn(token);
    const user = this.#users.get((await this.#loginOf(id))?.userId ?? '');
    if (!user?.enabled) throw new AccountError('BAD_TOKEN', 'the refresh token is not valid');
    this.checkSecure(user.role, remote);
    return await this.#grant(user, await this.logins.refresh(token, remote.address));
  }

  /** Changes one's own password, as `Members.changeOwn` does. @throws as that; THROTTLED, NEEDS_TLS */
  async changePassword(
    { user, login }: Identity,
    change: { readonly before: string; readonly password: string },
    remote: Remote,
  ): Promise<User> {
    this.checkSecure(user.role, remote);
    // Whoever found an access token must not find the password by it.
    this.#entrance.tries.take(user.username, remote);
    const actor = { who: user.username, remote };
    return await this.members.changeOwn(user.id, { ...change, login }, actor);
  }

  /**
   * Ends the log-in of a refresh token. A token that is none has ended already.
   *
   * @throws AccountError OFF
   */
  async logout(token: string, remote: Remote): Promise<void> {
    const login = await this.#loginOf(this.logins.idIn(token));
    if (login === undefined || !this.logins.isOf(token, login)) return;
    const who = this.#users.get(login.userId)?.username ?? '';
    await this.#logout(login.id, { who, remote });
  }

  /** Ends one of somebody's own log-ins. @throws AccountError NOT_FOUND */
  async endLogin(user: User, id: string, remote: Remote): Promise<void> {
    if (this.logins.get(id)?.userId !== user.id) {
      throw new AccountError('NOT_FOUND', `there is no log-in ${JSON.stringify(id)} of yours`);
    }
    await this.#logout(id, { who: user.username, remote });
  }

  async #logout(id: string, { who, remote }: Actor): Promise<void> {
    await this.logins.end(id, 'logout');
    this.#note({ action: 'logout', who, from: remote.address, result: 'done' });
  }

  /**
   * Who an access token is of.
   *
   * @throws AccountError BAD_TOKEN; OFF where that is not known yet
   */
  async authenticate(accessToken: string): Promise<Identity & { readonly leftMs: number }> {
    this.#checkShut();
    const access = await this.#verify(accessToken);
    const login = await this.#loginOf(access.login);
    const user = this.#users.get(access.userId);
    if (login?.userId !== access.userId || !user?.enabled) {
      throw new AccountError('BAD_TOKEN', 'the access token is not valid, or no longer');
    }
    return { user: publicUser(user), login: access.login, leftMs: access.leftMs };
  }

  /** Of a token of an earlier start it is known only then whether it is good. */
  async #verify(accessToken: string): Promise<Access> {
    try {
      return await this.#tokens.verify(accessToken);
    } catch (error) {
      if (!(error instanceof AccountError) || this.#areLoginsOpen) throw error;
      await this.#untilLoaded();
      return await this.#tokens.verify(accessToken);
    }
  }

  /** What somebody is called for those who are not to know their name: `P-7K3M9Q2A`. */
  pseudonym(name: string): string {
    return this.#pseudonyms.of(name);
  }

  /** A log-in as it is now; undefined when it has ended. */
  identity(login: string): Identity | undefined {
    const user = this.#users.get(this.logins.get(login)?.userId ?? '');
    return user?.enabled ? { user: publicUser(user), login } : undefined;
  }

  /** @throws AccountError WRONG_LOGIN where the account is not as it was when the password was right */
  async #begin(user: StoredUser, { client }: Visit): Promise<Granted> {
    const begun = await this.logins.begin(user.id, client.slice(0, CLIENT_CHARS_MAX));
    return await this.#grant(await this.#unchanged(user, begun.login.id), begun);
  }

  /** A change ends the log-ins that there are, and this one was not yet. @throws as `#begin` */
  async #unchanged(user: StoredUser, login: string): Promise<StoredUser> {
    try {
      return this.#entrance.checkUnchanged(user);
    } catch (error) {
      await this.logins.end(login, 'account');
      throw error;
    }
  }

  async #grant(user: StoredUser, { login, token }: Refreshed): Promise<Granted> {
    return {
      user: publicUser(user),
      login: login.id,
      accessToken: await this.#tokens.sign(user.id, login.id),
      expiresInS: ACCESS_S,
      refreshToken: token,
      endsInS: Math.floor((AGE_MS_MAX - login.ageMs) / 1000),
    };
  }

  /** @throws AccountError OFF where it may be one of an earlier start, which are not known yet */
  async #loginOf(id: string | undefined): Promise<Login | undefined> {
    if (id === undefined) return undefined;
    if (this.logins.get(id) === undefined) {
      await this.#untilLoaded();
      if (!this.#areLoginsOpen) {
        throw new AccountError('OFF', 'the log-ins are not known yet', RETRY_AFTER_S);
      }
    }
    return this.logins.get(id);
  }

  async #untilLoaded(): Promise<void> {
    if (this.#areLoginsOpen) return;
    await waitAtMost(this.#options.clock, LOAD_MS_MAX, this.#loginsOpen.promise);
  }

  #checkShut(): void {
    if (this.#shut !== '') throw new AccountError('OFF', this.#shut, RETRY_AFTER_S);
  }

  #checkUnclaimed(): void {
    if (this.isClaimed() || this.#claiming) {
      throw new AccountError('CLAIMED', 'somebody has claimed this gateway already');
    }
  }

  #ended(login: Login, why: EndOfLogin, from: string): void {
    for (const listener of this.#listeners) listener(login);
    if (why !== 'reuse') return;
    const who = this.#users.get(login.userId)?.username ?? '';
    this.#note({ action: 'token.reuse', who, from, result: 'refused' });
  }

  #note(fact: Pick<AuditFact, 'action' | 'who' | 'from' | 'result'>): void {
    this.#options.note({ target: '', details: {}, ...fact });
  }
}

import type { Grant, Remote, Role, User } from '#core/account.ts';
import { isExpected } from '#core/errors.ts';
import type { AuditFact } from './audit.ts';
import { AccountError } from './errors.ts';
import type { Logins } from './logins.ts';
import { checkPassword } from './password-rules.ts';
import type { Passwords } from './passwords.ts';
import { publicUser, type UserChange, type Users } from './users.ts';

/** Who asks for a change, for the audit log. */
export interface Actor {
  /** Name of the account; empty for nobody who is known. */
  readonly who: string;
  readonly remote: Remote;
}

export interface NewMember {
  readonly username: string;
  readonly password: string;
  readonly role: Role;
  readonly grants?: readonly Grant[] | undefined;
}

export interface MemberChange {
  readonly role?: Role | undefined;
  readonly grants?: readonly Grant[] | undefined;
  readonly enabled?: boolean | undefined;
  readonly password?: string | undefined;
}

export interface MembersOptions {
  readonly users: Users;
  readonly logins: Logins;
  readonly passwords: Passwords;
  readonly note: (fact: AuditFact) => void;
}

type Noted = Partial<Pick<AuditFact, 'result' | 'details'>>;

/** The accounts as those who manage them see them. Every change ends the log-ins that it is about. */
export class Members {
  readonly #options: MembersOptions;

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  /** By name. */
  list(): User[] {
    return this.#options.users.all().map(publicUser);
  }

  find(id: string): User | undefined {
    const user = this.#options.users.get(id);
    return user && publicUser(user);
  }

  /** @throws AccountError NOT_FOUND */
  get(id: string): User {
    const user = this.find(id);
    if (user) return user;
    throw new AccountError('NOT_FOUND', `there is no account ${JSON.stringify(id)}`);
  }

  /** @throws AccountError WEAK_PASSWORD, NAME_TAKEN, TOO_MANY, BUSY, OFF */
  async create(member: NewMember, actor: Actor): Promise<User> {
    const { users } = this.#options;
    const { username, role, grants = [] } = member;
    users.checkName(username);
    const password = await this.#hash(member.password, username);
    const user = await users.create({ username, role, grants, password });
    this.#note('user.create', user.username, actor, { details: { role, grants } });
    return publicUser(user);
  }

  /**
   * Changes what is told, and ends every log-in of the account; nothing told changes nothing.
   *
   * @throws AccountError NOT_FOUND, LAST_ADMIN, WEAK_PASSWORD, BUSY, OFF
   */
  async change(id: string, { password, ...rest }: MemberChange, actor: Actor): Promise<User> {
    const { users, logins } = this.#options;
    const before = this.get(id);
    const { username } = before;
    const hashed = password === undefined ? {} : { password: await this.#hash(password, username) };
    const change = { ...definedOf(rest), ...hashed };
    const what = Object.keys(change);
    if (what.length === 0) return before;
    const user = await users.change(id, change);
    this.#note('user.change', username, actor, {
      details: { what, role: user.role, enabled: user.enabled },
    });
    await logins.endAllOf(id, 'account');
    return publicUser(user);
  }

  /**
   * Changes one's own password; one's other log-ins end.
   *
   * @throws AccountError WRONG_PASSWORD where the one so far is another, WEAK_PASSWORD, BUSY, OFF
   */
  async changeOwn(
    id: string,
    { before, password, login }: { before: string; password: string; login: string },
    actor: Actor,
  ): Promise<User> {
    const { users, logins, passwords } = this.#options;
    const user = users.get(id);
    if (!(await passwords.matches(before, user?.password)) || user === undefined) {
      if (user) this.#note('user.password', user.username, actor, { result: 'refused' });
      throw new AccountError('WRONG_PASSWORD', 'this is not the password of this account');
    }
    const hashed = await this.#hash(password, user.username);
    // What somebody else has set meanwhile must not give way to who knew the one before.
    const changed = await users.change(id, { password: hashed }, user.password);
    this.#note('user.password', user.username, actor, {});
    await logins.endAllOf(id, 'account', login);
    return publicUser(changed);
  }

  /** Whether `remove` would do it. @throws AccountError NOT_FOUND, LAST_ADMIN */
  checkRemoval(id: string): void {
    this.get(id);
    this.#options.users.checkDispensable(id);
  }

  /** @throws AccountError NOT_FOUND, LAST_ADMIN, OFF */
  async remove(id: string, actor: Actor): Promise<User> {
    const { users, logins } = this.#options;
    const user = await users.remove(id);
    this.#note('user.remove', user.username, actor, {});
    await logins.endAllOf(id, 'account');
    return publicUser(user);
  }

  /**
   * Keeps a password that was right with as much work as is wanted now.
   *
   * @param known its hash so far
   */
  async rehash(id: string, password: string, known: string): Promise<void> {
    const { users, passwords } = this.#options;
    try {
      await users.change(id, { password: await passwords.hash(password) }, known);
    } catch (error) {
      // It must keep nobody out; the next log-in tries again.
      if (!isExpected(error)) throw error;
    }
  }

  async #hash(password: string, username: string): Promise<string> {
    checkPassword(password, username);
    return await this.#options.passwords.hash(password);
  }

  #note(action: string, target: string, { who, remote }: Actor, more: Noted): void {
    const fact = { action, who, from: remote.address, target };
    this.#options.note({ result: 'done', details: {}, ...more, ...fact });
  }
}

function definedOf(change: Omit<MemberChange, 'password'>): UserChange {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

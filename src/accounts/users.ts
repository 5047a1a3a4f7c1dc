import type { Grant, Role, User } from '#core/account.ts';
import type { Records } from '#core/ledger.ts';
import { Turns } from '#core/turns.ts';
import { AccountError } from './errors.ts';

/** Accounts of one gateway. A car has a handful; a study some dozens. */
const USERS_MAX = 500;
/** As people may write it: it is kept in lower case. */
export const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,30}[A-Za-z0-9]$/;
const ID_BYTES = 12;

/** An account as it is kept. */
export interface StoredUser extends User {
  /** bcrypt. */
  readonly password: string;
}

export interface UserChange {
  readonly role?: Role;
  readonly grants?: readonly Grant[];
  readonly enabled?: boolean;
  /** bcrypt. */
  readonly password?: string;
}

/** Of an account that is made. */
export interface NewUser {
  /** As USERNAME says. */
  readonly username: string;
  readonly role: Role;
  readonly grants: readonly Grant[];
  /** bcrypt. */
  readonly password: string;
}

export interface UsersOptions {
  readonly records: Records<string, StoredUser>;
  readonly random: (bytes: number) => Uint8Array;
  /** RFC 3339. */
  readonly now: () => string;
}

/**
 * The accounts, all in memory. One change at a time, which counts when it is durable: of two who go at the
 * same moment the second sees that the first has gone, and what cannot be kept has not happened.
 */
export class Users {
  readonly #options: UsersOptions;
  readonly #byId = new Map<string, StoredUser>();
  readonly #turns = new Turns();

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  load(): void {
    this.#byId.clear();
    for (const user of this.#options.records.list()) this.#byId.set(user.id, user);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** By name. */
  all(): StoredUser[] {
    return [...this.#byId.values()].toSorted((a, b) => (a.username < b.username ? -1 : 1));
  }

  get(id: string): StoredUser | undefined {
    return this.#byId.get(id);
  }

  /** Whatever its case. */
  named(username: string): StoredUser | undefined {
    const name = username.toLowerCase();
    return [...this.#byId.values()].find((user) => user.username === name);
  }

  /** @throws AccountError NAME_TAKEN, TOO_MANY, OFF */
  create({ username, ...rest }: NewUser): Promise<StoredUser> {
    const { records, random, now } = this.#options;
    return this.#inTurn(async () => {
      const name = username.toLowerCase();
      this.checkName(name);
      if (this.size >= USERS_MAX) {
        throw new AccountError('TOO_MANY', `there are ${USERS_MAX} accounts, and no more may be`);
      }
      const id = Buffer.from(random(ID_BYTES)).toString('base64url');
      const user = { ...rest, id, username: name, enabled: true, createdAt: now() };
      await records.put(user);
      this.#byId.set(id, user);
      return user;
    });
  }

  /**
   * @param known hash of the password on which the change rests; undefined where it rests on none
   * @throws AccountError NOT_FOUND, LAST_ADMIN, OFF; WRONG_PASSWORD where it is another by now
   */
  change(id: string, change: UserChange, known?: string): Promise<StoredUser> {
    return this.#inTurn(async () => {
      const before = this.#existing(id);
      if (known !== undefined && before.password !== known) {
        throw new AccountError('WRONG_PASSWORD', 'the password was changed meanwhile');
      }
      const user = { ...before, ...change };
      if (!isManager(user)) this.checkDispensable(id);
      await this.#options.records.put(user);
      this.#byId.set(id, user);
      return user;
    });
  }

  /** @throws AccountError NOT_FOUND, LAST_ADMIN, OFF */
  remove(id: string): Promise<StoredUser> {
    return this.#inTurn(async () => {
      const user = this.#existing(id);
      this.checkDispensable(id);
      await this.#options.records.remove(id);
      this.#byId.delete(id);
      return user;
    });
  }

  /** Has something take the place of the records, and goes on with them. Rejects as that does. */
  replace(records: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      await records();
      this.load();
    });
  }

  /** @throws AccountError NAME_TAKEN */
  checkName(username: string): void {
    const taken = this.named(username);
    if (taken === undefined) return;
    throw new AccountError('NAME_TAKEN', `there is an account called ${taken.username}`);
  }

  /** Somebody who manages must be left without this one, if it is one. @throws AccountError LAST_ADMIN */
  checkDispensable(id: string): void {
    const managers = this.all().filter(isManager);
    if (managers.length !== 1 || managers[0]?.id !== id) return;
    throw new AccountError('LAST_ADMIN', 'somebody has to be left who manages the gateway');
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run('', work);
  }

  #existing(id: string): StoredUser {
    const user = this.#byId.get(id);
    if (user) return user;
    throw new AccountError('NOT_FOUND', `there is no account ${JSON.stringify(id)}`);
  }
}

function isManager({ role, enabled }: User): boolean {
  return role === 'admin' && enabled;
}

/** An account without what nobody is to see. */
export function publicUser({ id, username, role, grants, enabled, createdAt }: StoredUser): User {
  return { id, username, role, grants, enabled, createdAt };
}

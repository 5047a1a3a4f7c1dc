import type { Remote, Role } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import type { AuditFact } from './audit.ts';
import { AccountError } from './errors.ts';
import type { Credentials, Visit } from './granted.ts';
import { isOutdated, type Passwords } from './passwords.ts';
import { PRIVILEGED } from './roles.ts';
import { Tries } from './tries.ts';
import type { StoredUser, Users } from './users.ts';

export interface EntranceOptions {
  readonly users: Users;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly requireTls: boolean;
  readonly note: (fact: AuditFact) => void;
  /** As `Members.rehash`. */
  readonly rehash: (id: string, password: string, known: string) => Promise<void>;
}

type Fact = Pick<AuditFact, 'who' | 'from' | 'result'>;
/** What somebody gets who was let in. */
type Begin<T> = (user: StoredUser) => Promise<T>;

/** How often the log has it that one client came, or was refused. */
const NOTED = { burst: 1, perS: 1 / 60, namesMax: 1_000 };

/** Where names and passwords are checked, by whatever way they come. */
export class Entrance {
  readonly tries: Tries;
  readonly #options: EntranceOptions;
  readonly #noted: TokenBuckets;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.tries = new Tries(options.clock);
    this.#noted = new TokenBuckets(options.clock, NOTED);
  }

  /**
   * Lets somebody begin who has the right name and password.
   *
   * @throws AccountError WRONG_LOGIN, THROTTLED, BUSY, NEEDS_TLS; as `begin`
   */
  async person<T>(who: Credentials, visit: Visit, begin: Begin<T>): Promise<T> {
    return await this.#enter(who, visit.remote, begin, (fact) => this.#note(fact, {}));
  }

  /** As `person`, for a program that comes again and again: how it fares is noted once a minute. */
  async client<T>(who: Credentials, { remote, client }: Visit, begin: Begin<T>): Promise<T> {
    return await this.#enter(who, remote, begin, (fact) => {
      const name = [fact.result, who.username.toLowerCase(), remote.address, client].join(' ');
      if (this.#noted.take(name) === 0) this.#note(fact, { client });
    });
  }

  async #enter<T>(
    who: Credentials,
    remote: Remote,
    begin: Begin<T>,
    note: (fact: Fact) => void,
  ): Promise<T> {
    const { username, password } = who;
    const { users, passwords, rehash } = this.#options;
    const from = remote.address;
    const name = username.toLowerCase();
    this.tries.take(name, remote);
    const known = users.named(name);
    const isRight = await passwords.matches(password, known?.password);
    // As it is by now: who was disabled, or whose password was changed meanwhile, is not let in.
    const user = users.get(known?.id ?? '');
    if (!isRight || !user?.enabled || user.password !== known?.password) {
      note({ who: known?.username ?? '', from, result: 'refused' });
      throw wrongLogin();
    }
    this.tries.forgive(name, remote);
    this.checkSecure(user.role, remote);
    const begun = await begin(user);
    note({ who: user.username, from, result: 'done' });
    if (isOutdated(user.password)) await rehash(user.id, password, user.password);
    return begun;
  }

  /** Whether an account is still as it was when its password was right. @throws AccountError WRONG_LOGIN */
  checkUnchanged({ id, password }: StoredUser): StoredUser {
    const now = this.#options.users.get(id);
    if (now?.enabled && now.password === password) return now;
    throw wrongLogin();
  }

  /** @throws AccountError NEEDS_TLS */
  checkSecure(role: Role, { isLocal, isSecure }: Remote): void {
    if (!this.#options.requireTls || isLocal || isSecure || !PRIVILEGED.includes(role)) return;
    throw new AccountError(
      'NEEDS_TLS',
      `an account with the role ${role} logs in over https, or on the gateway itself`,
    );
  }

  #note(fact: Fact, details: AuditFact['details']): void {
    this.#options.note({ action: 'login', target: '', details, ...fact });
  }
}

function wrongLogin(): AccountError {
  return new AccountError('WRONG_LOGIN', 'no account has this name and this password');
}

/** Accounts without a disk: one of each role, whose tokens come without a password. */
import { randomBytes } from 'node:crypto';
import { ROLES, type Role, type User } from '#core/account.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import { Ledger } from '#core/ledger.ts';
import { AccountFile } from '../../src/accounts/account-file.ts';
import { Accounts } from '../../src/accounts/accounts.ts';
import type { AuditFact } from '../../src/accounts/audit.ts';
import { Claim } from '../../src/accounts/claim.ts';
import type { Login } from '../../src/accounts/logins.ts';
import { Moments } from '../../src/accounts/moments.ts';
import type { StoredUser } from '../../src/accounts/users.ts';
import { unkept } from '../../src/alerts/unkept.ts';
import { monotonicClock } from '../../src/io/clock.ts';

export const LOCAL = { address: '127.0.0.1', isLocal: true, isSecure: false } as const;
const EPOCH: Epoch = {
  id: 1,
  wallMs: 1_795_000_000_000,
  trust: 'gps',
  bootId: 'b',
  monotonicMs: 0,
};

export interface TestAccounts {
  readonly accounts: Accounts;
  /** What went to the audit log. */
  readonly facts: AuditFact[];
  user(role: Role): User;
  /** An access token of somebody with the role, of a log-in of its own. */
  token(role: Role): Promise<string>;
}

export async function testAccounts(clock: Clock = monotonicClock()): Promise<TestAccounts> {
  let text: string | undefined;
  const storage = {
    read: async () => (text === undefined ? [] : [text]),
    write: async (next: string) => {
      text = next;
    },
  };
  const moments = new Moments(
    clock,
    () => EPOCH,
    () => new Map(),
  );
  const file = new AccountFile({ storage, random: randomBytes, now: () => moments.now() });
  for (const role of ROLES) await file.users.put(userOf(role));
  const facts: AuditFact[] = [];
  const accounts = new Accounts({
    ...{ file, moments, clock, random: randomBytes, registration: 'invite', requireTls: true },
    logins: new Ledger(unkept<string, Login>()),
    claim: new Claim({ code: () => '0000-0000-0000-0000', clock }),
    note: (fact) => void facts.push(fact),
    claimed: () => {},
  });
  await accounts.load();
  accounts.openLogins();
  const user = (role: Role): User => accounts.members.get(idOf(role));
  return { accounts, facts, user, token: (role) => tokenOf(accounts, idOf(role)) };
}

/** An access token for an account, as if its password had been given. */
export async function tokenOf(accounts: Accounts, userId: string): Promise<string> {
  const { token } = await accounts.logins.begin(userId, 'test');
  const granted = await accounts.refresh(token, { remote: LOCAL, client: 'test' });
  return granted.accessToken;
}

/** That of the one who manages it. */
export async function adminToken(accounts: Accounts): Promise<string> {
  const admin = accounts.members.list().find(({ role }) => role === 'admin');
  if (admin === undefined) throw new Error('nobody has claimed this gateway');
  return await tokenOf(accounts, admin.id);
}

function idOf(role: Role): string {
  return `id-of-${role}`.padEnd(16, '-');
}

function userOf(role: Role): StoredUser {
  const createdAt = '2026-11-22T00:00:00.000Z';
  // No password has this hash.
  return {
    id: idOf(role),
    username: role,
    role,
    grants: [],
    enabled: true,
    createdAt,
    password: '',
  };
}

/** Accounts over memory that lives on: a world can be started again, as after a power cut. */
import { createHash } from 'node:crypto';
import { type Remote, ROLES, type Role } from '#core/account.ts';
import type { Epoch } from '#core/clock.ts';
import { Ledger, type Records } from '#core/ledger.ts';
import { AccountFile, type AccountStorage } from '../../src/accounts/account-file.ts';
import { Accounts, type AccountsOptions } from '../../src/accounts/accounts.ts';
import type { AuditFact } from '../../src/accounts/audit.ts';
import { Claim } from '../../src/accounts/claim.ts';
import type { Login } from '../../src/accounts/logins.ts';
import { Moments } from '../../src/accounts/moments.ts';
import type { StoredUser } from '../../src/accounts/users.ts';
import { FakeClock } from './fake-clock.ts';

export const CODE = '7K3M-9Q2A-0000-ZZZZ';
export const LAN: Remote = { address: '192.168.4.20', isLocal: false, isSecure: false };
export const TLS: Remote = { ...LAN, isSecure: true };
export const LOCAL: Remote = { address: '127.0.0.1', isLocal: true, isSecure: false };
export const PASSWORD = 'seven green kettles';
/** bcrypt of something else with few rounds, for who gets it wrong anyway. */
export const QUICK_HASH = '$2b$04$..jjETZMIiAgy.GI7WEdeu32mRqyKhwWjsMiuLbjx5X1ZiGG3AyRu';
/** bcrypt of PASSWORD, with as many rounds as new ones get: tests need not make it. */
const HASH = '$2b$12$oKqEiz1cvFA6TwUC9cr84ua9LsnTLYXB7gMqgvcJOCnU4qR3M1hmW';

export class AccountWorld {
  clock = new FakeClock();
  epoch: Epoch = {
    id: 1,
    wallMs: Date.UTC(2026, 10, 22),
    trust: 'gps',
    bootId: 'one',
    monotonicMs: 0,
  };
  readonly epochs = new Map<number, Epoch>();
  readonly facts: AuditFact[] = [];
  /** The file and its copy. */
  texts: string[] = [];
  /** What the next writes of the file are refused with. */
  failure: Error | undefined;
  claims = 0;
  /** Of the passwords of the accounts that `startClaimed` makes. */
  hash = HASH;
  readonly logins = new Map<string, Login>();
  random = randomness('world');

  storage: AccountStorage = {
    read: async () => [...this.texts],
    write: async (text: string) => {
      if (this.failure) throw this.failure;
      this.texts = [text, text];
    },
  };

  get moments(): Moments {
    return new Moments(
      this.clock,
      () => this.epoch,
      () => this.epochs,
    );
  }

  /** A start of the gateway. */
  async start(changes: Partial<AccountsOptions> = {}): Promise<Accounts> {
    const { moments, clock, random } = this;
    const accounts = new Accounts({
      ...{ moments, clock, random, registration: 'invite', requireTls: true },
      file: this.file(),
      logins: new Ledger(recordsIn(this.logins)),
      claim: new Claim({ code: () => CODE, clock }),
      note: (fact) => void this.facts.push(fact),
      claimed: () => void this.claims++,
      ...changes,
    });
    await accounts.load();
    accounts.openLogins();
    return accounts;
  }

  /** As `start`, with an account of each role, called as the role is, with PASSWORD. */
  async startClaimed(changes: Partial<AccountsOptions> = {}): Promise<Accounts> {
    const file = this.file();
    for (const role of ROLES) await file.users.put(userOf(role, this.hash));
    return await this.start(changes);
  }

  file(): AccountFile {
    const { storage, moments, random } = this;
    return new AccountFile({ storage, random, now: () => moments.now() });
  }

  /** The next start on the same boot, `ms` later. */
  restart(ms: number, epoch: Partial<Epoch> = {}): void {
    const { epoch: before, clock } = this;
    this.epochs.set(before.id, before);
    const apart = clock.now() / 1000 + ms;
    const { wallMs, monotonicMs } = before;
    const next = { id: before.id + 1, wallMs: wallMs + apart, monotonicMs: monotonicMs + apart };
    this.epoch = { ...before, ...next, ...epoch };
    this.clock = new FakeClock();
  }
}

export function idOf(role: Role): string {
  return `id-of-${role}`.padEnd(16, '-');
}

function userOf(role: Role, password: string): StoredUser {
  const createdAt = '2026-11-22T00:00:00.000Z';
  return {
    ...{ id: idOf(role), username: role, role, grants: [], enabled: true, createdAt },
    password,
  };
}

/** Keeps what is put, in a later turn. */
function recordsIn(items: Map<string, Login>): Records<string, Login> {
  return {
    list: () => [...items.values()],
    put: async (item) => void items.set(item.id, item),
    remove: async (id) => void items.delete(id),
  };
}

/** Bytes that look random and are the same in every run. */
function randomness(seed: string): (bytes: number) => Uint8Array {
  let count = 0;
  return (bytes) => createHash('sha512').update(`${seed} ${count++}`).digest().subarray(0, bytes);
}

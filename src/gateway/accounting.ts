import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Clock, wallMs } from '#core/clock.ts';
import { ConfigError, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import { Ledger } from '#core/ledger.ts';
import { AccountFile } from '../accounts/account-file.ts';
import { Accounts } from '../accounts/accounts.ts';
import type { AuditFact } from '../accounts/audit.ts';
import { AuditLog } from '../accounts/audit-log.ts';
import { Claim } from '../accounts/claim.ts';
import { isCodeShaped, makeCode } from '../accounts/codes.ts';
import { AccountError } from '../accounts/errors.ts';
import type { Login } from '../accounts/logins.ts';
import { Moments } from '../accounts/moments.ts';
import { anchorEpoch } from '../io/clock.ts';
import type { Log } from '../io/log.ts';
import { readSecret, removeSecret, writeSecret } from '../io/secret-file.ts';
import { wholeFile } from '../io/whole-file.ts';
import type { Config } from '../settings/config.ts';
import type { Recording } from './recording.ts';

/** How often what could not be kept is tried again, and what is over ends. */
const LOOK_MS = 5_000;
/** The account that a password of the environment makes. */
const SETUP_NAME = 'admin';
const ACCOUNT_FILE = 'accounts.json';
const CLAIM_FILE = 'claim-code';

export interface AccountingOptions {
  readonly config: Config;
  readonly realTime: Clock;
  readonly log: Log;
  readonly recording: Recording;
  /** Of the first account, for who sets up without a person; undefined where one is to do it. */
  readonly setupPassword: string | undefined;
}

/** Accounts and what is kept of them, tied to the files, the store and the log. */
export class Accounting {
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  /** How long ago things were. */
  readonly moments: Moments;
  readonly #options: AccountingOptions;
  readonly #logins: Ledger<string, Login>;
  readonly #claimFile: string;
  #claimCode = '';

  constructor(options: AccountingOptions) {
    const { config, realTime, recording } = options;
    this.#options = options;
    const { id } = recording.epoch;
    // Of a recording that runs at another speed; people and tokens wait in real time.
    const real = anchorEpoch(id, realTime);
    const epoch = () => (config.speed === 1 ? recording.epoch : real);
    this.moments = new Moments(realTime, epoch, () => recording.epochs());
    const { moments } = this;
    const tables = recording.accountTables((at) => moments.since(at));
    this.#logins = new Ledger(tables.logins);
    this.audit = new AuditLog({
      ...{ records: tables.audit, moments },
      now: () => new Date(wallMs(epoch(), realTime.now())).toISOString(),
      rest: () => realTime.sleep(0),
      tell: (fact) => this.#tell(fact),
    });
    const storage = wholeFile(path.join(config.data, ACCOUNT_FILE));
    const file = new AccountFile({ storage, random: randomBytes, now: () => moments.now() });
    this.#claimFile = path.join(config.data, CLAIM_FILE);
    this.accounts = new Accounts({
      ...{ file, logins: this.#logins, moments, clock: realTime, random: randomBytes },
      claim: new Claim({ code: () => this.#claimCode, clock: realTime }),
      registration: config.registration,
      requireTls: config.requireTls,
      note: (fact) => {
        this.audit.note(fact);
        this.#noteAccounts();
      },
      claimed: () => this.#removeCode(),
    });
  }

  /** What a new gateway is claimed with; undefined once it is. */
  get claimCode(): string | undefined {
    return this.accounts.isClaimed() ? undefined : this.#claimCode;
  }

  /**
   * Takes the accounts of earlier starts, or makes ready for the first.
   *
   * @throws ConfigError where a password is given that may not be
   */
  async load(): Promise<void> {
    const { log, setupPassword } = this.#options;
    try {
      await this.accounts.load();
    } catch (error) {
      if (!isExpected(error)) throw error;
      // Nobody may take a gateway for a new one because its disk fails.
      this.accounts.shut(error.message);
      log.error({ source: 'accounts' }, `nobody can log in: ${error.message}`);
      return;
    }
    this.#noteAccounts();
    if (this.accounts.isClaimed()) return;
    if (setupPassword === undefined) this.#makeCode();
    else await this.#setUp(setupPassword);
  }

  health(): PartHealth {
    const { accounts, audit } = this;
    const { failure, unsaved } = this.#logins;
    const wrong = accounts.whyShut() || failure;
    const text = wrong || (accounts.isClaimed() ? 'claimed' : 'not claimed');
    const { throttled, busy } = accounts.refused;
    return {
      id: 'accounts',
      status: wrong ? 'waiting' : 'ok',
      text,
      details: { throttled, busy, unsaved, auditDropped: audit.dropped },
    };
  }

  /** Until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { realTime, recording } = this.#options;
    if (await recording.opened(signal)) {
      this.accounts.openLogins();
      this.audit.open();
    }
    while (!signal.aborted) {
      await this.#logins.flush();
      await this.audit.flush();
      await this.accounts.sweep();
      await realTime.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
    }
    await this.audit.flush();
  }

  /** Whatever is done to an account is a fact of the audit log. */
  #noteAccounts(): void {
    this.#options.recording.sys.users(this.accounts.members.list());
  }

  #makeCode(): void {
    const { log } = this.#options;
    try {
      const kept = readSecret(this.#claimFile);
      this.#claimCode = kept !== undefined && isCodeShaped(kept) ? kept : makeCode(randomBytes);
      writeSecret(this.#claimFile, this.#claimCode);
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#claimCode ||= makeCode(randomBytes);
      log.warn({ source: 'accounts' }, `the claim code is told here only: ${error.message}`);
    }
  }

  /** The code has done what it is for. */
  #removeCode(): void {
    const { log } = this.#options;
    try {
      removeSecret(this.#claimFile);
    } catch (error) {
      if (!isExpected(error)) throw error;
      log.warn(
        { source: 'accounts' },
        `${this.#claimFile} stays, and is of no use: ${error.message}`,
      );
    }
  }

  async #setUp(password: string): Promise<void> {
    const { config, log } = this.#options;
    const variable = 'variable VIGIL_SETUP_PASSWORD';
    if (config.production) {
      throw new ConfigError(`${variable}: not on a gateway that is set to "production"`);
    }
    try {
      await this.accounts.claimAs({ username: SETUP_NAME, password });
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      throw new ConfigError(`${variable}: ${error.message}`, { cause: error });
    }
    log.info({ source: 'accounts' }, `claimed by ${SETUP_NAME}, as ${variable} says`);
  }

  #tell({ action, who, from, target, result }: AuditFact): void {
    const level = result === 'done' ? 'info' : 'warn';
    const of = [who || 'somebody', target && `on ${target}`, from && `from ${from}`].filter(
      Boolean,
    );
    this.#options.log[level]({ source: 'accounts' }, `${action} ${result}: ${of.join(' ')}`);
  }
}

import { type Clock, waitAtMost } from '#core/clock.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Asking, AuditFact } from '../accounts/audit.ts';
import { AccountError } from '../accounts/errors.ts';
import { checkPassword } from '../accounts/password-rules.ts';
import { PASSWORD_BYTES_MAX } from '../accounts/passwords.ts';
import { AlertError } from '../alerts/errors.ts';
import { parseRule } from '../alerts/rule/schema.ts';
import type { Rules } from '../alerts/rules.ts';
import { seal, unseal } from '../backup/archive.ts';
import {
  type BackupContent,
  checkPassphrase,
  decodeContent,
  encodeContent,
} from '../backup/content.ts';
import { BackupError } from '../backup/errors.ts';
import { SettingsError } from '../settings/errors.ts';
import type { KeptDbc } from '../sources/can/kept-dbc.ts';
import type { Configuring } from './configuring.ts';

/** A store that does not take the rules by then takes them later: nobody waits for it any longer. */
const KEEP_MS_MAX = 5_000;

export interface BackingUpOptions {
  readonly configuring: Pick<Configuring, 'text' | 'check' | 'replace'>;
  readonly accounts: Pick<Accounts, 'text' | 'restore'>;
  readonly rules: Pick<Rules, 'own' | 'restore'>;
  readonly dbc: Pick<KeptDbc, 'all' | 'problemOf' | 'replace'>;
  readonly realTime: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** RFC 3339, as far as the clock knows. */
  readonly now: () => string;
  /** Of this gateway. */
  readonly version: string;
  readonly note: (fact: AuditFact) => void;
}

/** All that makes the gateway this one, in one encrypted file and back. */
export class BackingUp {
  readonly #options: BackingUpOptions;
  /** One at a time: a key takes 32 MiB to make, or more. */
  #isBusy = false;

  constructor(options: BackingUpOptions) {
    this.#options = options;
  }

  /** @throws BackupError BAD_PASSPHRASE, BUSY, OFF, TOO_LARGE; ShelfError UNREADABLE */
  async make(passphrase: string, asking: Asking): Promise<Uint8Array> {
    checkPassphrase(passphrase);
    checkUncommon(passphrase);
    return await this.#alone(async () => {
      const { configuring, accounts, dbc, random, now, version } = this.#options;
      const rules = this.#rules();
      const content = encodeContent({
        ...{ gateway: version, madeAt: now(), rules },
        settings: await configuring.text(),
        accounts: accounts.text(),
        dbc: await dbc.all(),
      });
      const archive = await seal(content, passphrase, random);
      this.#note('backup', asking, { bytes: archive.length });
      return archive;
    });
  }

  /**
   * Takes what is in a backup in place of what is here, and ends all log-ins. Everything is looked at
   * before anything is changed; where a file cannot be written, what was changed before is undone.
   *
   * @returns when it was made, and by which version
   * @throws BackupError; SettingsError UNWRITABLE; ShelfError UNREADABLE, UNWRITABLE
   */
  async restore(
    archive: Uint8Array,
    passphrase: string,
    asking: Asking,
  ): Promise<Pick<BackupContent, 'madeAt' | 'gateway'>> {
    checkPassphrase(passphrase);
    return await this.#alone(async () => {
      const content = decodeContent(await unseal(archive, passphrase));
      this.#rules();
      await unusable(() => this.#take(content));
      const { madeAt, gateway } = content;
      this.#note('restore', asking, { madeAt, gateway });
      return { madeAt, gateway };
    });
  }

  async #take(content: BackupContent): Promise<void> {
    const { configuring, accounts, rules, dbc, realTime } = this.#options;
    configuring.check(content.settings);
    const problem = dbc.problemOf(content.dbc ?? []);
    if (problem !== undefined) throw unusableFor(problem);
    const restored = content.rules.map(parseRule);
    const before = { accounts: accounts.text(), dbc: await dbc.all() };
    await accounts.restore(content.accounts);
    try {
      if (content.dbc) await dbc.replace(content.dbc);
      await configuring.replace(content.settings);
    } catch (error) {
      await accounts.restore(before.accounts);
      if (content.dbc) await dbc.replace(before.dbc);
      throw error;
    }
    await waitAtMost(realTime, KEEP_MS_MAX, rules.restore(restored));
  }

  #rules() {
    const rules = this.#options.rules.own();
    if (rules) return rules;
    throw new BackupError('OFF', 'the rules are not known before the store is open');
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw new BackupError('BUSY', 'a backup is being made or restored already');
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }

  #note(action: string, { who, from }: Asking, details: AuditFact['details']): void {
    this.#options.note({ action, who, from, target: '', result: 'done', details });
  }
}

/** Who finds the file may guess for years. @throws BackupError BAD_PASSPHRASE */
function checkUncommon(passphrase: string): void {
  try {
    // As for passwords, which may not be as long: what is behind makes it no more common.
    checkPassword(passphrase.slice(0, PASSWORD_BYTES_MAX), '');
  } catch (cause) {
    if (!(cause instanceof AccountError)) throw cause;
    throw new BackupError('BAD_PASSPHRASE', cause.message, { cause });
  }
}

/** Tells what is wrong with a part of a backup as a fault of the backup. */
async function unusable(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const isContent =
      (cause instanceof SettingsError && cause.code === 'INVALID') ||
      (cause instanceof AccountError && cause.code === 'DAMAGED') ||
      cause instanceof AlertError;
    if (!isContent) throw cause;
    throw unusableFor(cause.message, cause);
  }
}

function unusableFor(reason: string, cause?: Error): BackupError {
  const text = `what is in the backup cannot be used here: ${reason}`;
  return new BackupError('UNUSABLE', text, { cause });
}

import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { GRANTS, ROLES } from '#core/account.ts';
import { isExpected } from '#core/errors.ts';
import type { Records } from '#core/ledger.ts';
import { Turns } from '#core/turns.ts';
import { AccountError } from './errors.ts';
import type { Invite } from './invites.ts';
import type { Moment } from './moments.ts';
import type { StoredUser } from './users.ts';

/**
 * Accounts, invites and secrets, in a file of their own beside the recording: a recording that is set
 * aside because it is damaged must not open the gateway to whoever claims it first, and people log in
 * while the store opens, and where there is none.
 *
 * The file is JSON with a SHA-256 of its content, so that a copy that has lost a bit is told from a
 * sound one:
 *
 *   {"sha256": <base64url of the SHA-256 of `content` as JSON.stringify writes it>,
 *    "content": {"version": 1, "secrets": {...}, "users": [...], "invites": [...]}}
 *
 * What a failed write has left on one of the two may be found at the next start.
 */

const VERSION = 1;
const SECRET_BYTES = 32;
/** The file and its copy. */
const COPIES = 2;
/** When a change that could not be written may be tried again. */
const RETRY_AFTER_S = 5;
/** A key signs for so long, where anybody can tell. */
const KEY_MS_MAX = 30 * 86_400_000;
/** Two: tokens of the one before are good until they end. */
const KEYS_MAX = 2;

/** What nobody is to see. Bytes are base64url. */
export interface Secrets {
  /** Names this gateway in tokens; not a secret, but made with them. */
  readonly issuer: string;
  /** For signing access tokens, the newest first. */
  readonly keys: readonly StoredKey[];
  /** From which the next refresh token of a log-in is made. */
  readonly chain: string;
  /** From which drivers get their pseudonyms. */
  readonly pseudonyms: string;
}

export interface StoredKey {
  readonly id: string;
  readonly secret: string;
  readonly madeAt: Moment;
}

/** Where it is kept: `WholeFile` of io/whole-file.ts is one. */
export interface AccountStorage {
  /** The file and its copy, as far as they are there and can be read. */
  read(): Promise<readonly string[]>;
  /** Resolves when it is durable. Not called while a call lasts. */
  write(text: string): Promise<void>;
}

export interface AccountFileOptions {
  readonly storage: AccountStorage;
  readonly random: (bytes: number) => Uint8Array;
  readonly now: () => Moment;
}

const MomentShape = v.object({ epoch: v.number(), t: v.number() });
const Content = v.object({
  version: v.literal(VERSION),
  secrets: v.object({
    issuer: v.string(),
    keys: v.pipe(
      v.array(v.object({ id: v.string(), secret: v.string(), madeAt: MomentShape })),
      v.minLength(1),
    ),
    chain: v.string(),
    pseudonyms: v.string(),
  }),
  users: v.array(
    v.object({
      id: v.string(),
      username: v.string(),
      role: v.picklist(ROLES),
      grants: v.array(v.picklist(GRANTS)),
      enabled: v.boolean(),
      createdAt: v.string(),
      password: v.string(),
    }),
  ),
  invites: v.array(
    v.object({ id: v.string(), hash: v.string(), note: v.string(), madeAt: MomentShape }),
  ),
});
type Content = v.InferOutput<typeof Content>;

export class AccountFile {
  readonly users: Records<string, StoredUser>;
  readonly invites: Records<string, Invite>;
  readonly #options: AccountFileOptions;
  readonly #users = new Map<string, StoredUser>();
  readonly #invites = new Map<string, Invite>();
  #secrets: Secrets;
  readonly #turns = new Turns();

  constructor(options: AccountFileOptions) {
    this.#options = options;
    this.#secrets = this.#makeSecrets();
    this.users = this.#recordsOf(this.#users);
    this.invites = this.#recordsOf(this.#invites);
  }

  get secrets(): Secrets {
    return this.#secrets;
  }

  /**
   * Takes what an earlier start has left; without any the gateway is as new.
   *
   * @throws AccountError DAMAGED; errors of the system as they come
   */
  async load(): Promise<void> {
    const texts = await this.#options.storage.read();
    if (texts.length === 0) return;
    const content = texts.map(parse).find((one) => one !== undefined);
    if (content === undefined) {
      throw new AccountError(
        'DAMAGED',
        'neither the file of the accounts nor its copy can be read',
      );
    }
    this.#take(content);
    const text = this.text();
    if (texts.length < COPIES || texts.some((one) => one !== text)) await this.#mend();
  }

  /**
   * Replaces everything, as a backup has it.
   *
   * @throws AccountError DAMAGED for what is no such text, or has nobody in it who can manage the
   *   gateway; OFF where it cannot be kept
   */
  async restore(text: string): Promise<void> {
    const content = parse(text);
    if (content === undefined) throw new AccountError('DAMAGED', 'these are no accounts');
    if (!content.users.some(({ role, enabled }) => role === 'admin' && enabled)) {
      throw new AccountError('DAMAGED', 'nobody in it can manage the gateway');
    }
    await this.#changing(() => {
      const before = this.#content();
      this.#take(content);
      return () => this.#take(before);
    });
  }

  /** All of it, as `restore` takes it. */
  text(): string {
    return encode(this.#content());
  }

  /** Signs with a new key from here on, where the one so far is old. @throws AccountError OFF */
  async rotate(since: (at: Moment) => number | undefined): Promise<void> {
    const [newest] = this.#secrets.keys;
    if (newest && (since(newest.madeAt) ?? 0) < KEY_MS_MAX) return;
    await this.#changing(() => {
      const before = this.#secrets;
      const keys = [this.#makeKey(), ...before.keys].slice(0, KEYS_MAX);
      this.#secrets = { ...before, keys };
      return () => {
        this.#secrets = before;
      };
    });
  }

  #content(): Content {
    return {
      version: VERSION,
      secrets: { ...this.#secrets, keys: [...this.#secrets.keys] },
      users: [...this.#users.values()].map((user) => ({ ...user, grants: [...user.grants] })),
      invites: [...this.#invites.values()],
    };
  }

  #take({ secrets, users, invites }: Content): void {
    this.#secrets = secrets;
    this.#users.clear();
    this.#invites.clear();
    for (const user of users) this.#users.set(user.id, user);
    for (const invite of invites) this.#invites.set(invite.id, invite);
  }

  #recordsOf<T extends { readonly id: string }>(items: Map<string, T>): Records<string, T> {
    return {
      list: () => [...items.values()],
      put: (item) => this.#change(items, item.id, item),
      remove: (id) => this.#change(items, id, undefined),
    };
  }

  #change<T>(items: Map<string, T>, id: string, item: T | undefined): Promise<void> {
    return this.#changing(() => {
      const before = items.get(id);
      set(items, id, item);
      return () => set(items, id, before);
    });
  }

  /**
   * Makes one change at a time, and takes back what cannot be written.
   *
   * @param make returns what takes it back
   * @throws AccountError OFF
   */
  #changing(make: () => () => void): Promise<void> {
    return this.#turns.run('', async () => {
      const undo = make();
      try {
        await this.#options.storage.write(this.text());
      } catch (error) {
        undo();
        if (!isExpected(error)) throw error;
        const text = `the accounts cannot be written: ${error.message}`;
        throw new AccountError('OFF', text, RETRY_AFTER_S, { cause: error });
      }
    });
  }

  /** Writes both anew: the power went between them, or one is damaged. */
  async #mend(): Promise<void> {
    try {
      await this.#options.storage.write(this.text());
    } catch (error) {
      // One is sound: people get in, and the next change writes both.
      if (!isExpected(error)) throw error;
    }
  }

  #makeSecrets(): Secrets {
    return {
      issuer: `vigil-${this.#makeText(9)}`,
      keys: [this.#makeKey()],
      chain: this.#makeText(SECRET_BYTES),
      pseudonyms: this.#makeText(SECRET_BYTES),
    };
  }

  #makeKey(): StoredKey {
    const madeAt = this.#options.now();
    return { id: this.#makeText(6), secret: this.#makeText(SECRET_BYTES), madeAt };
  }

  #makeText(bytes: number): string {
    return Buffer.from(this.#options.random(bytes)).toString('base64url');
  }
}

function set<T>(items: Map<string, T>, id: string, item: T | undefined): void {
  if (item === undefined) items.delete(id);
  else items.set(id, item);
}

function encode(content: Content): string {
  const sha256 = hashOf(JSON.stringify(content));
  return `${JSON.stringify({ sha256, content }, null, 1)}\n`;
}

/** Undefined for what is not, or no longer, what `encode` made. */
function parse(text: string): Content | undefined {
  const json = parseJson(text);
  const outer = v.safeParse(v.object({ sha256: v.string(), content: v.unknown() }), json);
  if (!outer.success) return undefined;
  const { sha256, content } = outer.output;
  if (hashOf(JSON.stringify(content)) !== sha256) return undefined;
  const inner = v.safeParse(Content, content);
  return inner.success ? inner.output : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // As much damaged as a wrong hash.
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

import { createHash } from 'node:crypto';
import type { Records } from '#core/ledger.ts';
import type { AuditFact } from './audit.ts';
import { makeCode, plain } from './codes.ts';
import { AccountError } from './errors.ts';
import type { Actor } from './members.ts';
import type { Moment, Moments } from './moments.ts';

/** A week: long enough for a study that begins on Monday. Where nobody can tell, it is still good. */
const INVITE_MS_MAX = 7 * 86_400_000;
const INVITES_MAX = 100;
const ID_BYTES = 6;

/** Lets one person make an account of their own, a student's. */
export interface Invite {
  readonly id: string;
  /** SHA-256 of the code, base64url: 80 random bits need no slower one. */
  readonly hash: string;
  /** For whom, as whoever made it says. */
  readonly note: string;
  readonly madeAt: Moment;
}

export interface InvitesOptions {
  readonly records: Records<string, Invite>;
  readonly moments: Moments;
  readonly random: (bytes: number) => Uint8Array;
  readonly note: (fact: AuditFact) => void;
}

/** One as others may see it. */
export interface InviteView {
  readonly id: string;
  readonly note: string;
  /** RFC 3339, as far as the clock knew; null where nobody can tell. */
  readonly createdAt: string | null;
  /** Seconds that it is still good for. */
  readonly leftS: number;
}

export class Invites {
  readonly #options: InvitesOptions;
  /** Whose code is being used at this moment. */
  readonly #taken = new Set<string>();

  constructor(options: InvitesOptions) {
    this.#options = options;
  }

  /** Those that are good, the oldest first. */
  list(): InviteView[] {
    return this.#good().map((invite) => this.#viewOf(invite));
  }

  /** The code is told once, here. @throws AccountError TOO_MANY, OFF */
  async create(note: string, actor: Actor): Promise<InviteView & { readonly code: string }> {
    const { records, moments, random } = this.#options;
    await this.#sweep();
    if (records.list().length >= INVITES_MAX) {
      throw new AccountError('TOO_MANY', `there are ${INVITES_MAX} invites, and no more may be`);
    }
    const code = makeCode(random);
    const id = Buffer.from(random(ID_BYTES)).toString('base64url');
    const invite: Invite = { id, hash: hashOf(code), note, madeAt: moments.now() };
    await records.put(invite);
    this.#note('invite.create', invite, actor);
    return { ...this.#viewOf(invite), code };
  }

  /** @throws AccountError NOT_FOUND, OFF */
  async remove(id: string, actor: Actor): Promise<void> {
    const invite = this.#good().find((one) => one.id === id);
    if (invite === undefined) {
      throw new AccountError('NOT_FOUND', `there is no invite ${JSON.stringify(id)}`);
    }
    await this.#options.records.remove(id);
    this.#note('invite.remove', invite, actor);
  }

  /**
   * Does what a code lets somebody do, once; it stays good when that fails.
   *
   * @throws AccountError BAD_INVITE, OFF; what the work throws
   */
  async use<T>(code: string, work: () => Promise<T>): Promise<T> {
    const hash = hashOf(code);
    const invite = this.#good().find((one) => one.hash === hash);
    if (invite === undefined || this.#taken.has(invite.id)) {
      throw new AccountError('BAD_INVITE', 'this invite is not valid, or no longer');
    }
    this.#taken.add(invite.id);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      this.#taken.delete(invite.id);
      throw error;
    }
    // It stays taken where this fails: it has done what it was for.
    await this.#options.records.remove(invite.id);
    this.#taken.delete(invite.id);
    return result;
  }

  #good(): Invite[] {
    return this.#options.records.list().filter(({ madeAt }) => this.#leftMs(madeAt) > 0);
  }

  #leftMs(madeAt: Moment): number {
    return INVITE_MS_MAX - (this.#options.moments.since(madeAt) ?? 0);
  }

  #viewOf({ id, note, madeAt }: Invite): InviteView {
    const createdAt = this.#options.moments.timeOf(madeAt);
    return { id, note, createdAt, leftS: Math.floor(this.#leftMs(madeAt) / 1000) };
  }

  #note(action: string, { id, note }: Invite, { who, remote }: Actor): void {
    const fact = { action, who, from: remote.address, target: id, result: 'done' } as const;
    this.#options.note({ ...fact, details: { note } });
  }

  async #sweep(): Promise<void> {
    const { records } = this.#options;
    const over = records.list().filter(({ madeAt }) => this.#leftMs(madeAt) <= 0);
    for (const { id } of over) await records.remove(id);
  }
}

function hashOf(code: string): string {
  return createHash('sha256').update(plain(code)).digest('base64url');
}

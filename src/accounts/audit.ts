import { createHash } from 'node:crypto';
import type { Json } from '#core/stream.ts';
import type { Moment } from './moments.ts';

/**
 * The audit log: who did what, when, and whether it was done. Each entry has the hash of the one
 * before, so that one that was changed or taken out of the middle is found. The oldest go after a
 * while, and the chain begins with the first that is left. That the newest were taken is found while the
 * gateway runs, which knows the last that it wrote; and who can write the file and knows all this can
 * make the whole chain anew: it tells of accidents and of hands that slip, not of the owner of the disk.
 */

/** What is told of something that was done or refused. */
export interface AuditFact {
  /** Such as `login` or `user.create`. */
  readonly action: string;
  /** Name of the account; empty for nobody who is known. */
  readonly who: string;
  /** Address of the client; empty for the gateway itself. */
  readonly from: string;
  /** What it was done to, such as a user's name or a session's number. */
  readonly target: string;
  readonly result: 'done' | 'refused' | 'failed';
  /** What else is worth knowing. Never a secret. */
  readonly details: Readonly<Record<string, Json>>;
}

/** Who asks for something, as the log tells of them. */
export type Asking = Pick<AuditFact, 'who' | 'from'>;

export interface AuditEntry extends AuditFact {
  /** From 1, without a gap. */
  readonly n: number;
  readonly at: Moment;
  /** RFC 3339, as far as the clock knew then. */
  readonly time: string;
  /** Hash of the entry before; empty for the first ever. */
  readonly before: string;
  /** SHA-256 of all the others, base64url. */
  readonly hash: string;
}

/** The entry that follows another. */
export function nextEntry(
  last: Link | undefined,
  fact: AuditFact,
  when: Pick<AuditEntry, 'at' | 'time'>,
): AuditEntry {
  const entry = { n: (last?.n ?? 0) + 1, ...when, ...fact, before: last?.hash ?? '' };
  return { ...entry, hash: hashOf(entry) };
}

/** What is known of an entry that others follow. */
export type Link = Pick<AuditEntry, 'n' | 'hash'>;

/** Whether an entry is as it was written. */
export function isSound({ hash, ...rest }: AuditEntry): boolean {
  return hash === hashOf(rest);
}

/** Whether nothing was between two entries. */
export function follows(entry: Pick<AuditEntry, 'n' | 'before'>, last: Link): boolean {
  return entry.n === last.n + 1 && entry.before === last.hash;
}

function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const { n, at, time, action, who, from, target, result, details, before } = entry;
  // In one order, whatever order they come back in from where they are kept.
  const fields = [n, at.epoch, at.t, time, action, who, from, target, result, before];
  const text = JSON.stringify([...fields, Object.entries(details).toSorted()]);
  return createHash('sha256').update(text).digest('base64url');
}

import bcrypt from 'bcrypt';
import { AccountError } from './errors.ts';

/**
 * Hashes of passwords; what one may be is in password-rules.ts. A hash of cost 12 keeps a core busy for a quarter of
 * a second (more on a Pi), in the thread pool: two at a time leave threads for the disk, and who comes
 * when a queue of QUEUE_MAX waits is told to come again.
 */

/** 2^12 rounds; a stored hash of a lower cost is replaced at the next log-in. */
const COST = 12;
const IN_FLIGHT_MAX = 2;
const QUEUE_MAX = 10;
const RETRY_AFTER_S = 2;
/** In bytes of UTF-8. bcrypt looks at no more than 72, and would take two long ones for the same. */
export const PASSWORD_BYTES_MIN = 12;
export const PASSWORD_BYTES_MAX = 72;

/** Of no password: whoever has no account takes as long to refuse as who has a wrong password. */
const NOBODY = '$2b$12$FZRAMvxvD.BU3KrLjAEKYe.nw7iezpafAYX9VzCVnJ91N/jH04Q1y';

export class Passwords {
  /** Turned away since the start because too many waited. */
  refused = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @throws AccountError BUSY */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => bcrypt.hash(normal(password), COST));
  }

  /**
   * Whether it is the password of a hash; that of nobody takes as long and never is.
   *
   * @throws AccountError BUSY
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    // bcrypt would cut it, and the beginning of a long one would do.
    const typed = normal(password);
    const fits = Buffer.byteLength(typed) <= PASSWORD_BYTES_MAX;
    const same = await this.#inTurn(() => bcrypt.compare(typed, hash ?? NOBODY));
    return same && fits && hash !== undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= IN_FLIGHT_MAX) {
      if (this.#waiting.length >= QUEUE_MAX) {
        this.refused++;
        const text = `too many passwords are being checked: come again in ${RETRY_AFTER_S} s`;
        throw new AccountError('BUSY', text, RETRY_AFTER_S);
      }
      // Whoever ends hands its place over, so nobody who comes meanwhile can take it.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** One text for what is typed the same on different keyboards (RFC 8265 clause 4.2.2). */
export function normal(password: string): string {
  return password.normalize('NFC');
}

/** Whether a hash was made with less work than is wanted now. */
export function isOutdated(hash: string): boolean {
  return bcrypt.getRounds(hash) < COST;
}

import { createHmac } from 'node:crypto';
import { ALPHABET } from './codes.ts';

/**
 * Names for people who are not to be named: `P-7K3M9Q2A`. The same name gives the same pseudonym in
 * every list and file of one gateway, and another on every other gateway; without the gateway's secret
 * nobody finds the way back, nor can they try names.
 *
 * A pseudonym is `P-` and 8 characters of Crockford's base32, as codes are made of (codes.ts), which
 * are the first 40 bits of HMAC-SHA-256 (RFC 2104) of the name. Of 1,000 names two are the same with a
 * chance of 1 to 2 million.
 */

const CHARS = 8;
const BITS_A_CHAR = 5;
/** Remembered, as lists of thousands of sessions name a few people; at the limit it begins anew. */
const NAMES_MAX = 1_000;
const PSEUDONYM = /^P-[0-9A-HJKMNP-TV-Z]{8}$/;

export class Pseudonyms {
  /** Bytes as base64url. It changes when accounts are loaded. */
  readonly #secret: () => string;
  readonly #known = new Map<string, string>();
  #of = '';

  constructor(secret: () => string) {
    this.#secret = secret;
  }

  /** Spaces around a name and its case do not matter, so that one person stays one. */
  of(name: string): string {
    const secret = this.#secret();
    if (secret !== this.#of || this.#known.size >= NAMES_MAX) this.#known.clear();
    this.#of = secret;
    const plain = name.normalize('NFC').trim().toLowerCase();
    const known = this.#known.get(plain) ?? make(secret, plain);
    this.#known.set(plain, known);
    return known;
  }
}

/** Whether it can be one. */
export function isPseudonym(text: string): boolean {
  return PSEUDONYM.test(text);
}

function make(secret: string, name: string): string {
  const hash = createHmac('sha256', Buffer.from(secret, 'base64url')).update(name).digest();
  // 40 bits fit a number.
  const bits = hash.readUIntBE(0, (CHARS * BITS_A_CHAR) / 8);
  const chars = Array.from(
    { length: CHARS },
    (_, i) => ALPHABET[Math.floor(bits / 32 ** (CHARS - 1 - i)) % 32],
  );
  return `P-${chars.join('')}`;
}

import { timingSafeEqual } from 'node:crypto';

/**
 * Codes that people type off a screen or a card: 16 characters of Crockford's base32, which has no I, L,
 * O and U, in groups of four. 80 random bits cannot be guessed, whatever the throttle.
 */
export const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_BYTES = 10;
const GROUP = 4;

/** @param random so many random bytes */
export function makeCode(random: (bytes: number) => Uint8Array): string {
  let bits = 0n;
  for (const byte of random(CODE_BYTES)) bits = (bits << 8n) | BigInt(byte);
  const count = (CODE_BYTES * 8) / 5;
  const chars = Array.from({ length: count }, (_, i) => {
    const digit = Number((bits >> BigInt(5 * (count - 1 - i))) & 31n);
    return ALPHABET.charAt(digit);
  });
  return chars.join('').replace(new RegExp(`(.{${GROUP}})(?=.)`, 'g'), '$1-');
}

/** Whether somebody typed a code, whatever the case and the dashes, and with O for 0 and I or L for 1. */
export function isCode(typed: string, code: string): boolean {
  const [a, b] = [Buffer.from(plain(typed)), Buffer.from(plain(code))];
  // Where there is no code yet, nothing is it.
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}

/** Whether a text may be a code of ours. */
export function isCodeShaped(text: string): boolean {
  return /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/.test(text);
}

/** As codes are compared and kept: upper case, without dashes and blanks. */
export function plain(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
}

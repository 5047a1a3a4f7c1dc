/** Numbers in a text that is not made into strings, as that would take most of the time. */

const NONE = 0xff;

/** Value of a hexadecimal digit by its code, NONE for any other byte. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? NONE : value;
});

/** Digits of the largest number that is read exactly, in each base. */
const HEX_DIGITS_MAX = 8;
const DECIMAL_DIGITS_MAX = 15;
/** Of a second; finer ones are left out. */
const MICROS_DIGITS = 6;
const TENS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** A whole number without a sign, or -1 where there is another character, none, or too many. */
export function wholeNumber(bytes: Uint8Array, from: number, to: number, base: 10 | 16): number {
  const most = base === 16 ? HEX_DIGITS_MAX : DECIMAL_DIGITS_MAX;
  if (to <= from || to - from > most) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = DIGITS[bytes[at] ?? 0] ?? NONE;
    if (digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

/** The byte that two hexadecimal digits are, or -1. */
export function hexByte(bytes: Uint8Array, at: number): number {
  const high = DIGITS[bytes[at] ?? 0] ?? NONE;
  const low = DIGITS[bytes[at + 1] ?? 0] ?? NONE;
  return high > 15 || low > 15 ? -1 : high * 16 + low;
}

/** Microseconds of a number of seconds, `1436509052.249713`, or -1. */
export function microsOf(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== 0x2e) at++;
  const seconds = wholeNumber(bytes, from, at, 10);
  if (seconds < 0) return -1;
  const digits = Math.max(0, to - at - 1);
  const kept = Math.min(digits, MICROS_DIGITS);
  const fraction = kept === 0 ? 0 : wholeNumber(bytes, at + 1, at + 1 + kept, 10);
  const rest = digits === kept ? 0 : wholeNumber(bytes, at + 1 + kept, to, 10);
  if (fraction < 0 || rest < 0) return -1;
  const micros = fraction * (TENS[MICROS_DIGITS - kept] ?? 1);
  const t = seconds * 1e6 + micros;
  return Number.isSafeInteger(t) ? t : -1;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/** Text of one byte a character. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

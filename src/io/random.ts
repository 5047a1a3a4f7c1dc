import { randomBytes } from 'node:crypto';

/** A number in [0, 1), of the kernel's randomness: cars that lose a broker at once do not come back at once. */
export function randomFraction(): number {
  return randomBytes(4).readUInt32LE() / 2 ** 32;
}

/** Numbers that one bitmap of supported PIDs, monitors or infotypes covers. */
const PER_BITMAP = 0x20;

/** PIDs 00, 20, 40 ... tell which of the next 32 exist. */
export function isBitmap(pid: number): boolean {
  return pid % PER_BITMAP === 0;
}

/**
 * The four bytes that say which of `base + 1` to `base + 20h` are supported, most significant bit
 * first; the last bit says that the next bitmap exists. Undefined when nothing beyond `base` does.
 */
export function supportBitmap(base: number, supported: readonly number[]): number[] | undefined {
  if (!supported.some((pid) => pid > base)) return undefined;
  const bytes = [0, 0, 0, 0];
  for (let i = 0; i < PER_BITMAP; i++) {
    const number = base + 1 + i;
    const more = i === PER_BITMAP - 1 && supported.some((pid) => pid > number);
    if (more || supported.includes(number))
      bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (0x80 >> (i & 7));
  }
  return bytes;
}

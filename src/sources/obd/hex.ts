/** Two upper-case digits, as adapters and the standards write a byte. */
export function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** Two digits a byte, as requests are written. */
export function hexText(data: Iterable<number>): string {
  return Array.from(data, hexByte).join('');
}

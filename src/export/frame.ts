import { EXTENDED_FLAG } from '#core/stream.ts';
import type { Rows } from './rows.ts';

/** `00` to `FF`. */
const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);

/**
 * A row's frame as can-utils write it (lib.c, sprint_canframe): `123#DEADBEEF`, an identifier of 29
 * bits with all its 8 digits.
 */
export function frameText({ v, length, data }: Rows, i: number): string {
  const id = v[i] ?? 0;
  const extended = id >= EXTENDED_FLAG;
  const bits = extended ? id - EXTENDED_FLAG : id;
  const digits = bits
    .toString(16)
    .toUpperCase()
    .padStart(extended ? 8 : 3, '0');
  return `${digits}#${dataText({ length, data }, i)}`;
}

/** The data of a row's frame: two hexadecimal digits a byte. */
export function dataText({ length, data }: Pick<Rows, 'length' | 'data'>, i: number): string {
  const end = i * 8 + (length[i] ?? 0);
  let text = '';
  for (let at = i * 8; at < end; at++) text += BYTES[data[at] ?? 0] ?? '';
  return text;
}

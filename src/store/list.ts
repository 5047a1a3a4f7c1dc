import type { ByteReader } from '../codec/varint.ts';

/**
 * A list in a record of the store: a varint of how many, and then each.
 *
 * @throws BlockError
 */
export function readList<T>(reader: ByteReader, read: () => T): T[] {
  return readSome(reader, reader.varint(), read);
}

/**
 * So many entries. Each has a byte at least, so that no number makes an array by itself.
 *
 * @throws BlockError
 */
export function readSome<T>(reader: ByteReader, length: number, read: (i: number) => T): T[] {
  if (length > reader.left) throw reader.bad(`a list of ${length}`);
  return Array.from({ length }, (_, i) => read(i));
}

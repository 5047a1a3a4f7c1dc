import { DbcError } from './errors.ts';

/** The largest public file, the whole of SAE J1939, has some 3 MB. A larger one is refused. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The text of a file, which does not say how it is encoded: UTF-16 where it begins with that mark, UTF-8
 * where all of it is (with its mark or without), else windows-1252, which the editor of Vector writes and
 * in which every byte is a character.
 *
 * @throws DbcError TOO_LARGE beyond FILE_BYTES_MAX
 */
export function readDbcText(bytes: Uint8Array): string {
  if (bytes.length > FILE_BYTES_MAX) {
    throw new DbcError(
      'TOO_LARGE',
      `the file has ${bytes.length} bytes, at most ${FILE_BYTES_MAX} can be read`,
    );
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    // The one error of a fatal decoder: what is no UTF-8 is the older encoding.
    if (!(error instanceof TypeError)) throw error;
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

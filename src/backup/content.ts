import * as v from 'valibot';
import { BackupError } from './errors.ts';

/** What a backup has in it: all that makes this gateway this one, but for what it has recorded. */
export interface BackupContent {
  /** Of the gateway that made it. */
  readonly gateway: string;
  /** RFC 3339, as far as its clock knew. */
  readonly madeAt: string;
  /** The file of the settings. */
  readonly settings: string;
  /** All accounts with their secrets, so that pseudonyms stay the same; text for `Accounts.restore`. */
  readonly accounts: string;
  /** Rules that somebody wrote or changed, as JSON has them. */
  readonly rules: readonly unknown[];
  /** DBC files that somebody has sent; undefined in a backup of before there were any. */
  readonly dbc?: readonly BackupFile[] | undefined;
}

/** A file of a bus, with names that are still to be checked. */
export interface BackupFile {
  readonly bus: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Of what is within the archive; its own layout has a version besides. */
const VERSION = 1;
const Content = v.object({
  product: v.literal('vigil'),
  gateway: v.string(),
  madeAt: v.string(),
  settings: v.string(),
  accounts: v.string(),
  rules: v.array(v.unknown()),
  dbc: v.optional(v.array(v.object({ bus: v.string(), name: v.string(), text: v.string() }))),
});
/** Nobody knows how a DBC file is encoded: each byte is the character with its number, U+0000 to U+00FF. */
const BYTES = 'latin1';

/** Within what a header can carry: printable ASCII. Fewer are guessed too soon. */
const PASSPHRASE = /^[\x20-\x7e]{12,128}$/;

/** @throws BackupError BAD_PASSPHRASE */
export function checkPassphrase(text: string): void {
  if (PASSPHRASE.test(text)) return;
  const found = `found ${text.length} characters`;
  throw new BackupError(
    'BAD_PASSPHRASE',
    `expected a passphrase of 12 to 128 letters, digits, blanks and signs of ASCII, ${found}`,
  );
}

export function encodeContent(content: BackupContent): string {
  const dbc = content.dbc?.map(({ bytes, ...names }) => {
    const { buffer, byteOffset, length } = bytes;
    return { ...names, text: Buffer.from(buffer, byteOffset, length).toString(BYTES) };
  });
  return JSON.stringify({ product: 'vigil', version: VERSION, ...content, dbc });
}

/** @throws BackupError OTHER_VERSION, UNUSABLE */
export function decodeContent(text: string): BackupContent {
  const json = parseJson(text);
  const { version } = v.parse(v.fallback(v.object({ version: v.number() }), { version: 0 }), json);
  if (version > VERSION) {
    const text = `what is in the backup has version ${version}, and this gateway knows ${VERSION}`;
    throw new BackupError('OTHER_VERSION', `${text}: a newer one reads it`);
  }
  const { success, output } = v.safeParse(Content, json);
  if (success) {
    const dbc = output.dbc?.map(({ text, ...names }) => {
      return { ...names, bytes: Buffer.from(text, BYTES) };
    });
    return { ...output, dbc };
  }
  throw new BackupError('UNUSABLE', 'this is no backup of a gateway of this kind');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // As little a backup as any other text.
  }
}

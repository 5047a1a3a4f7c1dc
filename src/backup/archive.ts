/**
 * A backup as bytes: what is in it, compressed and encrypted with a passphrase.
 *
 *   offset  bytes
 *        0      8  "VIGILBAK" in ASCII
 *        8      1  version of this layout, 1
 *        9      1  log2 of N of scrypt, 15 to 17
 *       10      1  r of scrypt, 8
 *       11      1  p of scrypt, 1 to 4
 *       12     16  salt
 *       28     12  nonce
 *       40      n  gzip (RFC 1952) of the content, encrypted with AES-256-GCM
 *   40 + n     16  tag
 *
 * The key is scrypt (RFC 7914) of the passphrase and the salt, 256 bits. The header, bytes 0 to 39, is
 * authenticated with the rest, so that nobody can make the key weaker. Salt and nonce are new for each
 * archive: no key is used twice. What a stranger may have written, the parameters, is held within
 * limits before anything is computed from it.
 */
import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { codeOf } from '#core/errors.ts';
import { BackupError } from './errors.ts';

const MAGIC = 'VIGILBAK';
const VERSION = 1;
const HEADER_BYTES = 40;
const SALT_AT = 12;
const SALT_BYTES = 16;
const NONCE_AT = 28;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';

/** 32 MiB and a tenth of a second on a desktop computer; below it a passphrase is guessed too fast. */
const LOG_N = 15;
/** 128 MiB; one that wants more is refused, as the gateway would be ended for its memory. */
const LOG_N_MAX = 17;
const R = 8;
const P = 1;
const P_MAX = 4;
/** Of scrypt: 128 N r bytes, and some. */
const MEMORY_BYTES_MAX = 160 * 2 ** 20;
/** Of the content; a longer one is no backup of ours. A thousand rules and accounts are a sixteenth. */
const CONTENT_BYTES_MAX = 16 * 2 ** 20;
/** Of an archive, which comes back in one request. DBC files of 16 MiB are some 2. */
export const ARCHIVE_BYTES_MAX = 4 * 2 ** 20;

const compress = promisify(gzip);
const expand = promisify(gunzip);

interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/**
 * What is sealed can be unsealed.
 *
 * @param random bytes that nobody can foresee
 * @throws BackupError TOO_LARGE
 */
export async function seal(
  content: string,
  passphrase: string,
  random: (bytes: number) => Uint8Array,
): Promise<Uint8Array> {
  const length = Buffer.byteLength(content);
  if (length > CONTENT_BYTES_MAX) throw tooLarge(length, CONTENT_BYTES_MAX);
  const compressed = await compress(content);
  const total = HEADER_BYTES + compressed.length + TAG_BYTES;
  if (total > ARCHIVE_BYTES_MAX) throw tooLarge(total, ARCHIVE_BYTES_MAX);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.set([VERSION, LOG_N, R, P], MAGIC.length);
  header.set(random(SALT_BYTES), SALT_AT);
  header.set(random(NONCE_BYTES), NONCE_AT);
  const key = await keyOf(passphrase, header, { logN: LOG_N, r: R, p: P });
  const cipher = createCipheriv(CIPHER, key, header.subarray(NONCE_AT)).setAAD(header);
  const text = cipher.update(compressed);
  return Buffer.concat([header, text, cipher.final(), cipher.getAuthTag()]);
}

function tooLarge(bytes: number, most: number): BackupError {
  const text = `the backup would have ${bytes} bytes, and ${most} at most can be restored`;
  return new BackupError('TOO_LARGE', `${text}: remove DBC files that nobody needs`);
}

/** The content of an archive. @throws BackupError UNKNOWN, OTHER_VERSION, LOCKED, UNUSABLE */
export async function unseal(archive: Uint8Array, passphrase: string): Promise<string> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const cost = readCost(bytes);
  const header = bytes.subarray(0, HEADER_BYTES);
  const key = await keyOf(passphrase, header, cost);
  const decipher = createDecipheriv(CIPHER, key, header.subarray(NONCE_AT), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(header).setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES));
  return await expanded(Buffer.concat([text, finalOf(decipher)]));
}

/** @throws BackupError UNKNOWN, OTHER_VERSION */
function readCost(bytes: Buffer): Cost {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    throw new BackupError('UNKNOWN', 'this is no backup of a gateway');
  }
  const [version = 0, logN = 0, r = 0, p = 0] = bytes.subarray(MAGIC.length);
  if (bytes.length > MAGIC.length && version !== VERSION) {
    const text = `the backup has version ${version}, and this gateway reads version ${VERSION}`;
    throw new BackupError(
      'OTHER_VERSION',
      `${text}: a gateway of the version that made it reads it`,
    );
  }
  if (bytes.length < HEADER_BYTES + TAG_BYTES) {
    throw new BackupError('UNKNOWN', `the backup ends too early, after ${bytes.length} bytes`);
  }
  if (logN < LOG_N || logN > LOG_N_MAX || r !== R || p < P || p > P_MAX) {
    throw new BackupError('UNKNOWN', 'the header of the backup is damaged');
  }
  return { logN, r, p };
}

/** Off the event loop. */
function keyOf(passphrase: string, header: Buffer, { logN, r, p }: Cost): Promise<Buffer> {
  const salt = header.subarray(SALT_AT, SALT_AT + SALT_BYTES);
  const options = { N: 2 ** logN, r, p, maxmem: MEMORY_BYTES_MAX };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** The one thing that a wrong key and a wrong byte have in common: the tag does not fit. */
function finalOf(decipher: { final(): Buffer }): Buffer {
  try {
    return decipher.final();
  } catch (cause) {
    const text = 'the passphrase is another one, or the backup is damaged';
    throw new BackupError('LOCKED', text, { cause });
  }
}

async function expanded(bytes: Buffer): Promise<string> {
  try {
    return (await expand(bytes, { maxOutputLength: CONTENT_BYTES_MAX })).toString('utf8');
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== 'ERR_BUFFER_TOO_LARGE' && !code.startsWith('Z_')) throw cause;
    throw new BackupError('UNUSABLE', 'what is in the backup cannot be unpacked', { cause });
  }
}

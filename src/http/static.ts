/**
 * The dashboard's files, all in memory since the start: a request touches no disk, and a path that
 * is not in the table does not exist, whatever dots it is made of.
 *
 * Every file has a strong ETag made of its content, and one more for its gzip form, since RFC 9110
 * clause 8.8.3 wants another for other bytes. A name with a hash in it (`app.3f2a9c81.js`) never
 * changes and is kept for a year; everything else is asked for again, and 304 is the usual answer.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ConfigError } from '#core/errors.ts';
import { withoutComments } from './comments.ts';
import { acceptsGzip } from './compress.ts';
import { contentHash, isKnown } from './etag.ts';
import type { Reply, RequestHead } from './message.ts';
import { refuseMethod } from './router.ts';

/** Of all files together, uncompressed. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Best compression: it is done once. */
const GZIP = { level: 9 };
const HASHED_NAME = /[.-][0-9a-f]{8,}\.[a-z0-9]+$/;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSED_ALREADY: ReadonlySet<string> = new Set(['.png', '.ico', '.woff2']);

/** One file of a package, at an address of its own. */
export interface MountedFile {
  /** `/vendor/preact.js` */
  readonly url: string;
  /** Path on disk. */
  readonly file: string;
}

interface Variant {
  readonly etag: string;
  readonly body: Buffer;
}

interface StaticFile {
  readonly type: string;
  readonly cacheControl: string;
  readonly plain: Variant;
  /** Only where it is smaller. */
  readonly gzip: Variant | undefined;
}

export class StaticFiles {
  /** Sources for `script-src` that allow the inline scripts of the pages, and nothing else. */
  readonly scriptHashes: readonly string[];
  readonly #files: ReadonlyMap<string, StaticFile>;

  constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
    const pages = [...files.values()].filter(({ type }) => type === TYPES['.html']);
    const hashes = pages.flatMap(({ plain }) => inlineScriptHashes(plain.body.toString('utf8')));
    this.scriptHashes = [...new Set(hashes)];
  }

  /** The reply for a path as sent, or undefined where there is no such file. */
  reply(request: RequestHead): Reply | undefined {
    const file = this.#files.get(request.path);
    if (!file) return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return refuseMethod(request.method, ['GET']);
    }
    const { etag, body } = (acceptsGzip(request) && file.gzip) || file.plain;
    const headers = {
      etag,
      'cache-control': file.cacheControl,
      ...(file.gzip && { vary: 'accept-encoding' }),
    };
    if (isKnown(request.headers, etag)) return { status: 304, headers };
    return {
      status: 200,
      headers: {
        ...headers,
        'content-type': file.type,
        ...(body === file.gzip?.body && { 'content-encoding': 'gzip' }),
      },
      body,
    };
  }
}

/**
 * Reads `directory` as it stands below `/`, its scripts without their comments, and the mounted files. Files and folders with a leading
 * dot are left out, and so are links. Throws a ConfigError when a file is missing or it is too much.
 */
export async function loadStatic(
  directory: string,
  mounts: readonly MountedFile[],
): Promise<StaticFiles> {
  const files = new Map<string, StaticFile>();
  let total = 0;
  const own = await listFiles(directory);
  for (const mounted of [...own, ...mounts]) {
    const { url, file } = mounted;
    const read = await readFile(file).catch((cause: unknown) => {
      throw new ConfigError(`${file}: cannot be read, and ${url} needs it`, { cause });
    });
    // Those of packages are as their makers have packed them.
    const isOurScript = extname(file) === '.js' && own.includes(mounted);
    const body = isOurScript ? Buffer.from(withoutComments(read.toString())) : read;
    total += body.length;
    if (total > BYTES_MAX) {
      throw new ConfigError(
        `${directory}: expected at most ${BYTES_MAX} bytes of files, found more`,
      );
    }
    const loaded = await prepare(file, body);
    files.set(url, loaded);
    if (url.endsWith('/index.html')) files.set(url.slice(0, -'index.html'.length), loaded);
  }
  return new StaticFiles(files);
}

async function listFiles(directory: string): Promise<MountedFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, parts: relative(directory, file).split(sep) }))
    .filter(({ parts }) => parts.every((part) => !part.startsWith('.')))
    .map(({ file, parts }) => ({ file, url: `/${parts.map(encodeURIComponent).join('/')}` }));
}

async function prepare(file: string, body: Buffer): Promise<StaticFile> {
  const extension = extname(file);
  const hash = contentHash(body);
  const packed = COMPRESSED_ALREADY.has(extension) ? body : await promisify(gzip)(body, GZIP);
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    cacheControl: HASHED_NAME.test(file) ? 'public, max-age=31536000, immutable' : 'no-cache',
    plain: { etag: `"${hash}"`, body },
    gzip: packed.length < body.length ? { etag: `"${hash}-gz"`, body: packed } : undefined,
  };
}

/** Content Security Policy Level 3, clause 6.7.3.3: the hash is of the text between the tags. */
function inlineScriptHashes(html: string): string[] {
  return [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)]
    .filter(([, attributes]) => !/\bsrc\s*=/.test(attributes ?? ''))
    .map(([, , text]) =>
      createHash('sha256')
        .update(text ?? '')
        .digest('base64'),
    )
    .map((hash) => `'sha256-${hash}'`);
}

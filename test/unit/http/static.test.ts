import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import type { Reply } from '../../../src/http/message.ts';
import { loadStatic } from '../../../src/http/static.ts';
import { request } from './fakes.ts';

const SCRIPT = '\n{"imports":{"preact":"/vendor/preact.mjs"}}\n';
const PAGE = `<!doctype html><script type="importmap">${SCRIPT}</script>
<script type="module" src="/app.js"></script><p>${'text '.repeat(100)}</p>`;

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'static-'));
  await writeFile(join(directory, 'index.html'), PAGE);
  await writeFile(join(directory, 'app.js'), 'export const a = 1;');
  await writeFile(join(directory, 'app.3f2a9c81.js'), 'export const a = 2;');
});

afterEach(() => rm(directory, { recursive: true }));

function get(path: string, headers: Record<string, string> = {}) {
  return request('GET', path, { headers: new Map(Object.entries(headers)) });
}

function bytes(reply: Reply | undefined): Buffer {
  return Buffer.from(reply?.body as Uint8Array);
}

test('a file comes with its type, and / is the index', async () => {
  const files = await loadStatic(directory, []);
  const page = files.reply(get('/index.html'));
  expect(page?.status).toBe(200);
  expect(page?.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8' });
  expect(bytes(page).toString()).toBe(PAGE);
  expect(files.reply(get('/'))).toEqual(page);
  expect(files.reply(get('/app.js'))?.headers['content-type']).toMatch(/^text\/javascript/);
});

test('files of packages are found at their address', async () => {
  const file = join(directory, 'app.js');
  const files = await loadStatic(directory, [{ url: '/vendor/a.mjs', file }]);
  expect(bytes(files.reply(get('/vendor/a.mjs'))).toString()).toBe('export const a = 1;');
});

test('a known tag is answered with 304 and no body', async () => {
  const files = await loadStatic(directory, []);
  const etag = files.reply(get('/app.js'))?.headers['etag'] ?? '';
  expect(etag).toMatch(/^"[\w-]+"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const reply = files.reply(get('/app.js', { 'if-none-match': known }));
    expect(reply, known).toMatchObject({ status: 304, headers: { etag } });
    expect(reply?.body).toBeUndefined();
  }
  expect(files.reply(get('/app.js', { 'if-none-match': '"other"' }))?.status).toBe(200);
});

test('the tag follows the content', async () => {
  const before = (await loadStatic(directory, [])).reply(get('/app.js'))?.headers['etag'];
  await writeFile(join(directory, 'app.js'), 'export const a = 3;');
  const after = (await loadStatic(directory, [])).reply(get('/app.js'))?.headers['etag'];
  expect(after).not.toBe(before);
});

test('gzip is sent to those who take it, under a tag of its own', async () => {
  const files = await loadStatic(directory, []);
  const plain = files.reply(get('/'));
  for (const accept of ['gzip', 'br, GZIP;q=0.5', 'gzip;q=1.0, identity']) {
    const reply = files.reply(get('/', { 'accept-encoding': accept }));
    expect(reply?.headers, accept).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'accept-encoding',
    });
    expect(gunzipSync(bytes(reply)).toString()).toBe(PAGE);
    expect(reply?.headers['etag']).not.toBe(plain?.headers['etag']);
  }
  for (const accept of ['', 'br', 'gzip;q=0', 'gzip; q=0.000']) {
    const reply = files.reply(get('/', { 'accept-encoding': accept }));
    expect(reply?.headers, accept).not.toHaveProperty('content-encoding');
    expect(reply?.headers).toMatchObject({ vary: 'accept-encoding' });
  }
});

test('what gzip makes longer stays as it is', async () => {
  const files = await loadStatic(directory, []);
  const reply = files.reply(get('/app.js', { 'accept-encoding': 'gzip' }));
  expect(reply?.headers).not.toHaveProperty('content-encoding');
  expect(reply?.headers).not.toHaveProperty('vary');
});

test('only a name with a hash in it is kept without asking', async () => {
  const files = await loadStatic(directory, []);
  const control = (path: string) => files.reply(get(path))?.headers['cache-control'];
  expect(control('/')).toBe('no-cache');
  expect(control('/app.js')).toBe('no-cache');
  expect(control('/app.3f2a9c81.js')).toBe('public, max-age=31536000, immutable');
});

test('no path leads out of the table', async () => {
  await mkdir(join(directory, '.git'));
  await writeFile(join(directory, '.git', 'config'), 'secret');
  await writeFile(join(directory, '.env'), 'secret');
  await symlink('/etc/hostname', join(directory, 'hostname'));
  const files = await loadStatic(directory, []);
  const paths = [
    '/../etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/app.js',
    '//app.js',
    '/./app.js',
    '/app.js/',
    '/.env',
    '/.git/config',
    '/hostname',
    '/app.js%00',
    '/constructor',
    '',
    '/APP.JS',
  ];
  for (const path of paths) expect(files.reply(get(path)), path).toBeUndefined();
});

test('other methods are refused with the ones there are', async () => {
  const files = await loadStatic(directory, []);
  expect(() => files.reply(request('POST', '/app.js'))).toThrow(
    expect.objectContaining({ status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } }),
  );
  expect(files.reply(request('HEAD', '/app.js'))?.status).toBe(200);
  expect(files.reply(request('OPTIONS', '/app.js'))?.status).toBe(204);
});

test('inline scripts are allowed by the hash of their text', async () => {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  expect((await loadStatic(directory, [])).scriptHashes).toEqual([`'sha256-${hash}'`]);
});

test('more than 4 MiB of files and a missing file are errors of the set-up', async () => {
  const missing = { url: '/vendor/x.js', file: join(directory, 'x.js') };
  await expect(loadStatic(directory, [missing])).rejects.toThrow(ConfigError);
  await writeFile(join(directory, 'big.txt'), Buffer.alloc(4 * 1024 * 1024));
  await expect(loadStatic(directory, [])).rejects.toThrow(/at most 4194304 bytes/);
});

import { expect, test } from 'vitest';
import { BackupError } from '../../../../src/backup/errors.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type BackupDeps, makeBackup, restoreBackup } from '../../../../src/http/routes/backup.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

const BYTES = Uint8Array.of(1, 2, 255);
const WHO = { who: 'admin', from: '127.0.0.1' };

async function ask(
  [method, path]: readonly [string, string],
  headers: Readonly<Record<string, string>>,
  backup: Partial<BackupDeps['backup']>,
) {
  const never = () => Promise.reject(new Error('not to be called'));
  const deps: BackupDeps = { backup: { make: never, restore: never, ...backup } };
  const body = method === 'GET' ? new Uint8Array() : BYTES;
  const sent = request(method, `/api/v1${path}`, {
    body,
    headers: new Map(Object.entries(headers)),
  });
  return await dispatch([makeBackup, restoreBackup], deps, sent, asAdmin).catch(
    (error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    },
  );
}

test('those who manage the gateway only', () => {
  expect([makeBackup.access, restoreBackup.access]).toEqual(['manage', 'manage']);
});

test('a backup is a file that browsers keep, made with the passphrase of the header', async () => {
  const calls: unknown[] = [];
  const make: BackupDeps['backup']['make'] = async (...call) => {
    calls.push(call);
    return BYTES;
  };
  const reply = await ask(['GET', '/backup'], { 'x-vigil-passphrase': 'a long phrase' }, { make });
  expect(reply).toEqual({
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="vigil.backup"',
    },
    body: BYTES,
  });
  expect(calls).toEqual([['a long phrase', WHO]]);
});

test('a backup is restored from the bytes of the body', async () => {
  const calls: unknown[] = [];
  const restore: BackupDeps['backup']['restore'] = async (...call) => {
    calls.push(call);
    return { madeAt: '2026-11-22T00:00:00Z', gateway: '0.1.0' };
  };
  const headers = {
    'content-type': 'application/octet-stream',
    'x-vigil-passphrase': 'a long phrase',
  };
  const reply = await ask(['POST', '/restore'], headers, { restore });
  expect(JSON.parse(String(reply?.body))).toEqual({
    ...{ madeAt: '2026-11-22T00:00:00Z', gateway: '0.1.0', restart: true },
  });
  expect(calls).toEqual([[BYTES, 'a long phrase', WHO]]);
  const json = await ask(['POST', '/restore'], { 'content-type': 'application/json' }, { restore });
  expect(json?.status).toBe(415);
});

test.each([
  ['BAD_PASSPHRASE', 422],
  ['LOCKED', 422],
  ['UNKNOWN', 422],
  ['OTHER_VERSION', 422],
  ['UNUSABLE', 422],
  ['BUSY', 503],
  ['OFF', 503],
] as const)('%s is told with %i', async (code, status) => {
  const make = () => Promise.reject(new BackupError(code, 'it is so'));
  const reply = await ask(['GET', '/backup'], {}, { make });
  expect(reply?.status).toBe(status);
  expect(reply?.body).toContain('It is so.');
});

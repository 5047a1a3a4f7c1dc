import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { codeOf } from '#core/errors.ts';
import { seal, unseal } from '../../../src/backup/archive.ts';

const PASSPHRASE = 'a phrase of some length';
const CONTENT = JSON.stringify({ secret: 'canary', long: 'x'.repeat(50_000), more: 'äöü\u0000' });
const archive = await seal(CONTENT, PASSPHRASE, randomBytes);

/** The code of the error that an archive is refused with. */
async function refusal(bytes: Uint8Array, passphrase = PASSPHRASE): Promise<string> {
  return await unseal(bytes, passphrase).then(() => 'taken', codeOf);
}

function changed(at: number, value: number): Uint8Array {
  const bytes = Uint8Array.from(archive);
  bytes[at < 0 ? bytes.length + at : at] = value;
  return bytes;
}

test('what was sealed comes back, also out of the middle of another buffer', async () => {
  expect(await unseal(archive, PASSPHRASE)).toBe(CONTENT);
  const within = new Uint8Array(archive.length + 20);
  within.set(archive, 7);
  expect(await unseal(within.subarray(7, 7 + archive.length), PASSPHRASE)).toBe(CONTENT);
});

test('the header is as it is described, and the rest shows nothing', () => {
  const text = Buffer.from(archive).toString('latin1');
  expect(text.startsWith('VIGILBAK\x01\x0f\x08\x01')).toBe(true);
  expect(text).not.toContain('canary');
  expect(archive.length).toBe(40 + gzipSync(CONTENT).length + 16);
});

test('two archives of the same have nothing in common but the first 12 bytes', async () => {
  const other = await seal(CONTENT, PASSPHRASE, randomBytes);
  const same = other.filter((byte, i) => byte === archive[i]).length;
  expect(same).toBeLessThan(12 + 16);
  expect([...other.subarray(12, 40)]).not.toEqual([...archive.subarray(12, 40)]);
});

test.each([
  ['another passphrase', archive, 'a phrase of other length', 'LOCKED'],
  ['a changed salt', changed(12, (archive[12] ?? 0) ^ 1), PASSPHRASE, 'LOCKED'],
  ['a changed nonce', changed(28, (archive[28] ?? 0) ^ 1), PASSPHRASE, 'LOCKED'],
  ['a changed byte', changed(60, (archive[60] ?? 0) ^ 128), PASSPHRASE, 'LOCKED'],
  ['a changed tag', changed(-1, (archive.at(-1) ?? 0) ^ 1), PASSPHRASE, 'LOCKED'],
  ['a lost end', archive.subarray(0, -1), PASSPHRASE, 'LOCKED'],
  ['a stronger header', changed(9, 16), PASSPHRASE, 'LOCKED'],
  ['a weaker header', changed(9, 14), PASSPHRASE, 'UNKNOWN'],
  ['a header that wants all memory', changed(9, 30), PASSPHRASE, 'UNKNOWN'],
  ['another r', changed(10, 255), PASSPHRASE, 'UNKNOWN'],
  ['no p', changed(11, 0), PASSPHRASE, 'UNKNOWN'],
  ['another version', changed(8, 2), PASSPHRASE, 'OTHER_VERSION'],
  ['another program', changed(0, 0), PASSPHRASE, 'UNKNOWN'],
  ['a beginning', archive.subarray(0, 55), PASSPHRASE, 'UNKNOWN'],
  ['its name alone', archive.subarray(0, 8), PASSPHRASE, 'UNKNOWN'],
  ['nothing', new Uint8Array(), PASSPHRASE, 'UNKNOWN'],
])('%s is refused', async (_, bytes, passphrase, code) => {
  expect(await refusal(bytes, passphrase)).toBe(code);
});

test('an archive of nothing but zeros, as one that is too large for us, is refused', async () => {
  // None of ours would be made: this one is by a stranger who knows the passphrase.
  const header = archive.subarray(0, 40);
  const key = scryptSync(PASSPHRASE, header.subarray(12, 28), 32, { N: 2 ** 15, maxmem: 2 ** 26 });
  const cipher = createCipheriv('aes-256-gcm', key, header.subarray(28)).setAAD(header);
  const text = cipher.update(gzipSync('0'.repeat(17 * 2 ** 20)));
  const bomb = Buffer.concat([header, text, cipher.final(), cipher.getAuthTag()]);
  expect(bomb.length).toBeLessThan(100_000);
  expect(await refusal(bomb)).toBe('UNUSABLE');
});

test('what could not be restored is not made', async () => {
  const long = 'x'.repeat(16 * 2 ** 20 + 1);
  await expect(seal(long, PASSPHRASE, randomBytes)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('remove DBC files'),
  });
  const noise = randomBytes(4 * 2 ** 20).toString('latin1');
  await expect(seal(noise, PASSPHRASE, randomBytes)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

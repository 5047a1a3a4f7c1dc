import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPassphrase, decodeContent, encodeContent } from '../../../src/backup/content.ts';
import { BackupError } from '../../../src/backup/errors.ts';

const CONTENT = {
  ...{ gateway: '0.1.0', madeAt: '2026-11-22T00:00:00.000Z' },
  ...{ settings: 'log: info\n', accounts: '{}', rules: [{ id: 'a' }] },
};

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof BackupError) return error.code;
    throw error;
  }
  return 'taken';
}

test('what is encoded comes back', () => {
  expect(decodeContent(encodeContent(CONTENT))).toMatchObject(CONTENT);
  expect(decodeContent(encodeContent(CONTENT)).dbc).toBeUndefined();
});

test('files come back byte by byte, however they are encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(5), (all, from) => {
      const bytes = all.subarray(from);
      const dbc = [{ bus: 'body', name: 'car', bytes }];
      const [file] = decodeContent(encodeContent({ ...CONTENT, dbc })).dbc ?? [];
      expect(file).toMatchObject({ bus: 'body', name: 'car' });
      expect([...(file?.bytes ?? [])]).toEqual([...bytes]);
    }),
  );
});

test('what a later version made is told from what is no backup', () => {
  const other = (fields: object): string =>
    refusal(() =>
      decodeContent(JSON.stringify({ ...JSON.parse(encodeContent(CONTENT)), ...fields })),
    );
  expect(other({})).toBe('taken');
  expect(other({ version: 2, settings: 5 })).toBe('OTHER_VERSION');
  expect(other({ product: 'other' })).toBe('UNUSABLE');
  expect(other({ settings: null })).toBe('UNUSABLE');
});

test('any text is a content or a refusal', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(refusal(() => decodeContent(text))).toBe('UNUSABLE');
    }),
  );
});

test.each([
  ['elevenchars', 'BAD_PASSPHRASE'],
  ['twelve chars', 'taken'],
  ['x'.repeat(128), 'taken'],
  ['x'.repeat(129), 'BAD_PASSPHRASE'],
  ['pässphrase-of-some', 'BAD_PASSPHRASE'],
  ['two\nlines of text', 'BAD_PASSPHRASE'],
])('%j as a passphrase', (text, outcome) => {
  expect(refusal(() => checkPassphrase(text))).toBe(outcome);
});

import { expect, test } from 'vitest';
import { FILE_BYTES_MAX, readDbcText } from '../../../../../src/sources/can/dbc/text.ts';

const FILE = 'SG_ "°C µs – €" größe';

/** The bytes of windows-1252, of which 80 to 9F are not those of ISO 8859-1. */
const WINDOWS = Uint8Array.from([
  ...Buffer.from('SG_ "\xb0C \xb5s ', 'latin1'),
  ...[0x96, 0x20, 0x80],
  ...Buffer.from('" gr\xf6\xdfe', 'latin1'),
]);

test.each([
  ['UTF-8', Buffer.from(FILE)],
  ['UTF-8 with its mark', Buffer.from(`\ufeff${FILE}`)],
  ['UTF-16', Buffer.from(`\ufeff${FILE}`, 'utf16le')],
  ['windows-1252', WINDOWS],
])('%s', (_name, bytes) => {
  expect(readDbcText(bytes)).toBe(FILE);
});

test('any bytes are a text', () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(readDbcText(all)).toHaveLength(256);
  expect(readDbcText(new Uint8Array())).toBe('');
});

test('a file of the largest size is read, a larger one is refused', () => {
  expect(readDbcText(new Uint8Array(FILE_BYTES_MAX).fill(0x20))).toHaveLength(FILE_BYTES_MAX);
  expect(() => readDbcText(new Uint8Array(FILE_BYTES_MAX + 1))).toThrow(
    expect.objectContaining({
      code: 'TOO_LARGE',
      message: 'the file has 4194305 bytes, at most 4194304 can be read',
    }),
  );
});

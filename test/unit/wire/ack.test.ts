import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeAck, encodeAck } from '../../../src/wire/ack.ts';
import { BatchError } from '../../../src/wire/batch-error.ts';

const STORE = '0123456789abcdef';

test('an ack gives back what went in', () => {
  const entry = fc.tuple(fc.nat(0xffff), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const ack = { store: STORE, next: new Map(entries) };
      expect(decodeAck(Buffer.from(encodeAck(ack)))).toEqual(ack);
    }),
  );
});

test('it is the JSON that is agreed upon', () => {
  expect(encodeAck({ store: STORE, next: new Map([[12, 4711]]) })).toBe(
    `{"store":"${STORE}","next":{"12":4711}}`,
  );
});

test.each([
  '',
  'null',
  '{}',
  '{"store":"x","next":{}}',
  `{"store":"${STORE}"}`,
  `{"store":"${STORE}","next":{"12":-1}}`,
  `{"store":"${STORE}","next":{"12":"1"}}`,
  `{"store":"${STORE}","next":{"a":1}}`,
  `{"store":"${STORE}","next":{"1":1.5}}`,
])('%s is no ack', (text) => {
  expect(() => decodeAck(Buffer.from(text))).toThrow(BatchError);
});

test('an ack of any size is refused', () => {
  expect(() => decodeAck(new Uint8Array(300_000))).toThrow('262144 at most');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseReadData, readDataRequest } from '../../../../../src/sources/obd/uds/read-data.ts';
import { bytes, inShort } from './bytes.ts';

test('one identifier is asked for', () => {
  expect(readDataRequest(0xf190)).toBe('22F190');
  expect(readDataRequest(0x0102)).toBe('220102');
});

test.each([-1, 0x1_0000, 1.5, Number.NaN])('%s cannot be asked for', (did) => {
  expect(() => readDataRequest(did)).toThrow(RangeError);
});

test.each([
  ['62 F190 56 47', bytes('56 47')],
  ['62 F190', bytes('')],
  ['62 F1', 'CUT_SHORT'],
  ['62', 'CUT_SHORT'],
  ['62 F191 01', 'OTHER_ANSWER'],
  ['61 F190 01', 'OTHER_ANSWER'],
  ['7F 22 31', 'request out of range'],
  ['7F 19 31', 'OTHER_ANSWER'],
])('%s', (pdu, expected) => {
  expect(inShort(parseReadData(bytes(pdu), 0xf190))).toEqual(expected);
});

test('garbage never throws, and nothing is read that did not come', () => {
  const heads = fc.constantFrom([0x62, 0xf1, 0x90], [0x62, 0xf1], [0x62], [0x7f, 0x22], []);
  fc.assert(
    fc.property(heads, fc.uint8Array({ maxLength: 30 }), (head, tail) => {
      const pdu = Uint8Array.of(...head, ...tail);
      const answer = parseReadData(pdu, 0xf190);
      if (answer.kind === 'positive') expect(answer.value).toEqual(pdu.subarray(3));
    }),
  );
});

import { expect, test } from 'vitest';
import {
  parseSession,
  sessionRequest,
  testerPresentRequest,
} from '../../../../../src/sources/obd/uds/session.ts';
import { bytes, inShort } from './bytes.ts';

test('only sessions that change nothing are asked for', () => {
  expect([sessionRequest('default'), sessionRequest('extended')]).toEqual(['1001', '1003']);
  expect(testerPresentRequest()).toBe('3E80');
});

test.each([
  ['50 03 00 32 01 F4', true],
  ['50 03', true],
  ['50 03 00 32 01 F4 00', true],
  ['50 01 00 32 01 F4', 'OTHER_ANSWER'],
  ['50', 'OTHER_ANSWER'],
  ['', 'OTHER_ANSWER'],
  ['7F 10 22', 'conditions not correct'],
  ['7F 10', 'OTHER_ANSWER'],
  ['7F 3E 22', 'OTHER_ANSWER'],
])('the answer %j to an extended session', (pdu, expected) => {
  expect(inShort(parseSession(bytes(pdu), 'extended'))).toEqual(expected);
});

test('an answer that is still to come says so', () => {
  const answer = parseSession(bytes('7F 10 78'), 'default');
  expect(answer).toMatchObject({ kind: 'negative', negative: { pending: true, nrc: 0x78 } });
});

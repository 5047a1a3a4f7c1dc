import { expect, test } from 'vitest';
import { isTlsFault, isUnknownAuthority, networkReason } from '../../../src/io/network-reason.ts';

test.each<[code: string, tls: boolean, unknown: boolean]>([
  ['CERT_HAS_EXPIRED', true, false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', true, true],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true, true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', true, false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', true, false],
  ['HOSTNAME_MISMATCH', true, false],
  ['INVALID_PURPOSE', true, false],
  ['EPROTO', true, false],
  ['EPROTOCOL', false, false],
  ['ECONNREFUSED', false, false],
  ['ERR_INVALID_ARG_TYPE', false, false],
  ['', false, false],
])('%j is a fault of TLS: %s, of an authority: %s', (code, tls, unknown) => {
  expect([isTlsFault(code), isUnknownAuthority(code)]).toEqual([tls, unknown]);
});

test('a code has words for a person, or none yet', () => {
  expect(networkReason('ECONNREFUSED')).toBe('nothing listens there');
  expect(networkReason('EPROTO')).toBeUndefined();
});

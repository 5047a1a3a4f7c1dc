const NO_ROUTE = 'no route; is the car computer online?';
const NO_HOST = 'no such host; is the car computer online?';
const UNKNOWN_AUTHORITY = 'its certificate is from no authority that is known here';

/** By the codes of the system, of its resolver and of OpenSSL. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens there'],
  ['EHOSTUNREACH', NO_ROUTE],
  ['ENETUNREACH', NO_ROUTE],
  ['ENOTFOUND', NO_HOST],
  ['ENODATA', NO_HOST],
  ['EAI_AGAIN', NO_HOST],
  ['CERT_HAS_EXPIRED', 'its certificate has expired, or our clock is wrong'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet, or our clock is wrong'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNKNOWN_AUTHORITY],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN_AUTHORITY],
]);

/** Codes of Node and of OpenSSL; EPROTO is an answer that is no TLS. */
const TLS_FAULT =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$)/;

/** Whether TLS failed: a certificate that is not to be trusted, or a host that does not speak it. */
export function isTlsFault(code: string): boolean {
  return TLS_FAULT.test(code);
}

/** Why a host was not reached or is not trusted, for a person; undefined for what has no words yet. */
export function networkReason(code: string): string | undefined {
  return REASONS.get(code);
}

/** Whether the file of another authority would help. */
export function isUnknownAuthority(code: string): boolean {
  return REASONS.get(code) === UNKNOWN_AUTHORITY;
}

import { decodeJwt, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { AccountError } from './errors.ts';
import type { Moments } from './moments.ts';

/**
 * Access tokens: JWTs of 15 minutes that say who asks, never what they may: the role is looked up at
 * every use, so that a change of it counts at once. One algorithm, one type, our own issuer; header
 * fields that name keys (jku, jwk, x5u) are not looked at (RFC 8725 clauses 3.1, 3.10, 3.11).
 *
 * `exp` is for clients. Whether a token is still good is told by `ep` and `at`, the start of the gateway
 * and its clock when it was made: a wall clock that is set in mid-drive ends no token and revives none.
 */

const ALGORITHM = 'HS256';
/** RFC 9068 clause 2.1. */
const TYPE = 'at+jwt';
const AUDIENCE = 'vigil';
export const ACCESS_S = 15 * 60;
/** No token is longer; what is, is not looked at. */
const TOKEN_CHARS_MAX = 2_048;
/** RFC 7515 clause 7.1, without blanks and padding that decoders let pass. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** A key for signing. */
export interface SigningKey {
  readonly id: string;
  /** 256 random bits. */
  readonly secret: Uint8Array;
}

/** What an access token says, when it is good. */
export interface Access {
  readonly userId: string;
  /** The log-in that it came from; when that is revoked the token is no more. */
  readonly login: string;
  readonly tokenId: string;
  /** Milliseconds until it ends. */
  readonly leftMs: number;
}

export interface TokenOptions {
  readonly moments: Moments;
  /** Which gateway, so that a token of one is none at another. */
  readonly issuer: () => string;
  /** The newest first, which signs; two at most. */
  readonly keys: () => readonly SigningKey[];
  /** Random text, never the same. */
  readonly makeId: () => string;
}

const Payload = v.object({
  sub: v.string(),
  jti: v.string(),
  exp: v.number(),
  iat: v.number(),
  /** Epoch, and microseconds in it. */
  ep: v.number(),
  at: v.number(),
  /** The log-in. */
  sid: v.string(),
});

export class Tokens {
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** A token for a user's log-in. */
  async sign(userId: string, login: string): Promise<string> {
    const { moments, issuer, keys, makeId } = this.#options;
    const [key] = keys();
    if (key === undefined) throw new AccountError('OFF', 'there is no key to sign with');
    const { epoch, t } = moments.now();
    const iat = Math.floor(moments.wallMs() / 1000);
    return await new SignJWT({ ep: epoch, at: t, sid: login })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: key.id })
      .setSubject(userId)
      .setIssuer(issuer())
      .setAudience(AUDIENCE)
      .setJti(makeId())
      .setIssuedAt(iat)
      .setNotBefore(iat)
      .setExpirationTime(iat + ACCESS_S)
      .sign(key.secret);
  }

  /** @throws AccountError BAD_TOKEN, which says no more than that it is not good, or has ended */
  async verify(token: string): Promise<Access> {
    if (token.length > TOKEN_CHARS_MAX || !FORM.test(token)) throw bad();
    try {
      return await this.#verify(token);
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof v.ValiError) throw bad();
      throw error;
    }
  }

  async #verify(token: string): Promise<Access> {
    const { moments, issuer, keys } = this.#options;
    // Only for when it was made; nothing else of it is believed before its signature is.
    const { iat, ep: epoch, at: t } = v.parse(Payload, decodeJwt(token));
    const ageMs = moments.since({ epoch, t });
    if (ageMs === undefined) throw bad();
    const { payload } = await jwtVerify<JWTPayload>(
      token,
      ({ kid }) => {
        const key = keys().find(({ id }) => id === kid);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key.secret;
      },
      {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: issuer(),
        audience: AUDIENCE,
        requiredClaims: ['sub', 'jti', 'exp', 'nbf', 'iat', 'sid'],
        currentDate: new Date(iat * 1000 + ageMs),
      },
    );
    const { sub, sid, jti } = v.parse(Payload, payload);
    return { userId: sub, login: sid, tokenId: jti, leftMs: ACCESS_S * 1000 - ageMs };
  }
}

function bad(): AccountError {
  return new AccountError('BAD_TOKEN', 'the access token is not valid, or no longer');
}

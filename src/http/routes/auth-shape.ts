import * as v from 'valibot';
import type { Identity, User } from '#core/account.ts';
import type { Granted, Visit } from '../../accounts/granted.ts';
import type { Actor } from '../../accounts/members.ts';
import { unauthenticated } from '../authorise.ts';
import { refreshCookie } from '../cookie.ts';
import type { RequestHead } from '../message.ts';
import { type Caller, Headed } from '../route.ts';
import { UserShape } from './users-shape.ts';

/** Longer than any name there is: what is tried is kept for a while. */
const LOGIN_NAME_CHARS_MAX = 64;

/** Of who logs in: what is no name of an account gets the answer of one that there is not. */
export const LoginName = v.pipe(v.string(), v.maxLength(LOGIN_NAME_CHARS_MAX));

/** `cookie`: the refresh token comes and goes in one that a browser's pages cannot read. */
export const RefreshIn = v.optional(v.picklist(['body', 'cookie']));

/** What OAuth clients send along with a form. There are no scopes and no secrets of clients. */
export const OAUTH_FIELDS = {
  scope: v.optional(v.string()),
  client_id: v.optional(v.string()),
  client_secret: v.optional(v.string()),
};

/** RFC 6749 clause 5.1, and who it is. */
export const GrantedShape = v.object({
  access_token: v.string(),
  token_type: v.literal('bearer'),
  /** Seconds. */
  expires_in: v.pipe(v.number(), v.integer()),
  /** Not where it went into the cookie. */
  refresh_token: v.optional(v.string()),
  user: UserShape,
});

interface GrantedReply {
  readonly access_token: string;
  readonly token_type: 'bearer';
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly user: User;
}

/** What somebody gets who has logged in, with the refresh token in the body or in a cookie. */
export function granted(
  { user, accessToken, expiresInS, refreshToken, endsInS }: Granted,
  inCookie: boolean,
  { remote }: Caller,
): Headed<GrantedReply> {
  const reply: GrantedReply = {
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: expiresInS,
    user,
  };
  if (!inCookie) return new Headed({}, { ...reply, refresh_token: refreshToken });
  return new Headed(refreshCookie(refreshToken, endsInS, remote.isSecure), reply);
}

export function visitOf({ remote }: Caller, headers: RequestHead['headers']): Visit {
  return { remote, client: headers.get('user-agent') ?? '' };
}

/** Who asks, where somebody does who has logged in. @throws Problem 401 */
export function signedIn({ user, login }: Caller): Identity {
  if (user) return { user, login };
  throw unauthenticated('This needs an access token.');
}

export function actorOf(caller: Caller): Actor {
  return { who: caller.user?.username ?? '', remote: caller.remote };
}

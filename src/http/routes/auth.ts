import * as v from 'valibot';
import type { Remote, User } from '#core/account.ts';
import type { Credentials, Granted, Visit } from '../../accounts/granted.ts';
import { unauthenticated } from '../authorise.ts';
import { noCookie, tokenInCookie } from '../cookie.ts';
import type { RequestHead } from '../message.ts';
import { type Caller, Headed, route } from '../route.ts';
import { oauthProblem } from './auth-oauth.ts';
import {
  GrantedShape,
  granted,
  LoginName,
  OAUTH_FIELDS,
  RefreshIn,
  signedIn,
  visitOf,
} from './auth-shape.ts';
import { answering } from './problems.ts';
import { NewName, Password, UserShape } from './users-shape.ts';

/** What the routes need: `Accounts` of accounts/accounts.ts has it. */
export interface AuthDeps {
  readonly accounts: {
    login(who: Credentials, visit: Visit): Promise<Granted>;
    register(who: Credentials & { invite?: string | undefined }, visit: Visit): Promise<User>;
    refresh(token: string, visit: Visit): Promise<Granted>;
    logout(token: string, remote: Remote): Promise<void>;
    endLogin(user: User, id: string, remote: Remote): Promise<void>;
  };
}

const LoginBody = v.strictObject({
  grant_type: v.optional(v.literal('password')),
  username: LoginName,
  password: Password,
  refresh: RefreshIn,
  ...OAUTH_FIELDS,
});
type LoginBody = v.InferOutput<typeof LoginBody>;

const RefreshBody = v.strictObject({
  grant_type: v.optional(v.literal('refresh_token')),
  refresh_token: v.optional(v.string()),
  refresh: RefreshIn,
  ...OAUTH_FIELDS,
});

/** Of both routes that log in. */
interface LoginRequest {
  readonly body: LoginBody;
  readonly headers: RequestHead['headers'];
  readonly caller: Caller;
}

export const getToken = route({
  method: 'POST',
  path: '/auth/token',
  summary:
    'Logs in with the password grant of OAuth 2 (RFC 6749 clause 4.3), as a form or as JSON. Its errors have the member `error` of clause 5.2.',
  access: 'claimed',
  query: undefined,
  body: LoginBody,
  forms: true,
  reply: GrantedShape,
  tells: { 'Set-Cookie': [200] },
  problems: [400, 401, 403, 429],
  refused: oauthProblem,
  handle: logIn,
});

export const login = route({
  method: 'POST',
  path: '/auth/login',
  summary:
    'Logs in with JSON or a form. With "refresh":"cookie" the refresh token comes in a cookie that pages cannot read.',
  access: 'claimed',
  query: undefined,
  body: LoginBody,
  forms: true,
  reply: GrantedShape,
  tells: { 'Set-Cookie': [200] },
  problems: [401, 403, 429],
  handle: logIn,
});

export const refreshToken = route({
  method: 'POST',
  path: '/auth/refresh',
  summary:
    'The next access and refresh token for a refresh token, which is not good any more then; one that is used twice ends the log-in. Without one in the body that of the cookie counts, and the next goes there.',
  access: 'claimed',
  query: undefined,
  body: v.optional(RefreshBody),
  forms: true,
  reply: GrantedShape,
  tells: { 'Set-Cookie': [200] },
  problems: [400, 401, 403],
  refused: oauthProblem,
  handle: ({ accounts }: AuthDeps, { body, headers, caller }) =>
    answering(async () => {
      const inBody = body?.refresh_token;
      const token = inBody ?? tokenInCookie(headers);
      if (token === undefined) throw unauthenticated('This needs a refresh token.');
      const inCookie = body?.refresh === 'cookie' || inBody === undefined;
      return granted(await accounts.refresh(token, visitOf(caller, headers)), inCookie, caller);
    }),
});

export const logout = route({
  method: 'POST',
  path: '/auth/logout',
  summary:
    'Ends the log-in of a refresh token, in the body or the cookie, or without one that of the access token. What it had open is closed.',
  access: 'claimed',
  query: undefined,
  body: v.optional(v.strictObject({ refresh_token: v.optional(v.string()) })),
  forms: true,
  reply: v.void(),
  tells: { 'Set-Cookie': [204] },
  problems: [401],
  handle: ({ accounts }: AuthDeps, { body, headers, caller }) =>
    answering(async () => {
      const token = body?.refresh_token ?? tokenInCookie(headers);
      if (token === undefined) {
        const { user, login: id } = signedIn(caller);
        await accounts.endLogin(user, id, caller.remote);
      } else {
        await accounts.logout(token, caller.remote);
      }
      return new Headed(noCookie(caller.remote.isSecure), undefined);
    }),
});

export const register = route({
  method: 'POST',
  path: '/auth/register',
  summary:
    'Makes an account for oneself, with the role student: by an invite, or where anybody may.',
  access: 'claimed',
  query: undefined,
  body: v.strictObject({
    username: NewName,
    password: Password,
    invite: v.optional(v.string()),
  }),
  forms: true,
  reply: UserShape,
  status: () => 201,
  problems: [403, 409, 429],
  handle: ({ accounts }: AuthDeps, { body, headers, caller }) =>
    answering(() => accounts.register(body, visitOf(caller, headers))),
});

function logIn({ accounts }: AuthDeps, { body, headers, caller }: LoginRequest) {
  const { username, password, refresh } = body;
  return answering(async () => {
    const grant = await accounts.login({ username, password }, visitOf(caller, headers));
    return granted(grant, refresh === 'cookie', caller);
  });
}

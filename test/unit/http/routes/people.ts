import type { Remote, Role } from '#core/account.ts';
import { ExportJobError } from '../../../../src/exporting/errors.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import type { Reply } from '../../../../src/http/message.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { AccountWorld, idOf, PASSWORD, QUICK_HASH, TLS } from '../../../support/account-world.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { request } from '../fakes.ts';

/** The routes with accounts behind them, asked as a client does but without a socket. */

export interface Asked {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly from?: Remote;
  /** Goes as a form. */
  readonly form?: string;
}

export type Answer = ReturnType<typeof answerOf>;

export async function startPeople(
  options: {
    claimed?: boolean;
    quick?: boolean;
    reading?: Partial<Gateway['reading']>;
    exports?: Partial<NonNullable<Gateway['exports']>>;
  } = {},
) {
  const world = new AccountWorld();
  if (options.quick) world.hash = QUICK_HASH;
  const accounts = await (options.claimed === false ? world.start() : world.startClaimed());
  const bare = bareGateway();
  const gateway: Gateway = {
    ...{ ...bare, accounts, reading: { ...bare.reading, ...options.reading } },
    audit: { ...bare.audit, note: (fact) => void world.facts.push(fact) },
    ...(options.exports && { exports: { ...noExports(), ...options.exports } }),
  };
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    { token, headers, from = TLS, form }: Asked = {},
  ): Promise<Answer> => {
    const text = form ?? (body === undefined ? '' : JSON.stringify(body));
    const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
    const sent = request(method, path.startsWith('/api') ? path : `/api/v1${path}`, {
      body: new TextEncoder().encode(text),
      headers: new Map(
        Object.entries({
          ...{ host: 'vigil.local', 'user-agent': 'test' },
          ...(text === '' ? {} : { 'content-type': type }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        }),
      ),
      remote: from,
    });
    const reply = await dispatch(ROUTES, gateway, sent, (access) =>
      authorise(accounts, access, sent),
    ).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    return answerOf(reply);
  };
  const logIn = async (username: string, more: object = {}): Promise<Answer> =>
    await ask('POST', '/auth/login', { username, password: PASSWORD, ...more });
  /** An access token, as if the password of the account that is called as the role had been given. */
  const tokenOf = async (role: Role): Promise<string> => {
    const { token } = await accounts.logins.begin(idOf(role), 'test');
    return (await accounts.refresh(token, { remote: TLS, client: 'test' })).accessToken;
  };
  return { world, accounts, ask, logIn, tokenOf };
}

/** The body as JSON has it; null where there is none. */
function answerOf(reply: Reply | undefined) {
  const json = String(reply?.body ?? '') || 'null';
  return { status: reply?.status, headers: reply?.headers ?? {}, body: JSON.parse(json) };
}

/** Of a gateway where nobody has made any. */
function noExports(): NonNullable<Gateway['exports']> {
  const missing = (): never => {
    throw new ExportJobError('NOT_FOUND', 'there are no exports here');
  };
  return {
    ...{ estimate: () => 0, get: missing, read: missing, onChange: () => () => {} },
    ...{ start: async () => missing(), remove: async () => missing(), removeAll: async () => {} },
  };
}

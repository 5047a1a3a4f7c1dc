import { expect, test } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import { type Permission, scopeOf } from '../../../src/accounts/roles.ts';
import { Account } from '../../../web/account.js';

const REFRESH = '/api/v1/auth/refresh';
const EXPIRES_S = 900;
const UNCLAIMED = 'Nobody has claimed this gateway yet: POST /api/v1/setup does.';

type Answer = () => Response | Promise<Response>;

function grant(access_token: string, role: Role = 'viewer', id = 'u1') {
  const user = { id, username: 'ana', role, grants: [], enabled: true, createdAt: '' };
  return { access_token, expires_in: EXPIRES_S, user };
}

function problem(status: number, detail = 'No.'): Response {
  return Response.json({ detail }, { status });
}

/** An account on a fake gateway and a fake clock: answers in their order, then none. */
function setup(...answers: Answer[]) {
  const clock = { ms: 0 };
  const asked: { url: string; authorization: string | null }[] = [];
  const told: unknown[] = [];
  const channel = {
    postMessage: (data: unknown) => void told.push(data),
    onmessage: null as ((event: MessageEvent) => void) | null,
  };
  const account = new Account({
    fetcher: async (url, init) => {
      const authorization = new Headers(init?.headers).get('authorization');
      asked.push({ url: String(url), authorization });
      const answer = answers.shift();
      if (!answer) throw new TypeError('Failed to fetch');
      return await answer();
    },
    now: () => clock.ms,
    random: () => 0,
  });
  const tokens: string[] = [];
  account.onToken = (token) => void tokens.push(token);
  const after = async (ms: number): Promise<void> => {
    clock.ms += ms;
    account.poll();
    await settled();
  };
  const hear = (data: unknown): void => channel.onmessage?.(new MessageEvent('message', { data }));
  return { account, channel, asked, told, tokens, after, hear };
}

/** Everything that waits for an answer that is there has got it. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const give =
  (...args: Parameters<typeof grant>): Answer =>
  () =>
    Response.json(grant(...args));

test('the cookie brings who it was, and whoever wants to know gets the token', async () => {
  const { account, channel, asked, tokens } = setup(give('a'));
  account.start(channel);
  expect(account.who.value).toEqual({ state: 'starting' });
  await settled();
  expect(account.who.value).toMatchObject({ state: 'in', user: { username: 'ana' } });
  expect(account.token).toBe('a');
  expect(tokens).toEqual(['a']);
  expect(asked).toEqual([{ url: REFRESH, authorization: null }]);
});

test.each([400, 401])('without a cookie that is good (%d) nobody is told why', async (status) => {
  const { account, after, asked } = setup(() => problem(status));
  account.start();
  await settled();
  expect(account.who.value).toEqual({ state: 'out', why: '' });
  await after(60_000);
  expect(asked).toHaveLength(1);
});

test('a gateway that is nobody’s is told from one that refuses', async () => {
  const unclaimed = setup(() =>
    Response.json({ detail: UNCLAIMED, claimed: false }, { status: 403 }),
  );
  await unclaimed.account.renew();
  expect(unclaimed.account.who.value).toEqual({ state: 'unclaimed' });
  const insecure = setup(() => problem(403, 'An admin logs in over https.'));
  await insecure.account.renew();
  expect(insecure.account.who.value).toEqual({
    state: 'out',
    why: 'An admin logs in over https.',
  });
});

test.each<[string, Answer]>([
  ['no answer', () => Promise.reject(new TypeError('Failed to fetch'))],
  ['a start that is not over', () => problem(503)],
  ['too many questions', () => problem(429)],
  ['half an answer', () => new Response('{"acc')],
])('%s sends nobody away: it is asked again', async (_, answer) => {
  const { account, after } = setup(answer, give('b'));
  account.start();
  await settled();
  expect(account.who.value).toEqual({ state: 'starting' });
  await after(1_999);
  expect(account.who.value).toEqual({ state: 'starting' });
  await after(1);
  expect(account.token).toBe('b');
});

test('a token is replaced a minute before its end, and stays while there is no answer', async () => {
  const { account, after, asked, tokens } = setup(give('a'), () => problem(503), give('b'));
  account.start();
  await settled();
  await after((EXPIRES_S - 60) * 1000 - 1);
  expect(asked).toHaveLength(1);
  await after(1);
  expect(asked).toHaveLength(2);
  expect(account.token).toBe('a');
  await after(2_000);
  expect(tokens).toEqual(['a', 'b']);
});

test.each<[string, Answer]>([
  ['refused', () => problem(401)],
  ['given', give('b')],
])('who leaves while the next token is %s has left', async (_, answer) => {
  const waiting = Promise.withResolvers<void>();
  const { account, after } = setup(give('a'), async () => {
    await waiting.promise;
    return await answer();
  });
  account.start();
  await settled();
  const renewed = account.renew();
  account.leave('Your account and your data are deleted.');
  waiting.resolve();
  await renewed;
  await after(0);
  const why = 'Your account and your data are deleted.';
  expect([account.who.value, account.token]).toEqual([{ state: 'out', why }, '']);
});

test('a log-in that has ended is told', async () => {
  const { account, after } = setup(give('a'), () => problem(401));
  account.start();
  await settled();
  await after(EXPIRES_S * 1000);
  expect(account.who.value).toEqual({ state: 'out', why: 'Your log-in has ended.' });
  expect(account.token).toBe('');
});

test('what is asked while the first token is on its way waits for it', async () => {
  const { account, asked } = setup(give('a'), () => Response.json(1));
  account.start();
  await account.fetch('/api/v1/sessions');
  expect(asked.map(({ authorization }) => authorization)).toEqual([null, 'Bearer a']);
});

test('of all that is refused at once one asks for a token, and all go on with it', async () => {
  const { account, asked } = setup(
    give('a'),
    () => problem(401),
    () => problem(401),
    give('b'),
    () => Response.json(1),
    () => Response.json(2),
  );
  account.start();
  await settled();
  const replies = await Promise.all([account.fetch('/x'), account.fetch('/y')]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(asked.filter(({ url }) => url === REFRESH)).toHaveLength(2);
  expect(asked.slice(-2).map(({ authorization }) => authorization)).toEqual([
    'Bearer b',
    'Bearer b',
  ]);
});

test('a refusal that no token mends is passed on, without asking for ever', async () => {
  const { account, asked, after } = setup(
    give('a'),
    () => problem(401),
    give('b'),
    () => problem(401),
    () => problem(401),
    () => problem(401),
    give('c'),
    () => Response.json(1),
  );
  account.start();
  await settled();
  expect((await account.fetch('/x')).status).toBe(401);
  expect((await account.fetch('/x')).status).toBe(401);
  expect(asked.filter(({ url }) => url === REFRESH)).toHaveLength(2);
  await after(5_000);
  expect((await account.fetch('/x')).status).toBe(200);
});

test('what somebody may not is no reason to ask for a token', async () => {
  const { account, asked } = setup(give('a'), () => problem(403));
  account.start();
  expect((await account.fetch('/x')).status).toBe(403);
  expect(asked).toHaveLength(2);
});

test('other tabs are told of a token, and take one for theirs without asking', async () => {
  const one = setup(give('a'));
  one.account.start(one.channel);
  await settled();
  expect(one.told).toEqual([{ grant: grant('a') }]);
  const other = setup(() => problem(401));
  other.account.start(other.channel);
  await settled();
  other.hear(one.told[0]);
  expect(other.account.token).toBe('a');
  expect(other.told).toEqual([]);
  await other.after((EXPIRES_S - 60) * 1000 - 1);
  expect(other.asked).toHaveLength(1);
});

test('who leaves in one tab leaves in all', async () => {
  const one = setup(give('a'));
  one.account.start(one.channel);
  await settled();
  one.account.leave();
  const other = setup(give('a'));
  other.account.start(other.channel);
  await settled();
  other.hear(one.told.at(-1));
  expect(other.account.who.value).toEqual({ state: 'out', why: '' });
});

test('a token of the same person changes nothing of what is shown', async () => {
  const { account } = setup();
  account.enter(grant('a'));
  const before = account.who.value;
  account.enter(grant('b'));
  expect(account.who.value).toBe(before);
  expect(account.token).toBe('b');
});

test.each(ROLES)('what is offered to the role %s is what the gateway allows', (role) => {
  const { account } = setup();
  account.enter(grant('a', role));
  const asked: Permission[] = ['see', 'record', 'watch', 'service', 'manage'];
  for (const permission of asked) {
    expect(account.scope(permission), permission).toBe(scopeOf(role, permission));
  }
});

test('nobody may do anything before they have logged in', () => {
  const { account } = setup();
  expect(account.may('see')).toBe(false);
});

test.each([
  ['a refusal', 401],
  ['the next token', 200],
])('whoever leaves while %s is being read has left, and is told why', async (_, status) => {
  let finish = (): void => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      finish = () => {
        controller.enqueue(Buffer.from(JSON.stringify(grant('b'))));
        controller.close();
      };
    },
  });
  const { account } = setup(give('a'), () => new Response(body, { status }));
  await account.renew();
  const renewed = account.renew();
  await settled();
  account.leave('Your account is deleted.');
  finish();
  await renewed;
  expect(account.who.value).toEqual({ state: 'out', why: 'Your account is deleted.' });
  expect(account.token).toBe('');
});

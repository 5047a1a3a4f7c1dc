import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tokens } from '../../../src/accounts/tokens.ts';
import { AccountWorld } from '../../support/account-world.ts';

const KEY = { id: 'k1', secret: Buffer.alloc(32, 1) };
const OLD = { id: 'k0', secret: Buffer.alloc(32, 2) };
const FOREIGN = Buffer.alloc(32, 3);

function startTokens(world = new AccountWorld()) {
  let keys = [KEY, OLD];
  let count = 0;
  const tokens = new Tokens({
    moments: world.moments,
    issuer: () => 'vigil-one',
    keys: () => keys,
    makeId: () => `jti-${count++}`,
  });
  const useKeys = (next: typeof keys): void => {
    keys = next;
  };
  return { world, tokens, useKeys };
}

const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token with whatever is in it, signed with HMAC. */
function forge(header: object, payload: unknown, secret: Uint8Array = KEY.secret, hash = 'sha256') {
  const text = `${b64(header)}.${b64(payload)}`;
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

function partsOf(token: string) {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());
  return { header: read(header), payload: read(payload), signature, raw: { header, payload } };
}

async function refused(tokens: Tokens, token: string): Promise<boolean> {
  const error = await tokens.verify(token).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return false;
  expect(error).toMatchObject({ name: 'AccountError', code: 'BAD_TOKEN' });
  return true;
}

test('a token says whose it is and of which log-in, and nothing of what they may', async () => {
  const { tokens } = startTokens();
  const token = await tokens.sign('user', 'login');
  expect(await tokens.verify(token)).toEqual({
    ...{ userId: 'user', login: 'login', tokenId: 'jti-0', leftMs: 900_000 },
  });
  const { header, payload } = partsOf(token);
  expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: 'k1' });
  expect(Object.keys(payload).sort()).toEqual([
    ...['at', 'aud', 'ep', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sid', 'sub'],
  ]);
});

test('the forger of this test knows how tokens are made', async () => {
  const { tokens } = startTokens();
  const { header, payload } = partsOf(await tokens.sign('user', 'login'));
  expect(await tokens.verify(forge(header, payload))).toMatchObject({ userId: 'user' });
  expect(await tokens.verify(forge({ ...header, kid: 'k0' }, payload, OLD.secret))).toMatchObject({
    userId: 'user',
  });
});

test('forged tokens are refused, all alike', async () => {
  const { tokens } = startTokens();
  const good = await tokens.sign('user', 'login');
  const { header, payload, raw, signature } = partsOf(good);
  const without = (name: string) => forge(header, { ...payload, [name]: undefined });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rs = `${b64({ ...header, alg: 'RS256' })}.${raw.payload}`;
  const other = partsOf(await tokens.sign('admin', 'login'));
  const forged: Readonly<Record<string, string>> = {
    'alg none': `${b64({ ...header, alg: 'none' })}.${raw.payload}.`,
    'alg None with the signature': `${b64({ ...header, alg: 'None' })}.${raw.payload}.${signature}`,
    'alg HS512': forge({ ...header, alg: 'HS512' }, payload, KEY.secret, 'sha512'),
    'alg HS384': forge({ ...header, alg: 'HS384' }, payload, KEY.secret, 'sha384'),
    'alg RS256': `${rs}.${signWith('sha256', Buffer.from(rs), privateKey).toString('base64url')}`,
    'alg missing': forge({ ...header, alg: undefined }, payload),
    'a foreign key': forge(header, payload, FOREIGN),
    'the old key under the name of the new': forge(header, payload, OLD.secret),
    'an empty key': forge(header, payload, Buffer.alloc(0)),
    'an unknown kid': forge({ ...header, kid: 'k9' }, payload),
    'no kid': forge({ ...header, kid: undefined }, payload),
    'a kid that is a path': forge({ ...header, kid: '../../dev/null' }, payload, Buffer.alloc(0)),
    'a key in jwk': forge(
      { ...header, kid: undefined, jwk: { kty: 'oct', k: FOREIGN.toString('base64url') } },
      ...([payload, FOREIGN] as const),
    ),
    'a public key in jwk': forge(
      { ...header, jwk: publicKey.export({ format: 'jwk' }) },
      ...([payload, FOREIGN] as const),
    ),
    'keys at a jku': forge(
      { ...header, kid: 'k9', jku: 'https://evil.example/keys' },
      ...([payload, FOREIGN] as const),
    ),
    'keys at an x5u': forge({ ...header, x5u: 'https://evil.example/c' }, payload, FOREIGN),
    'typ JWT': forge({ ...header, typ: 'JWT' }, payload),
    'no typ': forge({ ...header, typ: undefined }, payload),
    'something critical': forge({ ...header, crit: ['x'], x: 1 }, payload),
    'another issuer': forge(header, { ...payload, iss: 'vigil-two' }),
    'another audience': forge(header, { ...payload, aud: 'other' }),
    'over before it is made': forge(header, { ...payload, exp: payload.iat - 1 }),
    'not good before later': forge(header, { ...payload, nbf: payload.nbf + 60 }),
    'of a start that nobody knows': forge(header, { ...payload, ep: 77 }),
    'a number for a name': forge(header, { ...payload, sub: 5 }),
    'text for a time': forge(header, { ...payload, exp: 'tomorrow' }),
    ...Object.fromEntries(
      ['sub', 'sid', 'jti', 'exp', 'nbf', 'iat', 'iss', 'aud', 'ep', 'at'].map((name) => [
        `no ${name}`,
        without(name),
      ]),
    ),
    'another payload': `${raw.header}.${other.raw.payload}.${signature}`,
    'another signature': `${raw.header}.${raw.payload}.${other.signature}`,
    'header and payload swapped': `${raw.payload}.${raw.header}.${signature}`,
    'no signature': `${raw.header}.${raw.payload}.`,
    'two parts': `${raw.header}.${raw.payload}`,
    'four parts': `${good}.x`,
    'five parts': 'a.b.c.d.e',
    'cut off': good.slice(0, -4),
    'a payload that is a list': forge(header, []),
    'a payload that is null': forge(header, 'null'),
    'a payload that is no JSON': forge(header, '{'),
    'with a blank': `${good} `,
    nothing: '',
    'too long': good + 'A'.repeat(2_048),
  };
  for (const [what, token] of Object.entries(forged)) {
    expect(await refused(tokens, token), what).toBe(true);
  }
});

test('a token with any character changed is refused', async () => {
  const { tokens } = startTokens();
  const good = await tokens.sign('user', 'login');
  const chars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=';
  await fc.assert(
    fc.asyncProperty(
      // The last character of a signature has bits to spare.
      fc.nat(good.length - 2),
      fc.constantFrom(...chars),
      async (at, char) => {
        fc.pre(good[at] !== char);
        expect(await refused(tokens, good.slice(0, at) + char + good.slice(at + 1))).toBe(true);
      },
    ),
  );
});

test('no text makes more of it than a token that is not good', async () => {
  const { tokens } = startTokens();
  const part = fc.oneof(fc.string(), fc.json().map(b64), fc.base64String());
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
      expect(await refused(tokens, parts.join('.'))).toBe(true);
    }),
  );
});

test('a token ends after a quarter of an hour', async () => {
  const { world, tokens } = startTokens();
  const token = await tokens.sign('user', 'login');
  await world.clock.advance(15 * 60_000 - 1_000);
  expect((await tokens.verify(token)).leftMs).toBe(1_000);
  await world.clock.advance(1_000);
  expect(await refused(tokens, token)).toBe(true);
});

test('a wall clock that jumps ends no token and revives none', async () => {
  const { world, tokens } = startTokens();
  const early = await tokens.sign('user', 'login');
  await world.clock.advance(14 * 60_000);
  const late = await tokens.sign('user', 'login');
  const { wallMs } = world.epoch;
  const day = 86_400_000;
  for (const jump of [-day, 3_653 * day, -wallMs]) {
    world.epoch = { ...world.epoch, wallMs: wallMs + jump };
    expect((await tokens.verify(late)).leftMs, String(jump)).toBe(900_000);
  }
  await world.clock.advance(60_000);
  for (const jump of [0, -day, 3_653 * day]) {
    world.epoch = { ...world.epoch, wallMs: wallMs + jump };
    expect(await refused(tokens, early), String(jump)).toBe(true);
    expect((await tokens.verify(late)).leftMs, String(jump)).toBe(840_000);
  }
});

test('a token outlives a restart on the same boot, for as long as it would have', async () => {
  const { world, tokens } = startTokens();
  const token = await tokens.sign('user', 'login');
  world.restart(60_000, { wallMs: 0, trust: 'none' });
  const after = startTokens(world).tokens;
  expect((await after.verify(token)).leftMs).toBe(840_000);
  await world.clock.advance(840_000);
  expect(await refused(after, token)).toBe(true);
});

test('over a boot it is good where both clocks are, and else it is not', async () => {
  for (const [trust, isGood] of [
    ['ntp', true],
    ['none', false],
  ] as const) {
    const { world, tokens } = startTokens();
    const token = await tokens.sign('user', 'login');
    world.restart(60_000, { bootId: 'two', monotonicMs: 0, trust });
    expect(await refused(startTokens(world).tokens, token), trust).toBe(!isGood);
  }
});

test('a key that is not in the ring any more signs nothing', async () => {
  const { tokens, useKeys } = startTokens();
  const token = await tokens.sign('user', 'login');
  const next = { id: 'k2', secret: Buffer.alloc(32, 4) };
  useKeys([next, KEY]);
  expect(await tokens.verify(token)).toMatchObject({ userId: 'user' });
  useKeys([{ id: 'k3', secret: Buffer.alloc(32, 5) }, next]);
  expect(await refused(tokens, token)).toBe(true);
});

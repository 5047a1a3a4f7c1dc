import { expect, test } from 'vitest';
import { noCookie, refreshCookie, tokenInCookie } from '../../../src/http/cookie.ts';

const OWN = { host: 'vigil.local:8080', origin: 'http://vigil.local:8080' };

const tokenOf = (headers: Readonly<Record<string, string>>) =>
  tokenInCookie(new Map(Object.entries(headers)));

test('what is set comes back, among others', () => {
  const set = refreshCookie('a.b', 60, false)['set-cookie'] ?? '';
  const pair = set.split(';')[0];
  for (const cookie of [pair, `x=1; ${pair}`, `${pair};y=2`, ` ${pair} `]) {
    expect(tokenOf({ ...OWN, cookie: String(cookie) }), cookie).toBe('a.b');
  }
});

test('without a token there is none', () => {
  expect(tokenOf(OWN)).toBeUndefined();
  for (const cookie of ['', 'x=1', 'vigil_refresh', 'vigil_refresh=', 'x_vigil_refresh=a.b']) {
    expect(tokenOf({ ...OWN, cookie }), cookie).toBeUndefined();
  }
  expect(noCookie(true)['set-cookie']).toMatch(/^vigil_refresh=; .*Max-Age=0.*Secure$/);
});

test('the host is what it is in any case, the port counts', () => {
  const cookie = 'vigil_refresh=a.b';
  expect(tokenOf({ cookie, host: 'Vigil.Local', origin: 'https://vigil.local' })).toBe('a.b');
  expect(tokenOf({ cookie, host: 'vigil.local', origin: OWN.origin })).toBeUndefined();
  expect(tokenOf({ cookie, host: 'vigil.local' })).toBeUndefined();
});

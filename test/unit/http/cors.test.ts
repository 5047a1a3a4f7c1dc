import { expect, test } from 'vitest';
import { corsHeaders, preflight } from '../../../src/http/cors.ts';
import { request } from './fakes.ts';

const ALLOWED = ['https://app.example.org'];
const from = (origin: string | undefined, method = 'GET', more: Record<string, string> = {}) => {
  const headers = { host: 'localhost', ...(origin !== undefined && { origin }), ...more };
  return request(method, '/api/v1/sessions', { headers: new Map(Object.entries(headers)) });
};
const asking = { 'access-control-request-method': 'PATCH' };

test('without a list nothing is said', () => {
  expect(corsHeaders(from('https://app.example.org'), [])).toEqual({});
  expect(preflight(from('https://app.example.org', 'OPTIONS', asking), [])).toBeUndefined();
});

test('an origin of the list may read what others get no header for', () => {
  expect(corsHeaders(from('https://app.example.org'), ALLOWED)).toMatchObject({
    'access-control-allow-origin': 'https://app.example.org',
    'cross-origin-resource-policy': 'cross-origin',
    vary: 'origin',
  });
  const strangers = [
    undefined,
    'null',
    'https://app.example.org.evil.example',
    'https://app.example.org:8443',
    'http://app.example.org',
    'https://APP.example.org',
  ];
  for (const origin of strangers) {
    expect(corsHeaders(from(origin), ALLOWED), origin).toEqual({ vary: 'origin' });
  }
});

test('cookies are for nobody', () => {
  const reply = preflight(from('https://app.example.org', 'OPTIONS', asking), ALLOWED);
  const names = [
    ...Object.keys(reply?.headers ?? {}),
    ...Object.keys(corsHeaders(from(ALLOWED[0]), ALLOWED)),
  ];
  expect(names).not.toContain('access-control-allow-credentials');
  expect(names).toContain('access-control-expose-headers');
});

test('a browser that asks first is answered for origins of the list only', () => {
  const reply = preflight(from('https://app.example.org', 'OPTIONS', asking), ALLOWED);
  expect(reply?.status).toBe(204);
  expect(reply?.headers['access-control-allow-methods']).toContain('PATCH');
  expect(reply?.headers['access-control-allow-headers']).toContain('authorization');
  expect(reply?.headers['access-control-allow-headers']).toContain('prefer');
  expect(reply?.headers).not.toHaveProperty('access-control-allow-private-network');
  const local = { ...asking, 'access-control-request-private-network': 'true' };
  expect(
    preflight(from('https://app.example.org', 'OPTIONS', local), ALLOWED)?.headers,
  ).toHaveProperty('access-control-allow-private-network', 'true');
  expect(preflight(from('https://example.org', 'OPTIONS', asking), ALLOWED)).toBeUndefined();
  expect(preflight(from('https://app.example.org', 'OPTIONS'), ALLOWED)).toBeUndefined();
  expect(preflight(from('https://app.example.org', 'GET', asking), ALLOWED)).toBeUndefined();
});

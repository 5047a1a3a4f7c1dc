import { expect, test } from 'vitest';
import { checkChange, checkHost, checkOrigin, isLoopback } from '../../../src/http/guard.ts';
import { request } from './fakes.ts';

const withHeaders = (headers: Record<string, string>) =>
  request('GET', '/', { headers: new Map(Object.entries(headers)) });

test('loopback is what only this host can reach', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1']) {
    expect(isLoopback(host), host).toBe(true);
  }
  for (const host of ['0.0.0.0', '::', '', '10.42.0.1', 'car.local', '127.0.0.1.example.org']) {
    expect(isLoopback(host), host).toBe(false);
  }
});

test('a name that somebody else made resolve to this host is refused', () => {
  for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]', '[::1]:80']) {
    expect(() => checkHost(withHeaders({ host })), host).not.toThrow();
  }
  const strangers = [
    'rebind.example.org',
    '127.0.0.1.example.org:80',
    '',
    'localhost@evil',
    '[::1',
  ];
  for (const host of strangers) {
    expect(() => checkHost(withHeaders({ host })), host).toThrow(/not a name of this gateway/);
  }
  expect(() => checkHost(withHeaders({}))).toThrow(/not a name/);
});

test('pages of other origins are refused, down to the port', () => {
  const host = 'localhost:8080';
  const allowed = ['https://app.example.org'];
  for (const origin of ['http://localhost:8080', 'https://app.example.org']) {
    expect(() => checkOrigin(withHeaders({ host, origin }), allowed), origin).not.toThrow();
  }
  const strangers = [
    'null',
    '',
    'http://localhost:8081',
    'http://localhost',
    'https://example.org',
  ];
  for (const origin of strangers) {
    expect(() => checkOrigin(withHeaders({ host, origin }), allowed), origin).toThrow(/may not/);
  }
});

test('a client that is no page has no origin', () => {
  expect(() => checkOrigin(withHeaders({ host: 'localhost' }), [])).not.toThrow();
});

test('a page of another origin changes nothing, whatever it may ask for', () => {
  const headers = new Map([
    ['host', 'localhost:8080'],
    ['origin', 'https://example.org'],
  ]);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    expect(() => checkChange(request(method, '/', { headers }), []), method).not.toThrow();
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'BREW']) {
    expect(() => checkChange(request(method, '/', { headers }), []), method).toThrow(/may not/);
    const own = new Map([...headers, ['origin', 'http://localhost:8080']]);
    expect(() => checkChange(request(method, '/', { headers: own }), []), method).not.toThrow();
  }
});

import { expect, test } from 'vitest';
import {
  checkChange,
  checkHost,
  checkOrigin,
  hostNameOf,
  isLoopback,
} from '../../../src/http/guard.ts';
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
  const own = [
    ...['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]', '[::1]:80', 'LOCALHOST.'],
    // No page can have an address for its own without being served from here.
    ...['10.42.0.1', '10.42.0.1:8080', '[fd00::2]:80'],
    ...['car.local', 'Car.Local:8443', 'car.local.'],
  ];
  for (const host of own) {
    expect(() => checkHost(withHeaders({ host }), ['car.local']), host).not.toThrow();
  }
  const strangers = [
    'rebind.example.org',
    '127.0.0.1.example.org:80',
    'car.local.example.org',
    '',
    '.',
    'localhost@evil',
    'localhost, localhost',
    '[::1',
    '[::1]:80:80',
  ];
  for (const host of strangers) {
    expect(() => checkHost(withHeaders({ host }), ['car.local']), host).toThrow(
      /not a name of this gateway/,
    );
  }
  expect(() => checkHost(withHeaders({}), [])).toThrow(/not a name/);
});

test('a Host is a name with all that may be around it', () => {
  expect(hostNameOf('Car.local.:8080')).toBe('car.local');
  expect(hostNameOf('[::1]:8080')).toBe('::1');
  expect(hostNameOf('10.0.0.1')).toBe('10.0.0.1');
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

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { originFinder } from '../../../src/http/remote.ts';

const PROXIES = ['127.0.0.1', '10.1.0.0/16', 'fd00::/8'];

function originOf(
  address: string,
  headers: Readonly<Record<string, string>> = {},
  { proxies = [] as readonly string[], isSecure = false } = {},
) {
  const all = new Map(Object.entries({ host: 'localhost', ...headers }));
  return originFinder(proxies)({ address, headers: all, isSecure });
}

const clientOf = (address: string, forwarded: string) =>
  originOf(address, { 'x-forwarded-for': forwarded }, { proxies: PROXIES }).remote.address;

test('an address has one form', () => {
  const forms = {
    '0000:0000:0000:0000:0000:ffff:7f00:0001': '127.0.0.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '0000:0000:0000:0000:0000:0000:0000:0001': '::1',
    '2001:0db8:0000:0000:0000:0000:0000:0001': '2001:db8::1',
    '192.0.2.7': '192.0.2.7',
  };
  for (const [text, address] of Object.entries(forms)) {
    expect(originOf(text).remote.address, text).toBe(address);
  }
});

test('who asks this computer from itself is local, over IPv6 and IPv4 alike', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    expect(originOf(address).remote.isLocal, address).toBe(true);
  }
  for (const address of ['192.0.2.1', '10.42.0.1', 'fe80::1', '']) {
    expect(originOf(address).remote.isLocal, address).toBe(false);
  }
});

test('a proxy on this computer that nobody told of makes no stranger local', () => {
  const marks = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'];
  for (const name of [...marks, 'x-real-ip']) {
    const { remote } = originOf('127.0.0.1', { [name]: 'https' });
    expect(remote, name).toEqual({ address: '127.0.0.1', isLocal: false, isSecure: false });
  }
  // One that sends no such header passes the name on.
  expect(originOf('127.0.0.1', { host: 'car.example.org' }).remote.isLocal).toBe(false);
});

test('nobody but a proxy of the settings is believed', () => {
  const headers = {
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
  };
  const stranger = originOf('192.0.2.9', headers, { proxies: PROXIES });
  expect(stranger.remote).toEqual({ address: '192.0.2.9', isLocal: false, isSecure: false });
  expect(stranger.host).toBe('localhost');
  const proxy = originOf(
    '10.1.2.3',
    { ...headers, 'x-forwarded-for': '192.0.2.5' },
    { proxies: PROXIES },
  );
  expect(proxy.remote).toEqual({ address: '192.0.2.5', isLocal: false, isSecure: true });
  expect(proxy.host).toBe('evil.example');
});

test('the client is the last of the list that is no proxy', () => {
  expect(clientOf('127.0.0.1', '192.0.2.5')).toBe('192.0.2.5');
  // What the client wrote itself comes first.
  expect(clientOf('127.0.0.1', '127.0.0.1, 192.0.2.5')).toBe('192.0.2.5');
  expect(clientOf('127.0.0.1', '198.51.100.1, 192.0.2.5, 10.1.0.9')).toBe('192.0.2.5');
  expect(clientOf('::ffff:127.0.0.1', '[2001:db8::5]:4711')).toBe('2001:db8::5');
  expect(clientOf('fd00::1', '192.0.2.5:4711')).toBe('192.0.2.5');
  expect(clientOf('127.0.0.1', '10.1.0.8, 10.1.0.9')).toBe('10.1.0.8');
  expect(clientOf('127.0.0.1', '192.0.2.5, unknown, 10.1.0.9')).toBe('10.1.0.9');
  expect(clientOf('127.0.0.1', '')).toBe('127.0.0.1');
});

test('behind a proxy nobody is local, and TLS is what the proxy says', () => {
  const of = (proto?: string) =>
    originOf(
      '127.0.0.1',
      {
        'x-forwarded-for': '127.0.0.1',
        ...(proto !== undefined && { 'x-forwarded-proto': proto }),
      },
      { proxies: PROXIES, isSecure: true },
    ).remote;
  expect(of('https')).toEqual({ address: '127.0.0.1', isLocal: false, isSecure: true });
  expect(of('http').isSecure).toBe(false);
  expect(of('https, http').isSecure).toBe(false);
  expect(of().isSecure).toBe(false);
  expect(originOf('127.0.0.1', {}, { proxies: PROXIES }).remote.isLocal).toBe(false);
});

test('whatever a client writes, a stranger is neither local nor somebody else', () => {
  const names = fc.constantFrom('x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'host', 'via');
  const text = fc.oneof(fc.string(), fc.constantFrom('127.0.0.1', '::1', 'https', 'localhost'));
  fc.assert(
    fc.property(fc.dictionary(names, text), (headers) => {
      const { remote } = originOf('192.0.2.1', headers, { proxies: PROXIES });
      expect(remote).toEqual({ address: '192.0.2.1', isLocal: false, isSecure: false });
      expect(() => originOf('10.1.0.1', headers, { proxies: PROXIES })).not.toThrow();
      expect(originOf('10.1.0.1', headers, { proxies: PROXIES }).remote.isLocal).toBe(false);
    }),
  );
});

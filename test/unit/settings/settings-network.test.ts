/** The settings that say who may reach the gateway. */
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { readConfig } from '../../../src/settings/config.ts';

const read = (...argv: readonly string[]) => readConfig(argv, {}, () => '').config;
const refusal = (...argv: readonly string[]): string => {
  try {
    return `${JSON.stringify(read(...argv))} is taken`;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
};

test('nothing of it is set by itself', () => {
  expect(read()).toMatchObject({ hosts: [], origins: [], proxies: [] });
  expect(read().https).toBeUndefined();
});

test('TLS has an address of its own', () => {
  expect(read('--https', '0.0.0.0:8443').https).toEqual({ host: '0.0.0.0', port: 8443 });
  expect(refusal('--https', '8443')).toMatch(/^flag --https: expected HOST:PORT/);
});

test('names are in lower case, and nothing but names and addresses', () => {
  const hosts = ['Car.Example.ORG', 'car', '10.42.0.1', 'FD00:0::1'];
  expect(read(...hosts.flatMap((host) => ['--hosts', host])).hosts).toEqual([
    ...['car.example.org', 'car', '10.42.0.1', 'fd00::1'],
  ]);
  const wrong = [
    '',
    'a b',
    '*.example.org',
    '-a',
    'a-',
    'a..b',
    'https://a',
    'a:80',
    'a/b',
    'a\nb',
    'é',
    'a,DNS:b',
  ];
  for (const host of wrong) {
    expect(refusal(`--hosts=${host}`), host).toMatch(
      /^flag --hosts: expected a name or an address/,
    );
  }
});

test('an origin is as a browser writes it', () => {
  const given = ['https://Example.org', 'http://10.0.0.1:3000', 'https://example.org:443/'];
  expect(read(...given.flatMap((origin) => ['--origins', origin])).origins).toEqual([
    ...['https://example.org', 'http://10.0.0.1:3000', 'https://example.org'],
  ]);
  for (const origin of [
    '*',
    'null',
    'example.org',
    'https://a/b',
    'https://a?b',
    'https://u@a',
    'file:///',
  ]) {
    expect(refusal(`--origins=${origin}`), origin).toMatch(/^flag --origins: expected an origin/);
  }
});

test('a proxy is an address or a network', () => {
  const proxies = ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8'];
  expect(read(...proxies.flatMap((proxy) => ['--proxies', proxy])).proxies).toEqual(proxies);
  for (const proxy of ['localhost', '10.0.0.0/33', '10.0.0', '*', '']) {
    expect(refusal(`--proxies=${proxy}`), proxy).toMatch(/^flag --proxies: expected an address/);
  }
});

test('they may be written with commas in a variable, and are not endless', () => {
  const { config } = readConfig([], { VIGIL_PROXIES: '127.0.0.1,::1' }, () => '');
  expect(config.proxies).toEqual(['127.0.0.1', '::1']);
  const many = Array.from({ length: 17 }, (_, i) => ['--hosts', `h${i}`]).flat();
  expect(refusal(...many)).toMatch(/expected at most 16/);
});

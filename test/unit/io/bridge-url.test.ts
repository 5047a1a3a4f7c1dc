import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { type BridgeSettings, parseBridgeUrl, parseBrokerUrl } from '../../../src/io/bridge-url.ts';

const GOOD: readonly (readonly [text: string, settings: BridgeSettings])[] = [
  [
    'mqtts://cloud.example/acme',
    { server: { host: 'cloud.example', port: 8883, tls: true }, tenant: 'acme' },
  ],
  [
    'mqtts://car%40x:p%40ss%2Fw%3A%3F%23%25@cloud.example:443/a-b_1?ca=/etc/my%20ca.pem&cert=c.pem&key=k.pem',
    {
      server: {
        ...{ host: 'cloud.example', port: 443, tls: true, user: 'car@x', password: 'p@ss/w:?#%' },
        ...{ ca: '/etc/my ca.pem', cert: 'c.pem', key: 'k.pem' },
      },
      tenant: 'a-b_1',
    },
  ],
  [
    'mqtts://[2001:db8::1]:8884/acme',
    { server: { host: '2001:db8::1', port: 8884, tls: true }, tenant: 'acme' },
  ],
  [
    'mqtt://127.0.0.1/acme',
    { server: { host: '127.0.0.1', port: 1883, tls: false }, tenant: 'acme' },
  ],
];

test.each(GOOD)('%s is understood', (text, settings) => {
  expect(parseBridgeUrl(text)).toEqual(settings);
});

test.each([
  ['https://cloud.example/acme', /^expected mqtts:/],
  ['', /^expected mqtts:/],
  ['mqtts:///acme', /no host/],
  ['mqtts://cloud.example:99999/acme', /a host or port that is none/],
  ['mqtts://cloud.example:0/acme', /port 0/],
  ['mqtts://cloud.example', /no tenant/],
  ['mqtts://cloud.example/', /no tenant/],
  ['mqtts://cloud.example/a/b', /more than a tenant/],
  ['mqtts://cloud.example/Acme', /tenant "Acme" is not 1 to 23/],
  ['mqtts://cloud.example/a+', /tenant "a\+"/],
  [`mqtts://cloud.example/${'a'.repeat(24)}`, /is not 1 to 23/],
  ['mqtt://cloud.example/acme', /without TLS and for a broker on this computer only/],
  ['mqtts://car@cloud.example/acme', /a user without a password/],
  ['mqtts://:secret@cloud.example/acme', /a password without a user/],
  ['mqtts://a:%E0%A4@cloud.example/acme', /a % that begins no character/],
  ['mqtts://cloud.example/acme?cert=c.pem', /a cert without its key/],
  ['mqtts://cloud.example/acme?key=k.pem', /a key without its cert/],
  ['mqtts://cloud.example/acme?ca=', /ca is empty/],
  ['mqtts://cloud.example/acme?ca=a&ca=b', /ca is given twice/],
  ['mqtts://cloud.example/acme?tls=none', /unknown part "tls"/],
  ['mqtts://cloud.example/acme#x', /something behind a #/],
  ['mqtt://localhost/acme?ca=x', /ca needs TLS/],
])('%s is refused with a sentence', (text, sentence) => {
  expect(() => parseBridgeUrl(text)).toThrow(ConfigError);
  expect(() => parseBridgeUrl(text)).toThrow(sentence);
});

test('a broker in the own network may be without TLS, and has no tenant', () => {
  expect(parseBrokerUrl('mqtt://ha:secret@homeassistant.local')).toEqual({
    ...{ host: 'homeassistant.local', port: 1883, tls: false, user: 'ha', password: 'secret' },
  });
  expect(parseBrokerUrl('mqtts://homeassistant.local/').port).toBe(8883);
  expect(() => parseBrokerUrl('mqtt://ha.local/acme')).toThrow(/something between the port/);
});

test.each([
  'mqtts://car:12/hunter2@cloud.example',
  'mqtts://car:12/Hunter2?x@cloud.example/acme',
  'mqtts://car:12?hunter2@cloud.example/acme',
  'mqtts://car:12/acme?hunter2=1@cloud.example/acme',
  'mqtts://car:pw@12/hunter2@cloud.example',
])('of a password with a character that ends it early nothing is shown: %s', (text) => {
  for (const parse of [parseBridgeUrl, parseBrokerUrl]) {
    expect(() => parse(text)).toThrow(ConfigError);
    expect(() => parse(text)).not.toThrow(/hunter2/i);
  }
});

test('no password gets into a sentence, whatever is wrong', () => {
  const secret = 'hunter2hunter2';
  const parts = fc.constantFrom(
    '',
    '/',
    '/a',
    '/a/b',
    '?ca=',
    '#x',
    ':x',
    ' ',
    '/acme?zz=1',
    '@h/a',
  );
  fc.assert(
    fc.property(fc.constantFrom('mqtts', 'mqtt'), parts, parts, (scheme, a, b) => {
      for (const parse of [parseBridgeUrl, parseBrokerUrl]) {
        try {
          parse(`${scheme}://car:${secret}@cloud.example${a}${b}`);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect(String(error)).not.toContain(secret);
        }
      }
    }),
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { type MailSettings, parseMailUrl } from '../../../src/io/mail-url.ts';

const ENDS = { from: 'a@x.example', to: ['b@y.example'] };
const QUERY = 'from=a@x.example&to=b@y.example';

const GOOD: readonly (readonly [text: string, settings: MailSettings])[] = [
  [`smtps://mail.example?${QUERY}`, { host: 'mail.example', port: 465, tls: 'implicit', ...ENDS }],
  [`smtp://mail.example?${QUERY}`, { host: 'mail.example', port: 587, tls: 'starttls', ...ENDS }],
  [
    `smtp://mail.example:25/?${QUERY}`,
    { host: 'mail.example', port: 25, tls: 'starttls', ...ENDS },
  ],
  [`smtp://localhost:25?tls=none&${QUERY}`, { host: 'localhost', port: 25, tls: 'none', ...ENDS }],
  [`smtp://[::1]:25?tls=none&${QUERY}`, { host: '::1', port: 25, tls: 'none', ...ENDS }],
  [
    `smtps://me%40x.example:p%40ss%2Fw%3A%3F%23%25@mail.example:465?${QUERY}`,
    {
      ...{ host: 'mail.example', port: 465, tls: 'implicit' },
      ...{ user: 'me@x.example', password: 'p@ss/w:?#%', ...ENDS },
    },
  ],
  [
    'smtps://h?from=a+car@x.example&to=b@y.example,c%2Bd@z,b@y.example&ca=/etc/my%20ca.pem&quiet=22:00-06:30&perHour=20',
    {
      ...{ host: 'h', port: 465, tls: 'implicit', from: 'a+car@x.example' },
      ...{ to: ['b@y.example', 'c+d@z'], ca: '/etc/my ca.pem' },
      ...{ quiet: { from: '22:00', to: '06:30' }, perHour: 20 },
    },
  ],
];

test.each(GOOD)('%s is understood', (text, settings) => {
  expect(parseMailUrl(text)).toEqual(settings);
});

const ESCAPE = 'in user and password, @ is written';

test.each([
  ['smtps://?from=a@x&to=b@y', 'no host'],
  [`smtp://mail.example:99999?${QUERY}`, 'a host or port that is none'],
  [`smtp://mail.example:0?${QUERY}`, 'port 0 is not one of 1 to 65535'],
  [`smtps://u:se/cret@mail.example?${QUERY}`, ESCAPE],
  [`smtps://u:1/secret@mail.example?${QUERY}`, ESCAPE],
  [`smtps://u:se?cret@mail.example?${QUERY}`, ESCAPE],
  [`smtps://u:se#cret@mail.example?${QUERY}`, ESCAPE],
  [`smtps://u:secret%@mail.example?${QUERY}`, 'a % that begins no character'],
  [`smtps://u@mail.example?${QUERY}`, 'a user without a password'],
  [`smtps://:secret@mail.example?${QUERY}`, 'a password without a user'],
  [`smtp://mail.example?tls=none&${QUERY}`, 'on this computer only'],
  [`smtp://127.0.0.1.evil.example?tls=none&${QUERY}`, 'on this computer only'],
  [`smtps://localhost?tls=none&${QUERY}`, 'smtps is TLS'],
  [`smtp://localhost?tls=off&${QUERY}`, 'tls is none or left out, found "off"'],
  ['smtps://h?to=b@y', 'no from'],
  ['smtps://h?from=a@x', 'no to'],
  ['smtps://h?from=a@x&to=', 'to is empty'],
  ['smtps://h?from=a@x&to=b@y,', '"" is no mail address'],
  ['smtps://h?from=a@x&to=b', '"b" is no mail address'],
  ['smtps://h?from=a@x%0D%0ABcc:c@z&to=b@y', 'is no mail address'],
  ['smtps://h?from=a@x&to=b@y%0Ac@z', 'is no mail address'],
  ['smtps://h?from=A <a@x>&to=b@y', 'is no mail address'],
  [`smtps://h?from=a@x&to=${'b@y,'.repeat(20)}b@y`, 'more than 20 addresses in to'],
  [`smtps://h?${QUERY}&bcc=c@z`, 'unknown part "bcc"'],
  [`smtps://h?${QUERY}&to=c@z`, 'to is given twice'],
  [`smtps://h?${QUERY}&quiet=22-6`, 'quiet is two times such as 22:00-06:00, found "22-6"'],
  [`smtps://h?${QUERY}&quiet=24:00-06:00`, 'quiet is two times'],
  [`smtps://h?${QUERY}&quiet=06:00-06:00`, 'quiet is two times'],
  [`smtps://h?${QUERY}&perHour=0`, 'perHour is a number from 1 to 1000, found "0"'],
  [`smtps://h?${QUERY}&perHour=1001`, 'perHour is a number'],
  [`smtps://h?${QUERY}&perHour=1e2`, 'perHour is a number'],
])('%s is refused', (text, fault) => {
  expect(() => parseMailUrl(text)).toThrow(ConfigError);
  expect(() => parseMailUrl(text)).toThrow(fault);
  expect(() => parseMailUrl(text)).toThrow('expected smtps://user:password@');
  expect(() => parseMailUrl(text)).not.toThrow(/secret|cret@/);
});

test.each(['', 'mail.example', 'http://mail.example', 'mailto:a@x'])(
  '%j is no mail URL',
  (text) => {
    expect(() => parseMailUrl(text)).toThrow(/^expected smtps:/);
  },
);

test('any text is settings or a ConfigError, and settings have all they need', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `smtps://${rest}`),
    fc.tuple(fc.string(), fc.string()).map(([login, to]) => `smtp://${login}@h?from=a@x&to=${to}`),
  );
  fc.assert(
    fc.property(text, (url) => {
      try {
        const { host, port, from, to } = parseMailUrl(url);
        expect([host !== '', port > 0, to.length > 0]).not.toContain(false);
        for (const address of [from, ...to]) expect(address).toMatch(/^[!-~]+@[!-~]+$/);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 500 },
  );
});

test('any password comes through when it is escaped', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(text, text, (user, password) => {
      const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
      expect(parseMailUrl(`smtps://${login}@h?${QUERY}`)).toMatchObject({ user, password });
    }),
  );
});

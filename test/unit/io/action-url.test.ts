import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { parseBuzzerUrl, parseWebhookUrl } from '../../../src/io/action-url.ts';

const QUIET = { from: '22:00', to: '06:00' };
const WEBHOOK = 'expected https://host.example/path#quiet=22:00-06:00&perHour=60';
const BUZZER = 'expected gpio:gpiochip0/17?active=low&quiet=22:00-06:00';

test.each([
  ['https://x.example/hook', { url: 'https://x.example/hook' }],
  ['http://192.168.0.2:8123/api', { url: 'http://192.168.0.2:8123/api' }],
  ['https://x.example/a?quiet=no&x=1', { url: 'https://x.example/a?quiet=no&x=1' }],
  ['https://me:pass@x.example/', { url: 'https://me:pass@x.example/' }],
  [
    'https://x.example/a?x=1#quiet=22:00-06:00&perHour=60',
    { url: 'https://x.example/a?x=1', quiet: QUIET, perHour: 60 },
  ],
  ['https://x.example/#perHour=1', { url: 'https://x.example/', perHour: 1 }],
  ['https://x.example/#', { url: 'https://x.example/' }],
])('the webhook %s is understood', (text, url) => {
  expect(parseWebhookUrl(text)).toEqual(url);
});

test.each([
  ['', ''],
  ['x.example/hook', ''],
  ['ftp://x.example/', ''],
  ['https://', 'a host or port that is none; '],
  ['https://x.example:99999/', 'a host or port that is none; '],
  ['https://x.example:0/', 'port 0 is not one of 1 to 65535; '],
  ['https://x.example/#loud=1', 'unknown part "loud"; '],
  [
    'https://x.example/#quiet=22:00-06:00?perHour=6',
    'quiet is two times such as 22:00-06:00, found "22:00-06:00?perHour=6"; ',
  ],
  [
    'https://x.example/#quiet=24:00-06:00',
    'quiet is two times such as 22:00-06:00, found "24:00-06:00"; ',
  ],
  [
    'https://x.example/#quiet=22:00-22:00',
    'quiet is two times such as 22:00-06:00, found "22:00-22:00"; ',
  ],
  ['https://x.example/#perHour=0', 'perHour is a number from 1 to 1000, found "0"; '],
  ['https://x.example/#perHour=1001', 'perHour is a number from 1 to 1000, found "1001"; '],
  ['https://x.example/#perHour=6.5', 'perHour is a number from 1 to 1000, found "6.5"; '],
  ['https://x.example/#perHour=6&perHour=7', 'perHour is given twice; '],
  [`https://x.example/${'a'.repeat(2_048)}`, 'longer than 2048 characters; '],
])('the webhook %s is refused', (text, fault) => {
  expect(() => parseWebhookUrl(text)).toThrow(new ConfigError(`${fault}${WEBHOOK}`));
});

test('no error shows the path or the password of a webhook', () => {
  for (const rest of ['#x', '#perHour=0', ':0', '#quiet=1', `${'x'.repeat(3_000)}`, ':x']) {
    const read = () => parseWebhookUrl(`https://me:secret@x.example/token${rest}`);
    if (rest.startsWith(':')) continue;
    expect(read).toThrow(ConfigError);
    expect(read).not.toThrow(/secret|token/);
  }
  expect(() => parseWebhookUrl('https://me:secret@x.example:x/token')).not.toThrow(/secret|token/);
});

test.each([
  ['gpio:gpiochip0/17', { chip: 'gpiochip0', line: 17, activeLow: false }],
  ['gpio:gpiochip12/0?active=high', { chip: 'gpiochip12', line: 0, activeLow: false }],
  [
    'gpio:gpiochip4/1023?active=low&quiet=22:00-06:00',
    { chip: 'gpiochip4', line: 1_023, activeLow: true, quiet: QUIET },
  ],
])('the buzzer %s is understood', (text, url) => {
  expect(parseBuzzerUrl(text)).toEqual(url);
});

test.each([
  ['', ''],
  ['gpiochip0/17', ''],
  ['gpio:', '"" is no chip such as gpiochip0; '],
  ['gpio:17', '"17" is no chip such as gpiochip0; '],
  ['gpio:--help/1', '"--help" is no chip such as gpiochip0; '],
  ['gpio:gpiochip0', 'line "" is not one of 0 to 1023; '],
  ['gpio:gpiochip0/1024', 'line "1024" is not one of 0 to 1023; '],
  ['gpio:gpiochip0/-1', 'line "-1" is not one of 0 to 1023; '],
  ['gpio:gpiochip0/1=1', 'line "1=1" is not one of 0 to 1023; '],
  ['gpio:gpiochip0/17/18', 'unknown part "18"; '],
  ['gpio:gpiochip0/17?active=off', 'active is high or low, found "off"; '],
  ['gpio:gpiochip0/17?perHour=6', 'unknown part "perHour"; '],
  ['gpio:gpiochip0/17?active=low&active=low', 'active is given twice; '],
  ['gpio:gpiochip0/17#quiet=1', 'unknown part "#quiet=1"; '],
])('the buzzer %s is refused', (text, fault) => {
  const found = JSON.stringify(text);
  expect(() => parseBuzzerUrl(text)).toThrow(new ConfigError(`${fault}${BUZZER}, found ${found}`));
});

test('any text is a webhook and a buzzer, or a ConfigError', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `https://${rest}`),
    fc.string().map((rest) => `https://x.example/#${rest}`),
    fc.string().map((rest) => `gpio:gpiochip0/${rest}`),
    fc.string().map((rest) => `gpio:gpiochip0/1?${rest}`),
  );
  fc.assert(
    fc.property(text, (written) => {
      for (const parse of [parseWebhookUrl, parseBuzzerUrl]) {
        try {
          const parsed = parse(written);
          if ('url' in parsed) expect(parsed.url).toMatch(/^https?:\/\/[^#]+$/);
          else expect(`${parsed.chip}/${parsed.line}`).toMatch(/^gpiochip\d+\/\d+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }
    }),
    { numRuns: 500 },
  );
});

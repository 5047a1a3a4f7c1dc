import { expect, test } from 'vitest';
import { clientName } from '../../../web/own-account.js';
import { typedValue, valueText } from '../../../web/settings.js';

test.each([
  [
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Edge on Windows',
  ],
  ['curl/8.5.0', 'curl'],
  ['', 'Unknown client'],
])('a client that calls itself %s is told as a person would', (client, name) => {
  expect(clientName(client)).toBe(name);
});

test.each([
  ['text', { type: 'string' }, 'text'],
  [' 12 ', { type: 'integer' }, 12],
  ['twelve', { type: 'integer' }, 'twelve'],
  ['true', { type: 'boolean' }, true],
  ['a, b', { type: 'array' }, ['a', 'b']],
  ['', { type: 'array' }, []],
  ['  ', { type: 'string' }, null],
])('%j typed for %j is %j', (text, schema, value) => {
  expect(typedValue(text, schema)).toEqual(value);
});

test('a value is shown as it is typed, and a secret never', () => {
  expect(valueText({ value: ['a', 'b'], isSet: true })).toBe('a, b');
  expect(valueText({ value: null, isSet: false })).toBe('');
  expect(valueText({ value: null, isSet: true }, true)).toBe('set, and not shown');
  expect(valueText({ value: null, isSet: false }, true)).toBe('');
});

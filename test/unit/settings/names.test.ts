import { expect, test } from 'vitest';
import { flagOf, ownVariable, variableOf } from '../../../src/settings/names.ts';
import { SETTINGS } from '../../../src/settings/settings.ts';

test.each([
  ['log', 'log', 'VIGIL_LOG'],
  ['requireTls', 'require-tls', 'VIGIL_REQUIRE_TLS'],
])('%s is --%s and %s', (key, flag, variable) => {
  expect([flagOf(key), variableOf(key)]).toEqual([flag, variable]);
});

test('no two settings have a name in common, in any of the three places', () => {
  const keys = Object.keys(SETTINGS);
  for (const nameOf of [flagOf, variableOf]) {
    expect(new Set(keys.map(nameOf)).size).toBe(keys.length);
  }
});

test('a variable is ours by its prefix, with something behind it', () => {
  expect(['VIGIL_LOG', 'VIGIL_', 'VIGIL', 'LOG', 'XVIGIL_LOG'].map(ownVariable)).toEqual([
    'log',
    ...[undefined, undefined, undefined, undefined],
  ]);
});

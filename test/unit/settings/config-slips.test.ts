/** What people get wrong who write settings, and what they are told. */
import { expect, test } from 'vitest';
import { readConfig, USAGE } from '../../../src/settings/config.ts';

function refusal(file: string): string {
  try {
    readConfig(['--config', 'vigil.yaml'], {}, () => file);
  } catch (error) {
    return String(error);
  }
  return 'accepted';
}

const QUOTES = 'expected quotes around a value with a colon at its end';

test.each([
  ['log: info\nobd: sim:', `line 2: obd: ${QUOTES}: "sim:"`],
  ['obd: sim: # a car\nlog: info\n', `line 1: obd: ${QUOTES}: "sim:"`],
  ['eeg: thinkgear+sim:\r\nlog: info\r\n', `line 1: eeg: ${QUOTES}: "thinkgear+sim:"`],
  ['obd:\n  sim:\n', `line 1: obd: ${QUOTES}: "sim:"`],
  ['eeg:\n  - x\n  - thinkgear+sim:\n', `line 1: eeg: ${QUOTES}: "thinkgear+sim:"`],
  ['eeg: [thinkgear+sim:]', `line 1: eeg: ${QUOTES}: "thinkgear+sim:"`],
])('%j is told to need quotes', (file, words) => {
  expect(refusal(file)).toBe(`ConfigError: vigil.yaml ${words}`);
});

test.each([
  ['obd: a: b', 'line 1: not YAML: Nested'],
  ['obd: {sim: 1}', 'found a map'],
  ['obd: {}', 'found a map'],
  ['eeg: [{a: 1}]', 'found a list with other lists'],
])('%j is not', (file, words) => {
  expect(refusal(file)).toContain(words);
  expect(refusal(file)).not.toContain('quotes');
});

test('with its quotes it is accepted', () => {
  expect(refusal('obd: "sim:"\neeg:\n  - "thinkgear+sim:"\n')).toBe('accepted');
});

test('a flag that is misspelt is told with the one that it looks like', () => {
  const flag =
    (...argv: readonly string[]) =>
    () =>
      readConfig(argv, {}, () => '');
  expect(flag('--simm', '1')).toThrow(
    'there is no option --simm, did you mean --sim? --help lists them',
  );
  expect(flag('--confg', 'x')).toThrow('did you mean --config?');
});

test('the name of the gateway is promised to be nowhere but in messages', () => {
  expect(USAGE).toMatch(/--device NAME +name of this gateway in messages/);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/settings/config.ts';
import { editedText, entriesIn } from '../../../src/settings/yaml-text.ts';

const FILE = `# my car

# the adapter
obd: 'sim:' # plugged in
log:  info
eeg:
  # left
  - thinkgear+serial:///dev/rfcomm0
# the end
`;

function edited(text: string, changes: Readonly<Record<string, unknown>>): string {
  return editedText(text, new Map(Object.entries(changes)));
}

function valuesIn(text: string): Record<string, unknown> {
  return Object.fromEntries([...entriesIn('x', text)].map(({ key, value }) => [key, value()]));
}

test('a change is one line, and every other letter stays', () => {
  expect(edited(FILE, { obd: 'tcp://10.0.0.1:1' })).toBe(
    FILE.replace("'sim:'", 'tcp://10.0.0.1:1'),
  );
  expect(edited(FILE, { log: 'warn' })).toBe(FILE.replace('log:  info', 'log: warn'));
  expect(edited(FILE, { eeg: 'thinkgear+sim:' })).toBe(
    FILE.replace(/eeg:(.|\n)*rfcomm0/, 'eeg: "thinkgear+sim:"'),
  );
  expect(edited(FILE, { quota: 64 })).toBe(`${FILE}quota: 64\n`);
  expect(edited(FILE, { obd: null })).toBe(FILE.replace("obd: 'sim:' # plugged in\n", ''));
  expect(edited(FILE, { quota: null })).toBe(FILE);
  const windows = FILE.replaceAll('\n', '\r\n');
  expect(edited(windows, { log: 'warn' })).toBe(windows.replace('log:  info', 'log: warn'));
});

test.each([
  ['', 'log: warn\n'],
  ['# only words', '# only words\nlog: warn\n'],
  ['---\n', '---\nlog: warn\n'],
  ['\ufeff', '\ufeff\nlog: warn\n'],
  ['~\n', 'log: warn\n'],
  ['{}\n', '{ log: warn }\n'],
  ['{log: info, quota: 64}', '{log: warn, quota: 64}'],
  ['log: # nothing\n', 'log: warn # nothing\n'],
  ['log: |\n  info\nquota: 64\n', 'log: warn\nquota: 64\n'],
  ['? log\n: info\n', 'log: warn\n'],
  ['log: !!str info\n...\n', 'log: warn\n...\n'],
])('%j takes a setting', (text, expected) => {
  const result = edited(text, { log: 'warn' });
  expect(result).toBe(expected);
  expect(valuesIn(result)['log']).toBe('warn');
});

test('the last setting can be taken out', () => {
  expect(valuesIn(edited('log: info\n', { log: null }))).toEqual({});
  expect(valuesIn(edited('log: info\n', { quota: null }))).toEqual({ log: 'info' });
});

test('any value comes back as it was set, with the others as they were', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }).filter((text) => !/[\ud800-\udfff]/.test(text)),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.string({ minLength: 1 }), { maxLength: 4 }),
  );
  const keys = fc.constantFrom('obd', 'log', 'eeg', 'link', 'quota', 'requireTls');
  fc.assert(
    fc.property(fc.dictionary(keys, value), fc.dictionary(keys, fc.option(value)), (a, b) => {
      const first = edited(FILE, a);
      expect(valuesIn(first)).toEqual({ ...valuesIn(FILE), ...a });
      const kept = Object.entries({ ...valuesIn(first), ...b }).filter(([, one]) => one !== null);
      expect(valuesIn(edited(first, b))).toEqual(Object.fromEntries(kept));
    }),
    { numRuns: 200 },
  );
});

test('no fault of a file shows a URL that is in it: there may be a password in it', () => {
  const files = [
    'smtps://car:geheim@mail.example',
    'mail: smtps://car:geheim@mail.example:',
    'webhook: [https://x/geheim:]',
    'webhook:\n  - https://x/geheim:\n',
    'obd: https://x/geheim:\nlog: info\n',
    'mail: {smtps://geheim: 1}',
  ];
  for (const file of files) {
    let said = '';
    try {
      readConfig(['--config', 'x'], {}, () => file);
    } catch (error) {
      said = String(error);
    }
    expect(said, file).toContain('x line 1');
    expect(said, file).not.toContain('geheim');
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unknownOption } from '../../../src/settings/unknown-option.ts';

const OPTIONS = ['sim', 'speed', 'http', 'streams', 'config', 'json'];

const meant = (name: string): string | undefined =>
  /did you mean --(\w+)\?/.exec(unknownOption(`Unknown option '--${name}'`, OPTIONS) ?? '')?.[1];

test.each([
  ['simm', 'sim'],
  ['sin', 'sim'],
  ['jsno', 'json'],
  ['htpp', 'http'],
  ['stream', 'streams'],
  ['str', 'streams'],
  ['conf', 'config'],
  ['cnofgi', 'config'],
])('%s is like %s', (written, name) => {
  expect(meant(written)).toBe(name);
});

test.each(['colour', 'x', '', 'c', 'constructor', 'x'.repeat(1_000)])('%j is like none', (name) => {
  expect(meant(name)).toBeUndefined();
});

test('the sentence', () => {
  const said = (text: string) => unknownOption(text, OPTIONS);
  expect(said("Unknown option '-x'. To specify")).toBe('there is no option -x; --help lists them');
  const long = said(`Unknown option '--${'x'.repeat(1_000)}'`);
  expect(long).toBe(`there is no option --${'x'.repeat(40)}...; --help lists them`);
  expect(said("Option '--sim <value>' argument missing")).toBeUndefined();
  expect(said('')).toBeUndefined();
});

test('one slip anywhere in a long name leaves it recognizable', () => {
  const slip = fc.tuple(
    fc.constantFrom('speed', 'streams', 'config'),
    fc.nat(),
    fc.constantFrom('left out', 'doubled', 'changed', 'swapped'),
  );
  fc.assert(
    fc.property(slip, ([name, place, kind]) => {
      const i = place % name.length;
      const [before, letter, after] = [name.slice(0, i), name[i] ?? '', name.slice(i + 1)];
      const written = {
        'left out': before + after,
        doubled: before + letter + letter + after,
        changed: `${before}#${after}`,
        swapped: before + after.slice(0, 1) + letter + after.slice(1),
      }[kind];
      expect(OPTIONS.includes(written) ? written : meant(written)).toBe(name);
    }),
  );
});

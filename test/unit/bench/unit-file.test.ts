import { expect, test } from 'vitest';
import { startOf, UNIT } from '../../bench/unit-file.ts';

const TEXT = `[Service]
Environment=NODE_COMPILE_CACHE=/var/cache/vigil/node
Environment=A=1 B=x=y
# Environment=C=2
ExecStart=/opt/node --one=1 --two /opt/main.ts --data /var/lib/vigil
`;

test('flags of Node are told from those of the script, and variables from the cache', () => {
  expect(startOf(TEXT)).toStrictEqual({ flags: ['--one=1', '--two'], env: { A: '1', B: 'x=y' } });
});

test('a unit without flags has none', () => {
  expect(startOf('ExecStart=/opt/node /opt/main.ts\n')).toStrictEqual({ flags: [], env: {} });
});

test('a unit that starts something else is an error', () => {
  expect(() => startOf('ExecStart=/bin/true\n')).toThrow('no script');
});

test('the one of the gateway says how memory is to be used', () => {
  expect(UNIT.flags.join(' ')).toContain('--max-semi-space-size');
  expect(Object.keys(UNIT.env)).toContain('MALLOC_TRIM_THRESHOLD_');
});

import { expect, test } from 'vitest';
import { asJson, asTable } from '../../bench/report.ts';

const compared = {
  metric: 'requests',
  value: 4000,
  unit: 'requests/s',
  peer: { name: 'bare loop', value: 5000 },
  n: 9,
  goal: '>= 0.8x',
};
const alone = { metric: 'losses', value: 0, unit: 'values', n: 3 };

test('a line of JSON has every field, those without a peer as null', () => {
  expect(JSON.parse(asJson('elm', compared))).toStrictEqual({
    bench: 'elm',
    metric: 'requests',
    value: 4000,
    unit: 'requests/s',
    peer: 'bare loop',
    peerValue: 5000,
    ratio: 0.8,
    n: 9,
  });
  expect(JSON.parse(asJson('eeg', alone))).toMatchObject({
    peer: null,
    peerValue: null,
    ratio: null,
  });
});

test('a peer of zero has no ratio', () => {
  const idle = { ...compared, peer: { name: 'nothing', value: 0 } };
  expect(JSON.parse(asJson('elm', idle))).toMatchObject({ peerValue: 0, ratio: null });
});

test('the columns of a table begin, and those of numbers end, at the same place in every row', () => {
  const [head = '', first = '', second = ''] = asTable([
    { bench: 'elm', figure: compared },
    { bench: 'eeg', figure: alone },
  ]).split('\n');
  expect(first.indexOf('requests/s')).toBe(head.indexOf('unit'));
  expect(second.indexOf('values')).toBe(head.indexOf('unit'));
  expect(first.length).toBe(head.length);
  expect(second.length).toBe(head.length);
  expect(first).toContain('0.8x');
});

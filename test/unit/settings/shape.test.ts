import * as v from 'valibot';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../../src/settings/settings.ts';
import { shapeOf } from '../../../src/settings/shape.ts';

test('what a setting can be is told by what judges it', () => {
  const shapes = Object.entries(SETTINGS).map(([key, { schema }]) => [key, shapeOf(schema)]);
  expect(Object.fromEntries(shapes)).toMatchObject({
    device: { type: 'string' },
    obd: { type: 'string' },
    eeg: { type: 'array', items: { type: 'string' }, maxItems: 4 },
    sim: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
    quota: { type: 'integer', minimum: 16, maximum: 1_000_000 },
    registration: { type: 'string', enum: ['open', 'invite'] },
    requireTls: { type: 'boolean' },
  });
});

test('what is allowed at its limits is taken, and what is beyond is not', () => {
  let limits = 0;
  for (const [key, { schema }] of Object.entries(SETTINGS)) {
    const { minimum, maximum } = shapeOf(schema);
    if (typeof minimum !== 'number' || typeof maximum !== 'number') continue;
    limits++;
    const takes = (value: number): boolean => v.safeParse(schema, value).success;
    expect([minimum - 1, minimum, maximum, maximum + 1].map(takes), key).toEqual([
      ...[false, true, true, false],
    ]);
  }
  expect(limits).toBeGreaterThan(3);
});

test('each setting says what it is for, in a sentence', () => {
  for (const [key, { about }] of Object.entries(SETTINGS)) {
    expect(about, key).toMatch(/^[A-Z].*\.$/);
  }
});

import { expect, test } from 'vitest';
import { covers, isPattern } from '#core/stream.ts';

test.each<[pattern: string, id: string, means: boolean]>([
  ['obd.engine.rpm', 'obd.engine.rpm', true],
  ['obd.engine.*', 'obd.engine.rpm', true],
  ['obd.*', 'obd.engine.rpm', true],
  ['obd.*', 'obd', false],
  ['obd.*', 'obdx.engine', false],
  ['obd.engine', 'obd.engine.rpm', false],
  ['obd.engine.rpm', 'obd.engine', false],
])('%s covers %s: %s', (pattern, id, means) => {
  expect(covers(pattern, id)).toBe(means);
  expect(isPattern(pattern)).toBe(pattern.endsWith('*'));
});

import { expect, test } from 'vitest';
import { DATA_IDS } from '../../../../../src/sources/obd/uds/data-ids.ts';

test('identifiers are those of annex C.1, each once and with a name of its own', () => {
  const ids = DATA_IDS.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(new Set(DATA_IDS.map(({ name }) => name)).size).toBe(ids.length);
  for (const id of ids) expect(id === 0xff00 || (id >= 0xf180 && id <= 0xf19f)).toBe(true);
});

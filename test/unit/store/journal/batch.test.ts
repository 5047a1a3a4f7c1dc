import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBatch, definitionsOf, encodeBatch } from '../../../../src/store/journal/batch.ts';
import * as columns from '../codec/columns-arbitrary.ts';

const event = fc.record({
  t: fc.nat(2 ** 31 - 1),
  seq: fc.nat(0xffff),
  data: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
});

test('a batch comes back as it was, and defines each stream once', () => {
  const pieces = fc.array(columns.scalars, { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 5 }),
      pieces,
      fc.array(event),
      (numbers, some, events) => {
        const parts = numbers.map((number) => ({
          number,
          stream: columns.streamOf('sample', { id: `test.s${number}` }),
          columns: some,
          events: events.map((one) => ({ ...one, stream: number })),
        }));
        const defined = new Set<number>();
        const back = decodeBatch(encodeBatch(parts, defined));
        expect(
          back.map(({ number, columns: found, events: rows }) => ({ number, found, rows })),
        ).toEqual(
          parts.map(({ number, events: rows }) => ({
            number,
            found: some,
            rows: rows.map((row) => ({ ...row, data: JSON.parse(JSON.stringify(row.data)) })),
          })),
        );
        expect(definitionsOf(back).map(({ stream }) => stream)).toEqual(
          parts.map(({ stream }) => stream),
        );
        expect(definitionsOf(decodeBatch(encodeBatch(parts, defined)))).toEqual([]);
      },
    ),
  );
});

test('bytes that are no batch are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decodeBatch(bytes)).toThrow();
    }),
  );
});

import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockError } from '../../../../src/codec/block-error.ts';
import { ByteWriter } from '../../../../src/codec/varint.ts';
import { decodeBatch, definitionsOf, encodeBatch } from '../../../../src/store/journal/batch.ts';
import * as columns from '../../codec/columns-arbitrary.ts';

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
          events: events.map((one, i) => ({ ...one, stream: number, ordinal: 7 * number + i })),
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

test('a number in a batch makes no list by itself', () => {
  const lists: readonly (readonly number[])[] = [
    [Number.MAX_SAFE_INTEGER],
    [1, 7, 0, 2 ** 40],
    [1, 7, 0, 0, 2 ** 32],
  ];
  for (const numbers of lists) {
    const writer = new ByteWriter();
    for (const number of [1, ...numbers]) writer.varint(number);
    const decode = () => decodeBatch(zstdCompressSync(writer.written()));
    expect(decode).toThrow(BlockError);
    expect(decode).toThrow(`a list of ${numbers.at(-1)}`);
  }
});

test('events of a record of an earlier version have no places', () => {
  const writer = new ByteWriter();
  const json = Buffer.from('{"a":1}');
  // Version 1, 1 stream: number 7, no definition, no pieces, 1 event: t, seq, bytes, JSON.
  for (const number of [1, 1, 7, 0, 0, 1, 123_456, 3, json.length]) writer.varint(number);
  for (const byte of json) writer.byte(byte);
  const [part] = decodeBatch(zstdCompressSync(writer.written()));
  expect(part?.events).toEqual([
    { stream: 7, t: 123_456, seq: 3, ordinal: undefined, data: { a: 1 } },
  ]);
});

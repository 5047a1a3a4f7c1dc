import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/sim/random.ts';
import {
  encodeRecord,
  RECORD_HEADER_BYTES,
  scanSegment,
} from '../../../../src/store/journal/journal-record.ts';

const MAGIC = [0xe7, 0x56, 0x4a, 0x9d];
const PAYLOAD = Buffer.from('payload');
const SEGMENT_BYTES = 8 << 20;

const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 });

/** A segment with the records one behind the other from `seq`, over what was there before. */
function segment(
  contents: readonly Uint8Array[],
  seq = 1,
  before: Uint8Array = new Uint8Array(2000),
): Buffer {
  const bytes = Buffer.from(before);
  let at = 0;
  for (const [i, payload] of contents.entries()) {
    const record = encodeRecord(7, seq + i, payload);
    bytes.set(record, at);
    at += record.length;
  }
  return bytes;
}

function found(bytes: Uint8Array, after?: number): (readonly [number, string])[] {
  return scanSegment(bytes, after).records.map(({ seq, payload }) => [seq, hex(payload)]);
}

function expected(contents: readonly Uint8Array[], seq = 1): (readonly [number, string])[] {
  return contents.map((payload, i) => [seq + i, hex(payload)]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('encodeRecord', () => {
  test('writes the layout of the header comment', () => {
    // The CRC was computed by Python's zlib.
    const record = Buffer.from(encodeRecord(0x0102_0304, 0x0a0b_0c0d, Buffer.from('abc')));
    expect(record.toString('hex')).toBe('03000000d507d693040302010d0c0b0ae7564a9d616263');
  });

  test.each([
    [-1, 1],
    [2 ** 32, 1],
    [0.5, 1],
    [1, 0],
    [1, 2 ** 32],
  ])('refuses epoch %d with seq %d', (epoch, seq) => {
    expect(() => encodeRecord(epoch, seq, new Uint8Array())).toThrow(RangeError);
  });
});

describe('scanSegment', () => {
  test('finds what was written, and where the next goes', () => {
    fc.assert(
      fc.property(payloads, fc.integer({ min: 1, max: 4_294_967_000 }), (contents, seq) => {
        const bytes = segment(contents, seq);
        const { records, end, damaged } = scanSegment(bytes);
        expect(found(bytes)).toEqual(expected(contents, seq));
        expect(records.every(({ epoch }) => epoch === 7)).toBe(true);
        const length = contents.reduce((sum, { length }) => sum + RECORD_HEADER_BYTES + length, 0);
        expect([end, damaged]).toEqual([length, 0]);
      }),
    );
  });

  test('does not see what an earlier use of the segment left behind', () => {
    fc.assert(
      fc.property(payloads, payloads, (old, fresh) => {
        fc.pre(fresh.length > 0);
        const bytes = segment(fresh, 100, segment(old, 1));
        expect(found(bytes)).toEqual(expected(fresh, 100));
        expect(scanSegment(bytes).damaged).toBe(0);
      }),
    );
  });

  test('passes over what is sealed', () => {
    fc.assert(
      fc.property(payloads, fc.nat(15), (contents, after) => {
        const bytes = segment(contents);
        expect(found(bytes, after)).toEqual(expected(contents).slice(after));
        expect(scanSegment(bytes, after).damaged).toBe(0);
        if (after >= contents.length) expect(scanSegment(bytes, after).end).toBe(0);
      }),
    );
  });

  test('the last bytes of a segment are looked at as well', () => {
    const bytes = Buffer.concat([new Uint8Array(3), encodeRecord(7, 1, new Uint8Array())]);
    expect(found(bytes)).toEqual([[1, '']]);
    expect(scanSegment(bytes).end).toBe(bytes.length);
  });

  test('a last record that is cut off is noticed by what is left of it', () => {
    const [whole, fresh] = [encodeRecord(7, 1, Buffer.of(1)), encodeRecord(7, 2, Buffer.of(2))];
    const at = whole.length;
    for (const left of [RECORD_HEADER_BYTES, fresh.length - 1]) {
      const bytes = Buffer.concat([whole, fresh.subarray(0, left), new Uint8Array(30)]);
      expect(scanSegment(bytes)).toMatchObject({ end: at, cut: true });
    }
    // Left from an earlier use, or whole.
    expect(scanSegment(Buffer.concat([fresh, whole.subarray(0, -1)])).cut).toBe(false);
    expect(scanSegment(Buffer.concat([whole, fresh])).cut).toBe(false);
  });

  test('any bytes are scanned, and no records are made of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(scanSegment(bytes)).toEqual({ records: [], end: 0, damaged: 0, cut: false });
      }),
    );
  });
});

describe('damage', () => {
  test('a byte that flipped costs the record that it hit at most', () => {
    const byte = fc.nat(999);
    const change = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(payloads, payloads, byte, change, (old, fresh, at, mask) => {
        fc.pre(fresh.length > 0);
        const bytes = segment(fresh, 100, segment(old, 1));
        const { records, end } = scanSegment(bytes);
        const hit = records.findIndex(({ offset }, i) => {
          const next = records[i + 1]?.offset ?? end;
          return at >= offset && at < next;
        });
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const rest = expected(fresh, 100).filter((_, i) => i !== hit);
        expect(found(bytes, 99)).toEqual(rest);
        const inside = hit >= 0 && hit < fresh.length - 1;
        expect(scanSegment(bytes, 99).damaged).toBe(inside ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });

  test('a last record that was cut off anywhere is no damage', () => {
    const old = segment([Buffer.alloc(500, 3), Buffer.alloc(500, 4)], 1);
    const [first, second] = [Buffer.alloc(30, 1), Buffer.alloc(200, 2)];
    const whole = segment([first, second], 100, old);
    const from = RECORD_HEADER_BYTES + first.length;
    for (let cut = from; cut < from + RECORD_HEADER_BYTES + second.length; cut++) {
      const bytes = Buffer.concat([whole.subarray(0, cut), old.subarray(cut)]);
      expect(found(bytes)).toEqual(expected([first], 100));
      expect(scanSegment(bytes)).toMatchObject({ end: from, damaged: 0 });
    }
  });

  test('counts each damaged place once, and none that lost only what is sealed', () => {
    const contents = Array.from({ length: 9 }, (_, i) => Buffer.alloc(40, i));
    const bytes = segment(contents);
    for (const i of [0, 3, 4, 6]) bytes[i * 60 + 30] = 255;
    expect(found(bytes).map(([seq]) => seq)).toEqual([2, 3, 6, 8, 9]);
    expect(scanSegment(bytes).damaged).toBe(3);
    expect(scanSegment(bytes, 1).damaged).toBe(2);
    expect(scanSegment(bytes, 5).damaged).toBe(1);
    expect(scanSegment(bytes, 7).damaged).toBe(0);
  });

  test('a seq that was left out is no damage, also behind a damaged place', () => {
    const bytes = Buffer.concat([1, 2, 3, 5, 6, 9].map((seq) => encodeRecord(7, seq, PAYLOAD)));
    expect(scanSegment(bytes).damaged).toBe(0);
    bytes[PAYLOAD.length + 2 * RECORD_HEADER_BYTES] = 255;
    expect(found(bytes).map(([seq]) => seq)).toEqual([1, 3, 5, 6, 9]);
    expect(scanSegment(bytes).damaged).toBe(1);
  });

  test('the magic in a payload is no record, wherever it is', () => {
    const magics = Buffer.from(Array.from({ length: 20 }, () => MAGIC).flat());
    for (let shift = 0; shift < 4; shift++) {
      const contents = [magics.subarray(shift), magics.subarray(0, 30 + shift), magics];
      const bytes = segment(contents);
      expect(found(bytes)).toEqual(expected(contents));
      bytes[4] = (bytes[4] ?? 0) ^ 1;
      expect(found(bytes)).toEqual(expected(contents).slice(1));
    }
  });
});

describe('a full segment of garbage takes little time', () => {
  const random = seededRandom(3);
  const noise = Buffer.from(Array.from({ length: 1 << 16 }, () => random() * 256));
  /** A header every few bytes whose length leads far ahead, and whose CRC is wrong. */
  const headers = Buffer.alloc(20);
  headers.writeUInt32LE(4 << 20, 0);
  headers.writeUInt32LE(1000, 12);
  headers.set(MAGIC, 16);
  const short = Buffer.from(headers);
  short.writeUInt32LE(30, 0);
  const kinds: readonly (readonly [string, Buffer])[] = [
    ['zeros', Buffer.alloc(64)],
    ['noise', noise],
    ['first bytes of the magic', Buffer.alloc(64, MAGIC[0])],
    ['magics', Buffer.from(MAGIC)],
    ['headers of long records', headers],
    ['headers of short records', short],
  ];

  test.each(kinds)('%s', (_name, pattern) => {
    const bytes = Buffer.alloc(SEGMENT_BYTES, pattern);
    const start = performance.now();
    const { records } = scanSegment(bytes);
    const ms = performance.now() - start;
    expect(records).toEqual([]);
    // Some 5 to 35 ms on a PC; where every candidate is checked, the last two take minutes.
    expect(ms).toBeLessThan(1000);
  });

  test('what is behind it is told to be lost', () => {
    const bytes = Buffer.alloc(SEGMENT_BYTES, headers);
    expect(scanSegment(bytes).damaged).toBe(1);
  });
});

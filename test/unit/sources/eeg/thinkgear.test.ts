import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  HEADSET,
  type Row,
  RowDecoder,
  rawSample,
  ThinkGearFramer,
} from '../../../../src/sources/eeg/thinkgear.ts';

function packet(payload: ArrayLike<number>): number[] {
  const bytes = Array.from(payload);
  const sum = bytes.reduce((a, b) => a + b, 0);
  return [0xaa, 0xaa, bytes.length, ...bytes, ~sum & 0xff];
}

/** Pushes `bytes` in chunks of the given lengths, over and over. */
function frame(bytes: readonly number[], lengths: readonly number[] = [bytes.length || 1]) {
  const framer = new ThinkGearFramer();
  const payloads: number[][] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (lengths[i % lengths.length] ?? 1);
    framer.push(Uint8Array.from(bytes.slice(at, end)), (payload) => payloads.push([...payload]));
    at = end;
  }
  return { framer, payloads };
}

const payload = fc.uint8Array({ minLength: 0, maxLength: 169 });
const noise = fc.uint8Array({ maxLength: 400 });
const chunks = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });
/** Ends any false packet that noise may have begun, and begins none. */
const IDLE = new Array<number>(173).fill(0);

describe('the framer finds packets', () => {
  test('packets come out as they went in, however they are cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 20 }), chunks, (list, lengths) => {
        const { framer, payloads } = frame(list.flatMap(packet), lengths);
        expect(payloads).toEqual(list.map((bytes) => [...bytes]));
        expect(framer).toMatchObject({ skippedBytes: 0, badChecksums: 0, resyncs: 0 });
      }),
    );
  });

  test('the chunks of a noisy line make no difference', () => {
    const lines = fc.array(fc.oneof(payload.map(packet), noise.map(Array.from<number>)));
    fc.assert(
      fc.property(lines, chunks, (parts, lengths) => {
        const whole = frame(parts.flat());
        const cut = frame(parts.flat(), lengths);
        expect(cut.payloads).toEqual(whole.payloads);
        expect(cut.framer.skippedBytes).toBe(whole.framer.skippedBytes);
        expect(cut.framer.badChecksums).toBe(whole.framer.badChecksums);
      }),
    );
  });

  test('noise before a packet does not hide it', () => {
    fc.assert(
      fc.property(noise, payload, (junk, bytes) => {
        const { payloads } = frame([...junk, ...IDLE, ...packet(bytes)]);
        expect(payloads.at(-1)).toEqual([...bytes]);
      }),
    );
  });

  test('a packet inside a packet with a wrong checksum is found', () => {
    const inside = packet([0x80, 2, 1, 2]);
    for (let before = 0; before <= 169 - inside.length; before++) {
      const start = [0xaa, 0xaa, 169, ...new Array<number>(before).fill(1), ...inside];
      const { framer, payloads } = frame([...start, ...IDLE]);
      expect(payloads).toEqual([[0x80, 2, 1, 2]]);
      expect(framer.badChecksums).toBe(1);
    }
  });

  test('the packets after one that was cut off or damaged are all there', () => {
    const good = packet([0x80, 2, 3, 4]);
    for (let length = 0; length < good.length; length++) {
      const { payloads } = frame([...good.slice(0, length), ...good, ...good, ...IDLE]);
      expect(payloads).toHaveLength(2);
    }
    for (let at = 0; at < good.length; at++) {
      const damaged = good.with(at, (good[at] ?? 0) ^ 0x40);
      const { framer, payloads } = frame([...good, ...damaged, ...good, ...IDLE]);
      expect(payloads).toHaveLength(2);
      expect(framer.resyncs).toBeGreaterThanOrEqual(1);
    }
  });
});

describe('the framer keeps count', () => {
  test('a length of 170 is one more sync byte, and a greater one no packet', () => {
    const more = frame([0xaa, 0xaa, 0xaa, ...packet([4, 50])]);
    expect(more.payloads).toEqual([[4, 50]]);
    expect(more.framer).toMatchObject({ skippedBytes: 3, resyncs: 0 });
    const over = frame([0xaa, 0xaa, 171, ...packet([4, 50])]);
    expect(over.payloads).toEqual([[4, 50]]);
    expect(over.framer).toMatchObject({ skippedBytes: 3, badChecksums: 0 });
  });

  test('a packet that comes twice counts twice', () => {
    const { framer } = frame([...packet([4, 50]), ...packet([4, 50])]);
    expect(framer.packets).toBe(2);
  });

  test('every byte is part of a packet, skipped, or one of the few that wait', () => {
    const framer = new ThinkGearFramer();
    const random = new Uint8Array(10_000_000);
    let state = 1;
    for (let i = 0; i < random.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      // Half of all bytes are sync bytes: false starts everywhere.
      random[i] = state >>> 31 ? 0xaa : state >>> 20;
    }
    let packetBytes = 0;
    framer.push(random, ({ length }) => {
      packetBytes += length + 4;
    });
    const waiting = random.length - packetBytes - framer.skippedBytes;
    expect(framer.badChecksums).toBeGreaterThan(100_000);
    expect(waiting).toBeGreaterThanOrEqual(0);
    expect(waiting).toBeLessThanOrEqual(172);
  });

  test('a new connection does not complete the packet of the last one', () => {
    const framer = new ThinkGearFramer();
    const seen: number[][] = [];
    const bytes = Uint8Array.from(packet([4, 50]));
    framer.push(bytes.subarray(0, 4), (p) => seen.push([...p]));
    framer.reset();
    framer.push(bytes.subarray(4), (p) => seen.push([...p]));
    framer.push(bytes, (p) => seen.push([...p]));
    expect(seen).toEqual([[4, 50]]);
  });
});

function decode(bytes: readonly number[]) {
  const decoder = new RowDecoder();
  const rows: Row[] = [];
  decoder.decode(Uint8Array.from(bytes), (row) => rows.push(row));
  return { rows, overflows: decoder.rowOverflows, unknown: decoder.unknownRows };
}

const FLOATS = [
  [0x3f, 0x80, 0, 0],
  [0xc0, 0, 0, 0],
  ...new Array<number[]>(6).fill([0, 0, 0, 0]),
].flat();
const U24S = [1, 2, 3, 0xff, 0xff, 0xff, ...new Array<number>(18).fill(0)];

// biome-ignore format: one row a line: name, bytes, meaning
const ROWS: readonly (readonly [string, readonly number[], Row])[] = [
  ['poor signal',      [0x02, 200],             { kind: 'poorSignal', v: 200 }],
  ['heart rate',       [0x03, 72],              { kind: 'heartRate', v: 72 }],
  ['attention',        [0x04, 100],             { kind: 'attention', v: 100 }],
  ['meditation',       [0x05, 0],               { kind: 'meditation', v: 0 }],
  ['8-bit sample',     [0x06, 255],             { kind: 'raw8', v: 255 }],
  ['section mark',     [0x07, 0],               { kind: 'rawMarker', v: 0 }],
  ['blink',            [0x16, 37],              { kind: 'blink', v: 37 }],
  ['sample',           [0x80, 2, 0x01, 0x02],   { kind: 'raw', v: 258 }],
  ['least sample',     [0x80, 2, 0x80, 0x00],   { kind: 'raw', v: -32_768 }],
  ['sample -1',        [0x80, 2, 0xff, 0xff],   { kind: 'raw', v: -1 }],
  ['float powers',     [0x81, 32, ...FLOATS],   { kind: 'bands', v: [1, -2, 0, 0, 0, 0, 0, 0] }],
  ['24-bit powers',    [0x83, 24, ...U24S],     { kind: 'bands', v: [66_051, 0xff_ffff, 0, 0, 0, 0, 0, 0] }],
  ['beat interval',    [0x86, 2, 0x03, 0x20],   { kind: 'rrInterval', v: 800 }],
  ['connected',        [0xd0, 2, 0x12, 0x34],   { kind: 'headset', v: HEADSET.connected, device: 0x1234 }],
  ['not found',        [0xd1, 2, 0x12, 0x34],   { kind: 'headset', v: HEADSET.notFound, device: 0x1234 }],
  ['none found',       [0xd1, 0],               { kind: 'headset', v: HEADSET.notFound, device: undefined }],
  ['disconnected',     [0xd2, 2, 0x12, 0x34],   { kind: 'headset', v: HEADSET.disconnected, device: 0x1234 }],
  ['denied',           [0xd3, 0],               { kind: 'headset', v: HEADSET.denied, device: undefined }],
  ['standby',          [0xd4, 1, 0],            { kind: 'headset', v: HEADSET.standby, device: undefined }],
  ['scanning',         [0xd4, 1, 1],            { kind: 'headset', v: HEADSET.scanning, device: undefined }],
];

describe('RowDecoder', () => {
  test.each(ROWS)('decodes: %s', (_, bytes, row) => {
    expect(decode(bytes)).toEqual({ rows: [row], overflows: 0, unknown: 0 });
  });

  test('a payload may hold any number of rows', () => {
    const all = ROWS.filter(([, bytes]) => bytes.length < 10);
    expect(decode(all.flatMap(([, bytes]) => bytes)).rows).toEqual(all.map(([, , row]) => row));
  });

  test('codes above 0x7F without a length lose the rest of their payload and nothing else', () => {
    expect(decode([0xba, 0x04])).toEqual({ rows: [], overflows: 1, unknown: 0 });
    expect(decode([0x04, 50, 0xbc, 0x04])).toMatchObject({ rows: [{ v: 50 }], overflows: 1 });
  });

  test.each([
    ['code without value', [0x04]],
    ['code without length', [0x80]],
    ['value cut off', [0x80, 2, 1]],
    ['level without code', [0x55, 0x55]],
  ])('a row longer than its payload is counted: %s', (_, bytes) => {
    expect(decode(bytes)).toEqual({ rows: [], overflows: 1, unknown: 0 });
  });

  test.each([
    ['unknown code with one byte', [0x30, 9]],
    ['unknown code with a length', [0xb3, 3, 1, 2, 3]],
    ['known code of another level', [0x55, 0x04, 9]],
    ['sample of three bytes', [0x80, 3, 1, 2, 3]],
  ])('what is not known is skipped, and what follows it decoded: %s', (_, bytes) => {
    const after = [0x04, 50];
    expect(decode([...bytes, ...after])).toMatchObject({ rows: [{ v: 50 }], unknown: 1 });
  });

  test('no payload makes it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 169 }), (bytes) => void decode([...bytes])));
  });
});

test('the short cut for single samples agrees with the decoder', () => {
  fc.assert(
    fc.property(fc.integer({ min: -32_768, max: 32_767 }), (v) => {
      const bytes = [0x80, 2, (v >> 8) & 0xff, v & 0xff];
      expect(rawSample(Uint8Array.from(bytes))).toBe(v);
      expect(decode(bytes).rows).toEqual([{ kind: 'raw', v }]);
    }),
  );
  expect(rawSample(Uint8Array.of(0x80, 2, 1, 2, 4, 50))).toBeUndefined();
  expect(rawSample(Uint8Array.of(4, 50))).toBeUndefined();
});

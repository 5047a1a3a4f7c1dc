import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readLog, rowOf } from '../../../../support/can-log.ts';

const START = new Date(2025, 10, 22, 0, 29, 12, 123).getTime() * 1000;

function header({ size = 144, year = 2025 } = {}): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.write('LOGG');
  bytes.writeUInt32LE(size, 4);
  const start = [year, 11, 6, 22, 0, 29, 12, 123];
  for (const [i, field] of start.entries()) bytes.writeUInt16LE(field, 40 + i * 2);
  return bytes;
}

interface Shape {
  readonly type: number;
  readonly body: Uint8Array;
  readonly us?: number;
  readonly version?: 1 | 2;
  /** Units of 10 us in place of ns. */
  readonly coarse?: boolean;
  readonly padding?: number;
}

function object({ type, body, us = 0, version = 1, coarse = false, padding }: Shape): Buffer {
  const head = Buffer.alloc(version === 1 ? 32 : 40);
  head.write('LOBJ');
  head.writeUInt16LE(head.length, 4);
  head.writeUInt16LE(version, 6);
  head.writeUInt32LE(head.length + body.length, 8);
  head.writeUInt32LE(type, 12);
  head.writeUInt32LE(coarse ? 1 : 2, 16);
  head.writeBigUInt64LE(coarse ? BigInt(us) / 10n : BigInt(us) * 1000n, 24);
  return Buffer.concat([head, body, Buffer.alloc(padding ?? body.length % 4)]);
}

function container(content: Uint8Array, stored = false): Buffer {
  const data = stored ? content : deflateSync(content);
  const head = Buffer.alloc(32);
  head.write('LOBJ');
  head.writeUInt16LE(16, 4);
  head.writeUInt16LE(1, 6);
  head.writeUInt32LE(32 + data.length, 8);
  head.writeUInt32LE(10, 12);
  head.writeUInt16LE(stored ? 0 : 2, 16);
  head.writeUInt32LE(content.length, 24);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 4)]);
}

/** What a CAN_MESSAGE is about. */
function message({ channel = 1, flags = 0, dlc = 2, id = 0x123, data = '1122' } = {}): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(channel, 0);
  body.writeUInt8(flags, 2);
  body.writeUInt8(dlc, 3);
  body.writeUInt32LE(id, 4);
  body.write(data, 8, 'hex');
  return body;
}

function fd(flags: number, id = 0x123): Buffer {
  const body = Buffer.alloc(84);
  body.writeUInt16LE(3, 0);
  body.writeUInt8(2, 3);
  body.writeUInt32LE(id, 4);
  body.writeUInt8(flags, 13);
  body.writeUInt8(2, 14);
  body.write('1122', 20, 'hex');
  return body;
}

function fd64(flags: number): Buffer {
  const body = Buffer.alloc(42);
  body.writeUInt8(4, 0);
  body.writeUInt8(2, 1);
  body.writeUInt8(2, 2);
  body.writeUInt32LE(0x98da_f110, 4);
  body.writeUInt32LE(flags, 12);
  body.write('3344', 40, 'hex');
  return body;
}

function read(...parts: readonly Uint8Array[]) {
  return readLog(Buffer.concat([header(), ...parts]));
}

const ROW = [START, 'can1', 0x123, false, '1122'];
const GOOD = object({ type: 1, body: message() });

test.each([
  ['CAN_MESSAGE', GOOD, ROW],
  ['CAN_MESSAGE2', object({ type: 86, body: Buffer.concat([message(), Buffer.alloc(8)]) }), ROW],
  ['the second header', object({ type: 1, body: message(), version: 2 }), ROW],
  [
    'units of 10 us',
    object({ type: 1, body: message(), us: 70, coarse: true }),
    [START + 70, ...ROW.slice(1)],
  ],
  [
    'a year later',
    object({ type: 1, body: message(), us: 3.2e13 }),
    [START + 3.2e13, ...ROW.slice(1)],
  ],
  [
    'another channel',
    object({ type: 1, body: message({ channel: 12 }) }),
    [START, 'can12', ...ROW.slice(2)],
  ],
  [
    '29 bits',
    object({ type: 1, body: message({ id: 0x98da_f110 }) }),
    [START, 'can1', 0x18da_f110, true, '1122'],
  ],
  [
    'a length code of 15',
    object({ type: 1, body: message({ dlc: 15, data: '0011223344556677' }) }),
    [START, 'can1', 0x123, false, '0011223344556677'],
  ],
  [
    'a classical frame as CAN_FD_MESSAGE',
    object({ type: 100, body: fd(0) }),
    [START, 'can3', ...ROW.slice(2)],
  ],
  [
    'a classical frame as CAN_FD_MESSAGE_64',
    object({ type: 101, body: fd64(0x2000_0000) }),
    [START, 'can4', 0x18da_f110, true, '3344'],
  ],
  ['a remote frame', object({ type: 1, body: message({ flags: 0x80 }) }), { remote: 1 }],
  ['a remote CAN_FD_MESSAGE_64', object({ type: 101, body: fd64(0x10) }), { remote: 1 }],
  ['CAN_FD_MESSAGE', object({ type: 100, body: fd(1) }), { fd: 1 }],
  ['CAN_FD_MESSAGE_64', object({ type: 101, body: fd64(0x1000) }), { fd: 1 }],
  ['CAN_ERROR', object({ type: 2, body: Buffer.alloc(8) }), { errorFrames: 1 }],
  ['CAN_ERROR_EXT', object({ type: 73, body: Buffer.alloc(32) }), { errorFrames: 1 }],
  ['APP_TEXT', object({ type: 65, body: Buffer.alloc(33) }), { other: 1 }],
  ['a restore point', object({ type: 115, body: Buffer.alloc(77), padding: 0 }), { other: 1 }],
])('%s', (_, bytes, what) => {
  const none = { remote: 0, fd: 0, errorFrames: 0, other: 0, malformed: 0, faults: [] };
  const rows = Array.isArray(what) ? [what] : [];
  const counts = Array.isArray(what) ? none : { ...none, ...what };
  for (const parts of [[container(bytes)], [container(bytes, true)], [bytes]]) {
    const { frames, tally } = read(...parts);
    expect(frames.map(rowOf)).toEqual(rows);
    expect({ ...tally }).toEqual(counts);
    const between = read(container(Buffer.concat([GOOD, bytes, GOOD])));
    expect(between.frames.map(rowOf)).toEqual([ROW, ...rows, ROW]);
  }
});

test('objects go on from one into the next, cut anywhere', () => {
  const us = [0, 1, 2, 3, 4];
  const content = Buffer.concat(us.map((t) => object({ type: 1, body: message(), us: t })));
  for (let cut = 0; cut <= content.length; cut++) {
    const { frames, tally } = read(
      container(content.subarray(0, cut)),
      container(content.subarray(cut)),
    );
    expect(frames.map(({ t }) => t - START)).toEqual(us);
    expect(tally.faults).toEqual([]);
  }
});

test('padding of any kind between objects', () => {
  for (const padding of [0, 1, 2, 3, 4, 7]) {
    const one = object({ type: 1, body: message(), padding });
    const { frames, tally } = read(container(Buffer.concat([one, one, one])));
    expect(frames).toHaveLength(3);
    expect(tally.faults).toEqual([]);
  }
});

test('a damaged one is left out, and the next one read', () => {
  const bad = container(GOOD);
  bad.fill(0xff, 34, 44);
  const { frames, tally } = read(container(GOOD), bad, container(GOOD));
  expect(frames).toHaveLength(2);
  expect(tally.faults).toEqual([
    `byte ${144 + container(GOOD).length}: a container that cannot be decompressed`,
  ]);
});

test('one by a method that is not known', () => {
  const bad = container(GOOD);
  bad.writeUInt16LE(7, 16);
  const { frames, tally } = read(bad, container(GOOD));
  expect(frames).toHaveLength(1);
  expect(tally.faults).toEqual(['byte 144: a container by an unknown method 7']);
});

test('one that becomes larger than any is', () => {
  const { frames, tally } = read(container(Buffer.alloc(17 * 1024 * 1024)), container(GOOD));
  expect(frames).toHaveLength(1);
  expect(tally.faults).toEqual(['byte 144: a container that cannot be decompressed']);
});

test('bytes that are no object are passed over', () => {
  const { frames, tally } = read(container(GOOD), Buffer.alloc(1_000, 0x4c), container(GOOD));
  expect(frames).toHaveLength(2);
  // The padding of the container is not known from them.
  expect(tally.faults).toEqual([
    expect.stringMatching(/^byte 2\d\d: 100\d bytes that are no object$/),
  ]);
});

test('objects without a size, or with one beyond reason', () => {
  for (const size of [0, 15, 5_000_000, 0xffff_ffff]) {
    const bad = Buffer.from(GOOD);
    bad.writeUInt32LE(size, 8);
    const { frames, tally } = read(container(Buffer.concat([bad, GOOD])));
    expect(frames).toHaveLength(1);
    expect(tally.faults[0]).toBe(`contained byte 0: an object of ${size} bytes`);
  }
});

test.each([
  [message({ id: 0x800 }), 'no identifier: 800'],
  [message({ id: 0xa000_0000 }), 'no identifier: 20000000'],
  [message().subarray(0, 7), 'an object too short'],
  [message().subarray(0, 9), 'an object too short'],
])('a broken message', (body, what) => {
  const { frames, tally } = read(container(Buffer.concat([object({ type: 1, body }), GOOD])));
  expect(frames).toHaveLength(1);
  expect(tally.faults).toEqual([`contained byte 0: ${what}`]);
});

test('a file that is cut off is read as far as it goes, wherever that is', () => {
  const us = Array.from({ length: 40 }, (_, i) => i);
  const contents = [us.slice(0, 20), us.slice(20)].map((times) =>
    Buffer.concat(
      times.map((t) => object({ type: 1, body: message({ id: (t * 37) % 0x7ff }), us: t })),
    ),
  );
  const whole = Buffer.concat([header(), ...contents.map((content) => container(content))]);
  const second = 144 + container(contents[0] ?? Buffer.alloc(0)).length;
  let most = 0;
  for (let end = 4; end < whole.length; end++) {
    const { frames, tally } = readLog(whole.subarray(0, end));
    const times = frames.map(({ t }) => t - START);
    expect(times).toEqual(us.slice(0, times.length));
    if (end >= second) expect(times.length).toBeGreaterThanOrEqual(20);
    if (end > second + 20 && end < whole.length - 4) {
      expect(tally.faults[0]).toBe(`byte ${second}: the file ends in the middle of an object`);
      most = Math.max(most, times.length);
    }
  }
  expect(most).toBeGreaterThan(25);
});

test('headers of other sizes, and without a date', () => {
  const rowsOf = (head: Buffer) =>
    readLog(Buffer.concat([head, container(GOOD)])).frames.map(({ t }) => t);
  expect(rowsOf(header({ size: 200 }))).toEqual([START]);
  expect(rowsOf(header({ year: 0 }))).toEqual([0]);
  const wrong = header();
  wrong.writeUInt32LE(0xffff_ffff, 4);
  expect(rowsOf(wrong)).toEqual([START]);
});

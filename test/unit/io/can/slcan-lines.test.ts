import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CanFrame } from '../../../../src/io/can/bus.ts';
import { frameLine, SlcanReader } from '../../../../src/io/can/slcan-lines.ts';

/** What a reader says of bytes that come in these pieces. */
function read(...pieces: readonly (string | Uint8Array)[]): unknown[] {
  const said: unknown[] = [];
  const reader = new SlcanReader({
    frame: ({ id, extended, data }, stampMs) => {
      const bytes = Buffer.from(data).toString('hex');
      said.push([extended ? 'T' : 't', id, bytes, ...(stampMs === undefined ? [] : [stampMs])]);
    },
    remote: () => void said.push('remote'),
    fd: () => void said.push('fd'),
    answer: (answer) =>
      void said.push(answer.kind === 'text' ? `text ${answer.text}` : answer.kind),
    malformed: () => void said.push('malformed'),
  });
  for (const piece of pieces) {
    reader.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  }
  return said;
}

const frames: fc.Arbitrary<CanFrame> = fc
  .record({
    extended: fc.boolean(),
    bits: fc.integer({ min: 0, max: 0x1fff_ffff }),
    data: fc.uint8Array({ maxLength: 8 }),
  })
  .map(({ extended, bits, data }) => ({ extended, id: extended ? bits : bits & 0x7ff, data }));

test('frames of both kinds are read, with and without a stamp', () => {
  expect(read('t7E8403410C0F\r')).toEqual([['t', 0x7e8, '03410c0f']]);
  expect(read('t0000\r')).toEqual([['t', 0, '']]);
  expect(read('t7FF1FFEA5F\r')).toEqual([['t', 0x7ff, 'ff', 59_999]]);
  expect(read('T18DAF110803410CBE1FA81355\r')).toEqual([['T', 0x18daf110, '03410cbe1fa81355']]);
  expect(read('T1fffffff1aB0000\r')).toEqual([['T', 0x1fff_ffff, 'ab', 0]]);
});

test.each([
  ['no length', 't7E8\r'],
  ['fewer bytes than its length', 't7E8803410C0FA0\r'],
  ['a length of more than 8', 't7E89000000000000000000\r'],
  ['a digit that is none', 't7E82AG00\r'],
  ['a digit too few', 't7E820A0\r'],
  ['a stamp that is none', 't7E8000G0\r'],
  ['an identifier of more than 29 bits', 'T200000000\r'],
  ['one of more than 11 bits', 't8000\r'],
  ['a remote frame without a length', 'r7E8\r'],
  ['a byte that is no character', 'V10\xff3\r'],
])('%s is no line', (_, line) => expect(read(line)).toEqual(['malformed']));

test('remote frames, CAN FD frames and answers are told apart', () => {
  expect(read('r7E88\r', 'R18DAF1100\r', 'r00080123\r')).toEqual(['remote', 'remote', 'remote']);
  expect(read(`d1239${'00'.repeat(12)}\r`, `B18DAF110F${'00'.repeat(64)}1234\r`)).toEqual([
    'fd',
    'fd',
  ]);
  expect(read('\r', 'z\r', 'Z\r', '\x07')).toEqual(['done', 'done', 'done', 'refused']);
  expect(read('V1013\r', 'F20\r', 'b158aa7 https://example.org/firmware\r')).toEqual([
    'text V1013',
    'text F20',
    'text b158aa7 https://example.org/firmware',
  ]);
});

test('lines may end with two characters, and zeros are noise', () => {
  expect(read('\0t1231AB\r\n\0V1013\r\n')).toEqual([['t', 0x123, 'ab'], 'text V1013']);
});

test('a bell cuts off the line it comes in', () => {
  expect(read('t123\x07t1230\r')).toEqual(['malformed', 'refused', ['t', 0x123, '']]);
});

test('a line that is too long is passed over to its end, and takes no memory', () => {
  const line = `V${'x'.repeat(191)}`;
  expect(read(`${line}\r`)).toEqual([`text ${line}`]);
  expect(read(line, 'x'.repeat(1_000_000), '\r', 't1230\r')).toEqual([
    'malformed',
    ['t', 0x123, ''],
  ]);
});

test('what is written is what is read, however it is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(frames), fc.array(fc.nat(400)), (list, cuts) => {
      const bytes = Buffer.from(list.map((frame) => `${frameLine(frame)}\r`).join(''), 'latin1');
      const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort(
        (a, b) => a - b,
      );
      const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
      expect(read(...pieces)).toEqual(
        list.map(({ id, extended, data }) => [
          extended ? 'T' : 't',
          id,
          Buffer.from(data).toString('hex'),
        ]),
      );
    }),
  );
});

test('whatever comes, a line behind it is read', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), frames, (noise, frame) => {
      const said = read(...noise, '\r', `${frameLine(frame)}\r`);
      expect(said.at(-1)).toEqual([
        frame.extended ? 'T' : 't',
        frame.id,
        Buffer.from(frame.data).toString('hex'),
      ]);
    }),
  );
});

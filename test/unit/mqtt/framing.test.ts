import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PUSH_BYTES_MAX } from '#core/mqtt-limits.ts';
import { Framing } from '../../../src/mqtt/framing.ts';
import { INGEST_PACKET_BYTES_MAX } from '../../../src/mqtt/limits.ts';
import { packet, remainingLength } from '../../support/mqtt-packets.ts';

const framing = (large = '') => new Framing((topic) => topic === large);
const CONNECT = packet(0x10, Buffer.alloc(20));

/** A framing that has had its CONNECT. */
function connected(large?: string): Framing {
  const one = framing(large);
  expect(one.take(CONNECT)).toBeUndefined();
  return one;
}

const publish = (topic: string, length: number) =>
  packet(
    0x30,
    Buffer.concat([
      Buffer.from([0, topic.length]),
      Buffer.from(topic),
      Buffer.alloc(length - topic.length - 2),
    ]),
  );

test.each([
  ['the length of a CONNECT', 0x10, 4 * 1024],
  ['of a SUBSCRIBE', 0x82, 64 * 1024],
  ['of an UNSUBSCRIBE', 0xa2, 64 * 1024],
  ['of a PUBLISH where nothing is taken in', 0x30, 64 * 1024],
])('%s has a limit, which is told by the length alone', (_, first, max) => {
  const [most, more] = first === 0x10 ? [framing(), framing()] : [connected(), connected()];
  const head = [0, 1, 97];
  expect(most.take(Buffer.from([first, ...remainingLength(max), ...head]))).toBeUndefined();
  const fault = more.take(Buffer.from([first, ...remainingLength(max + 1), ...head]));
  expect(fault).toMatchObject({ code: 'TOO_LARGE' });
  expect(fault?.message).toContain(String(max + 1));
});

test('a PUBLISH goes where data is taken in up to the longest push and a little, and nowhere else', () => {
  const max = INGEST_PACKET_BYTES_MAX;
  expect(max).toBeGreaterThan(PUSH_BYTES_MAX);
  expect(connected('in').take(publish('in', max))).toBeUndefined();
  expect(connected('in').take(publish('in', max + 1))).toMatchObject({ code: 'TOO_LARGE' });
  expect(connected('in').take(publish('in/a', max))).toMatchObject({ code: 'TOO_LARGE' });
});

test('a large PUBLISH with a topic longer than any is not waited for', () => {
  const bytes = Buffer.from([0x30, ...remainingLength(100_000), 1, 1]);
  expect(connected().take(bytes)).toMatchObject({ code: 'TOO_LARGE' });
});

test.each([
  ['no CONNECT first', publish('a', 10), false],
  ['a second CONNECT', CONNECT, true],
  ['type 0', Buffer.from([0x00, 0]), true],
  ['type 15', Buffer.from([0xf0, 0]), true],
  ['a CONNACK', Buffer.from([0x20, 2, 0, 0]), true],
  ['a PUBACK without an identifier', Buffer.from([0x40, 0]), true],
  ['a PUBREL that is too long', Buffer.from([0x62, 3, 0, 1, 0]), true],
  ['a PINGREQ with a body', Buffer.from([0xc0, 1, 0]), true],
  ['a SUBSCRIBE without a filter', Buffer.from([0x82, 2, 0, 1]), true],
  ['a remaining length of five bytes', Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1]), true],
])('%s is malformed', (_, bytes, isConnected) => {
  const one = isConnected ? connected() : framing();
  expect(one.take(bytes)).toMatchObject({ code: 'MALFORMED' });
});

test('what follows a large packet is looked at again', () => {
  const one = connected('in');
  expect(one.take(publish('in', 100_000))).toBeUndefined();
  expect(one.take(Buffer.from([0xc0, 0]))).toBeUndefined();
  expect(one.take(publish('out', 100_000))).toMatchObject({ code: 'TOO_LARGE' });
});

test('it says the same wherever the bytes are cut', () => {
  const packets = fc.array(
    fc.oneof(
      fc.constantFrom(Buffer.from([0xc0, 0]), Buffer.from([0x40, 2, 0, 1]), publish('in', 70_000)),
      fc.integer({ min: 3, max: 400 }).map((length) => publish('a', length)),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 8 },
  );
  const cuts = fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 8 });
  void fc.assert(
    fc.property(packets, cuts, (all, sizes) => {
      const bytes = Buffer.concat([CONNECT, ...all]);
      const whole = framing('in').take(bytes);
      const one = framing('in');
      let fault: ReturnType<Framing['take']>;
      for (let at = 0, i = 0; at < bytes.length && !fault; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        fault = one.take(bytes.subarray(at, at + size));
        at += size;
      }
      expect(fault?.message).toBe(whole?.message);
    }),
  );
});

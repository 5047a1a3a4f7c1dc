import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameCounter } from '../../bench/frame-counter.ts';

const TEXT = 0x81;
const PING = 0x89;

/** An unmasked frame as servers send it (RFC 6455 clause 5.2). */
function frame(first: number, length: number): Buffer {
  const head = Buffer.alloc(length < 126 ? 2 : length < 0x1_0000 ? 4 : 10);
  head[0] = first;
  head[1] = length < 126 ? length : length < 0x1_0000 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  // A payload that looks like headers, so that a counter out of step counts wrong.
  return Buffer.concat([head, Buffer.alloc(length, TEXT)]);
}

test('messages of every length are counted once, however the bytes are cut', () => {
  const length = fc.oneof(fc.nat(200), fc.constantFrom(0, 125, 126, 127, 0xffff, 0x1_0000));
  const lengths = fc.array(length, { maxLength: 8 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 5000 }), (sizes, cut) => {
      const bytes = Buffer.concat(sizes.map((size) => frame(TEXT, size)));
      const counter = new FrameCounter();
      let messages = 0;
      for (let at = 0; at < bytes.length; at += cut) {
        messages += counter.push(bytes.subarray(at, at + cut));
      }
      expect(messages).toBe(sizes.length);
    }),
    { numRuns: 50 },
  );
});

test('a ping is no message, and is told of', () => {
  let pings = 0;
  const counter = new FrameCounter(() => pings++);
  expect(counter.push(Buffer.concat([frame(PING, 4), frame(TEXT, 4), frame(PING, 0)]))).toBe(1);
  expect(pings).toBe(2);
});

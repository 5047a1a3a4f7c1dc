import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IsoTpAddress } from '../../../../../src/sources/obd/isotp/address.ts';
import { createPair, finish, hex, message, TESTER } from './ends.ts';

const id = (value: number, extended: boolean) => ({ id: value, extended });
const ADDRESSES: readonly IsoTpAddress[] = [
  TESTER,
  { tx: id(0x18da10f1, true), rx: id(0x18daf110, true) },
  { tx: id(0x6f1, false), rx: id(0x612, false), txPrefix: 0x12, rxPrefix: 0xf1 },
  { tx: id(0x18ce10f1, true), rx: id(0x18cef110, true), txPrefix: 0x05, rxPrefix: 0x05 },
];

const separation = fc.constantFrom(0, 1, 5, 20, 0xf1, 0xf9, 0x80, 0xfa);
const padding = fc.oneof(fc.constant('none' as const), fc.integer({ min: 0, max: 255 }));
const delay = fc.constantFrom(undefined, 0, 0.2, 2);

test('every message arrives, whatever its length, addressing, flow control and padding', async () => {
  const length = fc.oneof(
    fc.integer({ min: 1, max: 150 }),
    fc.constantFrom(6, 7, 8, 4095, 4096, 5000),
  );
  const end = fc.record({
    blockSize: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
    stMin: separation,
    padding,
  });
  const setting = fc.record({
    address: fc.constantFrom(...ADDRESSES),
    ends: fc.tuple(end, end),
    delayMs: delay,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(length, { minLength: 1, maxLength: 3 }),
      setting,
      async (lengths, s) => {
        const [a, b] = s.ends.map((own) => ({
          flow: { blockSize: own.blockSize, stMin: lengths.some((n) => n > 500) ? 0 : own.stMin },
          padding: own.padding,
          messageBytesMax: 5000,
        }));
        const pair = createPair({
          address: s.address,
          ...(a ? { a } : {}),
          ...(b ? { b } : {}),
          ...(s.delayMs === undefined ? {} : { delayMs: s.delayMs }),
        });
        for (const n of lengths) {
          // Both ways at once.
          const work = Promise.all([
            pair.a.send(message(n)),
            pair.b.send(message(n + 1 > 5000 ? n : n + 1)),
          ]);
          await finish(pair.clock, work);
        }
        await pair.clock.advance(10);
        expect(pair.failures).toEqual([]);
        expect(pair.heard.b.map(hex)).toEqual(lengths.map((n) => hex(message(n))));
        expect(pair.heard.a.map((pdu) => pdu.length)).toEqual(
          lengths.map((n) => Math.min(n + 1, 5000)),
        );
        expect(pair.clock.sleepers).toBe(0);
        expect(pair.a.counters).toMatchObject({ dropped: 0, timeouts: 0, strayFlow: 0 });
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test('the longest message keeps its separation time', async () => {
  const pair = createPair({ b: { flow: { blockSize: 7, stMin: 1 } } });
  await finish(pair.clock, pair.a.send(message(4095)));
  expect(pair.heard.b.map(hex)).toEqual([hex(message(4095))]);
});

test('a message that is too long for the other end is told so to its sender', async () => {
  const pair = createPair({ b: { messageBytesMax: 50 } });
  await expect(pair.a.send(message(51))).rejects.toMatchObject({ code: 'N_BUFFER_OVFLW' });
  expect(pair.failures).toEqual(['N_BUFFER_OVFLW']);
  await pair.a.send(message(50));
  expect(pair.heard.b.map(hex)).toEqual([hex(message(50))]);
});

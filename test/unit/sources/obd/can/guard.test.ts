import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BusHealth, CanFrame } from '../../../../../src/io/can/bus.ts';
import { Guard } from '../../../../../src/sources/obd/can/guard.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { isOnTheList } from './allow-list.ts';
import { ScriptedBus } from './scripted-bus.ts';

const HEALTHY = new ScriptedBus(new FakeClock()).health();

/** A frame as text: `7df 02 01 0c`, filled up to 8 bytes with `pad`. */
function frame(text: string, pad = 0x55): CanFrame {
  const [name = '', ...bytes] = text.split(' ');
  const data = new Uint8Array(8).fill(pad);
  data.set(bytes.map((byte) => Number.parseInt(byte, 16)));
  return { id: Number.parseInt(name, 16), extended: name.length > 3, data };
}

function guarded(ratePerS = 10) {
  const clock = new FakeClock();
  const guard = new Guard({ ratePerS, clock });
  const ask = (text: string, health: Partial<BusHealth> = {}) =>
    guard.permit(frame(text), { ...HEALTHY, ...health })?.code ?? 'sent';
  const refused = () => guard.health()['refused'];
  return { clock, guard, ask, refused };
}

test.each([
  '7df 02 01 00',
  '7df 07 01 04 05 0b 0c 0d 11',
  '7df 03 02 02 00',
  '7df 07 02 0c 00 0d 00 11 00',
  '7df 02 06 01',
  '7df 02 09 02',
  '7df 01 03',
  '7df 01 07',
  '7df 01 0a',
  '7e0 02 01 0d',
  '7e7 01 03',
  '7e0 03 22 f1 90',
  '7e1 03 19 02 ff',
  '7e1 03 19 01 0d',
  '7e1 06 19 04 03 01 00 ff',
  '7e1 06 19 06 03 01 00 ff',
  '7e0 02 3e 80',
  '7e0 02 10 01',
  '7e0 02 10 03',
  '18db33f1 02 01 00',
  '18da10f1 03 22 f1 90',
  '18daf0f1 01 03',
])('%s may be sent', (text) => {
  expect(guarded().ask(text)).toBe('sent');
});

test.each([
  ['an identifier of the car', 'identifier', '100 02 01 00'],
  ['the answer of an ECU', 'identifier', '7e8 02 01 00'],
  ['11 bits that look like 29', 'identifier', '3f1 02 01 00'],
  ['29 bits with the value of 11', 'identifier', '000007df 02 01 00'],
  ['the answer of an ECU with 29 bits', 'identifier', '18daf110 02 01 00'],
  ['the tester itself', 'identifier', '18daf1f1 02 01 00'],
  ['another priority', 'identifier', '1cda10f1 02 01 00'],
  ['an empty request', 'format', '7df 00'],
  ['a first frame', 'format', '7e0 10 08 22 f1 90 f1 91 f1'],
  ['a consecutive frame', 'format', '7e0 21 01 02 03 04 05 06 07'],
  ['a single frame with 8 bytes', 'format', '7df 08 01 00'],
  ['a frame of CAN FD', 'format', '7df 00 0a 01 00'],
  ['an unknown kind', 'format', '7df 40 01 00'],
  ['service 01 of nothing', 'service', '7df 01 01'],
  ['codes with something behind', 'service', '7df 02 03 00'],
  ['service 04 with something behind', 'service', '7df 02 04 00'],
  ['service 04 to one ECU', 'service', '7e0 01 04'],
  ['control of a device (08)', 'service', '7df 07 08 01 00 00 00 00 00'],
  ['a reset (11)', 'service', '7e0 02 11 01'],
  ['clearing by UDS (14)', 'service', '7e0 04 14 ff ff ff'],
  ['security access (27)', 'service', '7e0 02 27 01'],
  ['communication control (28)', 'service', '7e0 03 28 03 01'],
  ['writing (2E)', 'service', '7e0 05 2e f1 90 41 42'],
  ['a routine (31)', 'service', '7e0 04 31 01 ff 00'],
  ['a download (34)', 'service', '7e0 03 34 00 11'],
  ['the programming session', 'service', '7e0 02 10 02'],
  ['a session without an answer', 'service', '7e0 02 10 81'],
  ['the session of all ECUs', 'service', '7df 02 10 03'],
  ['UDS to all ECUs', 'service', '7df 03 22 f1 90'],
  ['half an identifier of a value', 'service', '7e0 04 22 f1 90 f1'],
  ['several values at once', 'service', '7e0 05 22 f1 90 f1 8c'],
  ['an answer to who is there', 'service', '7e0 02 3e 00'],
  ['all codes that there are', 'service', '7e0 02 19 0a'],
  ['an unknown report of codes', 'service', '7e0 02 19 7f'],
  ['a report of codes without its mask', 'service', '7e0 02 19 02'],
  ['control of DTC setting (85)', 'service', '7e0 02 85 02'],
] as const)('%s is never sent', (_what, reason, text) => {
  const { ask, refused } = guarded();
  expect(ask(text)).toBe('NOT_PERMITTED');
  expect(refused()).toMatchObject({ [reason]: 1 });
});

test('a frame that is not 8 bytes long is never sent', () => {
  const { guard, refused } = guarded();
  for (const length of [0, 3, 7]) {
    const short = {
      ...frame('7df 02 01 00'),
      data: frame('7df 02 01 00').data.subarray(0, length),
    };
    expect(guard.permit(short, HEALTHY)?.code).toBe('NOT_PERMITTED');
  }
  expect(refused()).toMatchObject({ format: 3 });
});

test('what fills a frame up is free', () => {
  fc.assert(
    fc.property(fc.nat({ max: 255 }), (pad) => {
      expect(
        new Guard({ ratePerS: 10, clock: new FakeClock() }).permit(
          frame('7df 02 01 00', pad),
          HEALTHY,
        ),
      ).toBeUndefined();
    }),
  );
});

test('flow control needs a first frame of that ECU, just before', async () => {
  const { clock, guard, ask, refused } = guarded();
  expect(ask('7e0 30 00 00')).toBe('NOT_PERMITTED');
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now());
  expect(ask('7e0 30 00 00')).toBe('sent');
  expect(ask('7e0 31 00 00')).toBe('sent');
  expect(ask('7e0 32 00 00')).toBe('sent');
  expect(ask('7e0 33 00 00')).toBe('NOT_PERMITTED');
  expect(ask('7e1 30 00 00')).toBe('NOT_PERMITTED');
  expect(ask('7df 30 00 00')).toBe('NOT_PERMITTED');
  await clock.advance(1_001);
  expect(ask('7e0 30 00 00')).toBe('NOT_PERMITTED');
  guard.hear(frame('18daf110 10 14 49 02 01 31 47 31'), clock.now());
  expect(ask('18da10f1 30 00 00')).toBe('sent');
  expect(refused()).toMatchObject({ flowControl: 5 });
});

test.each(['7e8 03 41 0d 2a', '7e8 21 00', '7e8 30 00 00', '123 10 14 49'])(
  'heard on the bus, %s calls for no flow control',
  (heard) => {
    const { clock, guard, ask } = guarded();
    guard.hear(frame(heard), clock.now());
    expect(ask('7e0 30 00 00')).toBe('NOT_PERMITTED');
  },
);

test('a first frame that is read late calls for no flow control', async () => {
  const { clock, guard, ask } = guarded();
  await clock.advance(5_000);
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now() - 1_000_001);
  expect(ask('7e0 30 00 00')).toBe('NOT_PERMITTED');
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now() - 999_999);
  expect(ask('7e0 30 00 00')).toBe('sent');
});

test('a first frame calls for so much flow control and no more', () => {
  const { clock, guard, ask } = guarded();
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now());
  const sent = Array.from({ length: 100 }, () => ask('7e0 30 00 00'));
  expect(sent.filter((told) => told === 'sent')).toHaveLength(64);
});

test('flow control does not wait for the rate, and does not use it up', () => {
  const { clock, guard, ask } = guarded();
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now());
  expect(ask('7df 02 09 02')).toBe('sent');
  expect(ask('7e0 30 00 00')).toBe('sent');
  expect(ask('7df 02 09 02')).toBe('NOT_PERMITTED');
});

test('codes are cleared once for each permission', async () => {
  const { clock, guard, ask, refused } = guarded();
  expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  {
    using _ = guard.permitClearing();
    expect(ask('7df 01 04')).toBe('sent');
    await clock.advance(100);
    expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  }
  {
    using _ = guard.permitClearing();
  }
  expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  guard.permitClearing();
  await clock.advance(5_001);
  expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  expect(refused()).toMatchObject({ clearing: 4 });
});

test('a permission that could not be used yet is still there', async () => {
  const { clock, guard, ask } = guarded();
  using _ = guard.permitClearing();
  expect(ask('7df 02 01 0d')).toBe('sent');
  expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  await clock.advance(100);
  expect(ask('7df 01 04', { state: 'passive' })).toBe('BUS_BAD');
  expect(ask('7df 01 04')).toBe('sent');
});

test('clearing follows the speed that was asked for at once, however slow the rate is', async () => {
  const { clock, guard, ask } = guarded(1);
  expect(ask('7df 02 01 0d')).toBe('sent');
  expect(guard.waitMs).toBe(1_000);
  using _ = guard.permitClearing();
  expect(guard.waitMs).toBe(100);
  await clock.advance(99);
  expect(ask('7df 01 04')).toBe('NOT_PERMITTED');
  await clock.advance(1);
  expect(ask('7df 02 01 0d')).toBe('NOT_PERMITTED');
  expect(ask('7df 01 04')).toBe('sent');
  expect(guard.waitMs).toBe(1_000);
});

test.each([
  [10, 10],
  [1, 1],
  [50, 10],
])('at %d requests a second no second has more than %d', async (ratePerS, most) => {
  const { clock, guard, ask, refused } = guarded(ratePerS);
  const sentAt: number[] = [];
  for (let n = 0; n < 5_000; n++) {
    expect(guard.waitMs > 0).toBe(ask('7df 02 01 0c') !== 'sent' || sentAt.push(clock.now()) < 0);
    await clock.advance(0.97);
  }
  const busiest = Math.max(
    ...sentAt.map((t) => sentAt.filter((u) => u >= t && u < t + 1e6).length),
  );
  expect(busiest).toBeLessThanOrEqual(most);
  expect(sentAt.length).toBeGreaterThan(4.5 * most);
  expect(refused()).toMatchObject({ rate: 5_000 - sentAt.length });
});

test.each(['passive', 'off'] as const)('nothing is sent while the controller is %s', (state) => {
  const { clock, guard, ask, refused } = guarded();
  guard.hear(frame('7e8 10 14 49 02 01 31 47 31'), clock.now());
  expect(ask('7df 02 01 0c', { state })).toBe('BUS_BAD');
  expect(ask('7e0 30 00 00', { state })).toBe('BUS_BAD');
  expect(refused()).toMatchObject({ bus: 2 });
});

test.each(['active', 'warning', 'unknown'] as const)(
  'a controller that is %s may send',
  (state) => {
    expect(guarded().ask('7df 02 01 0c', { state })).toBe('sent');
  },
);

test('a burst of error frames stops everything for some seconds; a few do not', async () => {
  const { clock, ask } = guarded();
  expect(ask('7df 02 01 0c', { errorFrames: 20 })).toBe('sent');
  await clock.advance(1_000);
  expect(ask('7df 02 01 0c', { errorFrames: 1_000 })).toBe('BUS_BAD');
  await clock.advance(2_000);
  expect(ask('7df 02 01 0c', { errorFrames: 1_000 })).toBe('BUS_BAD');
  await clock.advance(4_000);
  expect(ask('7df 02 01 0c', { errorFrames: 1_000 })).toBe('sent');
  // One a second for an hour, and then a request.
  await clock.advance(3_600_000);
  expect(ask('7df 02 01 0c', { errorFrames: 4_600 })).toBe('sent');
  // The bus was opened anew, and counts from 0.
  await clock.advance(1_000);
  expect(ask('7df 02 01 0c', { errorFrames: 3 })).toBe('sent');
});

test('of 100,000 frames none gets through that is not on the list', () => {
  const clock = new FakeClock();
  const edges = [0x7de, 0x7df, 0x7e0, 0x7e7, 0x7e8, 0x18db33f1, 0x18da10f1, 0x18daf110, 0x18daf1f1];
  const someId = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...edges) },
    { weight: 1, arbitrary: fc.nat({ max: 0x1fffffff }) },
  );
  const services = [
    1, 2, 3, 4, 6, 7, 8, 9, 0x0a, 0x10, 0x11, 0x14, 0x19, 0x22, 0x27, 0x2e, 0x31, 0x3e,
  ];
  const byte = fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 255 }));
  const some = fc.record({
    id: someId,
    extended: fc.option(fc.boolean(), { nil: undefined }),
    control: fc.oneof(fc.nat({ max: 8 }), fc.nat({ max: 8 }), fc.nat({ max: 255 })),
    service: fc.oneof(fc.constantFrom(...services), byte),
    rest: fc.array(byte, { minLength: 6, maxLength: 6 }),
    length: fc.oneof(
      { weight: 20, arbitrary: fc.constant(8) },
      { weight: 1, arbitrary: fc.nat({ max: 8 }) },
    ),
  });
  let through = 0;
  fc.assert(
    fc.property(some, ({ id, extended = id > 0x7ff, control, service, rest, length }) => {
      const one = {
        ...{ id, extended },
        data: Uint8Array.from([control, service, ...rest]).subarray(0, length),
      };
      const guard = new Guard({ ratePerS: 10, clock });
      guard.hear(frame('7e8 10 14 49'), clock.now());
      guard.hear(frame('18daf110 10 14 49'), clock.now());
      const sent = guard.permit(one, HEALTHY) === undefined;
      if (sent) through++;
      expect(sent).toBe(isOnTheList(one, new Set([0x7e0, 0x18da10f1])));
    }),
    { numRuns: 100_000 },
  );
  expect(through).toBeGreaterThan(1_000);
}, 60_000);

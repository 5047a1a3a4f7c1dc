import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CanSendError } from '../../../../../src/io/can/errors.ts';
import { OBD_TIMING } from '../../../../../src/sources/obd/isotp/timing.ts';
import { settle } from '../../../../support/fake-clock.ts';
import { segment } from '../../../../support/isotp-frames.ts';
import { bytes, End, hex, message, TESTER } from './ends.ts';

const CLEAR = '30 00 00 CC CC CC CC CC';
const framesOf = (pdu: Uint8Array): string[] => segment(pdu).map(hex);

test('a first frame is answered at once, and the message put together', async () => {
  const end = new End();
  const [first = '', ...rest] = framesOf(message(20));
  end.hear(first);
  await settle();
  expect(end.frames).toEqual([CLEAR]);
  end.hear(...rest);
  expect(end.messages).toEqual([hex(message(20))]);
  expect(end.endpoint.counters).toMatchObject({ received: 1, dropped: 0, incomplete: 0 });
  await settle();
  expect(end.clock.sleepers).toBe(0);
});

test('a single frame is not answered', () => {
  const end = new End();
  end.hear('03 41 0D 20 00 00 00 00', '03 41 0D 21');
  expect(end.messages).toEqual(['41 0D 20', '41 0D 21']);
  expect(end.frames).toEqual([]);
});

test('each block is asked for, with what was set', async () => {
  const end = new End({ flow: { blockSize: 2, stMin: 5 }, padding: 'none' });
  const [first = '', ...rest] = framesOf(message(6 + 7 * 4));
  end.hear(first);
  for (const frame of rest) {
    await settle();
    end.hear(frame);
  }
  await settle();
  // No flow control after the last frame, although a block is full with it.
  expect(end.frames).toEqual(['30 02 05', '30 02 05']);
  expect(end.messages).toHaveLength(1);
});

test('frames of other identifiers and other lengths of identifiers are not taken', () => {
  const end = new End();
  const data = bytes('03 41 0D 20');
  const take = (id: number, extended: boolean): boolean =>
    end.endpoint.receive({ id, extended, data }, 0);
  expect(take(0x7e9, false)).toBe(false);
  expect(take(0x7e8, true)).toBe(false);
  expect(take(0x18daf110, true)).toBe(false);
  expect(end.messages).toEqual([]);
  expect(take(0x7e8, false)).toBe(true);
  expect(end.messages).toEqual(['41 0D 20']);
});

test('behind an address byte, frames for others are not taken', async () => {
  const address = { ...TESTER, txPrefix: 0x10, rxPrefix: 0xf1 };
  const end = new End({ address });
  const take = (data: string): boolean =>
    end.endpoint.receive({ ...address.rx, data: bytes(data) }, 0);
  expect(take('F2 03 41 0D 20')).toBe(false);
  expect(take('')).toBe(false);
  expect(take('F1 03 41 0D 20')).toBe(true);
  expect(take('F1 07 41 0D 20 01 02 03')).toBe(true); // Seven bytes do not fit behind the address.
  expect(take('F1 10 07 01 02 03 04 05')).toBe(true);
  expect(take('F1 21 06 07')).toBe(true);
  await settle();
  expect(end.messages).toEqual(['41 0D 20', '01 02 03 04 05 06 07']);
  expect(end.frames).toEqual(['10 30 00 00 CC CC CC CC']);
  expect(end.endpoint.counters.dropped).toBe(1);
});

const [first = '', one = '', two = '', three = ''] = framesOf(message(27));

describe('a message is given up', () => {
  test.each([
    ['in the wrong order', [first, two, one, three], 'N_WRONG_SN', 3],
    ['with a frame missing', [first, one, three], 'N_WRONG_SN', 1],
    ['with a frame doubled', [first, one, one, two], 'N_WRONG_SN', 2],
    ['with a damaged frame', [first, one, '22 01 02', three], 'N_ERROR', 2],
    ['with an unknown frame', [first, '40 00', one], 'N_ERROR', 2],
    ['when another begins', [first, one, '03 41 0D 20'], 'N_UNEXP_PDU', 1],
    ['when another begins, which is damaged', [first, one, '04 41 0D 20'], 'N_UNEXP_PDU', 2],
  ])('%s', async (_, frames, code, dropped) => {
    const end = new End();
    end.hear(...frames);
    await settle();
    expect(end.failures).toEqual([code]);
    expect(end.endpoint.counters).toMatchObject({ incomplete: 1, dropped });
    expect(end.clock.sleepers).toBe(0);
    end.hear(...framesOf(message(40)));
    expect(end.messages.at(-1)).toBe(hex(message(40)));
  });

  test('when its next frame does not come within N_Cr, and what comes late is dropped', async () => {
    const end = new End({ timing: OBD_TIMING });
    end.hear(first);
    await end.clock.advance(149);
    end.hear(one);
    await end.clock.advance(149);
    expect(end.failures).toEqual([]);
    await end.clock.advance(1);
    expect(end.failures).toEqual(['N_TIMEOUT_CR']);
    end.hear(two, three);
    expect(end.messages).toEqual([]);
    expect(end.endpoint.counters).toMatchObject({ timeouts: 1, incomplete: 1, dropped: 2 });
    expect(end.clock.sleepers).toBe(0);
  });

  test('when it is too long: its sender is told, and messages of before are not harmed', async () => {
    const end = new End({ messageBytesMax: 100 });
    end.hear('10 65 01 02 03 04 05 06', '21 01 02 03 04 05 06 07');
    await settle();
    expect(end.frames).toEqual(['32 00 00 CC CC CC CC CC']);
    expect(end.failures).toEqual(['N_BUFFER_OVFLW']);
    expect(end.endpoint.counters).toMatchObject({ overflows: 1, incomplete: 1, dropped: 2 });
    expect(end.clock.sleepers).toBe(0);
    end.hear(...framesOf(message(100)));
    expect(end.messages).toHaveLength(1);
    await settle();
    expect(end.clock.sleepers).toBe(0);
  });
});

describe('a message is given up on our side', () => {
  test('when the bus does not take our flow control within N_Ar', async () => {
    const full = (): Promise<void> => Promise.reject(new CanSendError('FULL', 'can0 is full'));
    const end = new End({ transmit: full, timing: OBD_TIMING });
    end.hear(first);
    await end.clock.advance(200);
    expect(end.failures).toEqual(['N_TIMEOUT_A']);
    expect(end.clock.sleepers).toBe(0);
    end.hear('1F FF 01 02 03 04 05 06', '03 41 0D 20');
    await end.clock.advance(200);
    expect(end.messages).toEqual(['41 0D 20']);
    expect(end.clock.sleepers).toBe(0);
  });

  test('when the bus refuses our flow control', async () => {
    const error = new CanSendError('LISTEN_ONLY', 'can0 only listens');
    const causes: unknown[] = [];
    const end = new End({
      transmit: () => Promise.reject(error),
      failed: ({ code, cause }) => causes.push(code, cause),
    });
    end.hear(first);
    await settle();
    expect(causes).toEqual(['N_ERROR', error]);
    expect(end.clock.sleepers).toBe(0);
  });

  test('by a reset, which forgets it', async () => {
    const end = new End();
    end.hear(first, one);
    end.endpoint.reset();
    end.endpoint.reset();
    end.hear(two, three);
    await settle();
    expect(end.failures).toEqual(['RESET']);
    expect(end.messages).toEqual([]);
    expect(end.clock.sleepers).toBe(0);
  });
});

test('a refusal that the bus does not take is given up too', async () => {
  const full = (): Promise<void> => Promise.reject(new CanSendError('FULL', 'can0 is full'));
  const end = new End({ transmit: full, messageBytesMax: 10, timing: OBD_TIMING });
  end.hear('10 65 01 02 03 04 05 06');
  await end.clock.advance(200);
  expect(end.failures).toEqual(['N_BUFFER_OVFLW']);
  expect(end.endpoint.counters.timeouts).toBe(1);
  expect(end.clock.sleepers).toBe(0);
});

test('a reset ends a refusal that the bus has not taken yet', async () => {
  const full = (): Promise<void> => Promise.reject(new CanSendError('FULL', 'can0 is full'));
  const end = new End({ transmit: full, messageBytesMax: 10 });
  end.hear('10 65 01 02 03 04 05 06');
  await end.clock.advance(5);
  end.endpoint.reset();
  await settle();
  expect(end.clock.sleepers).toBe(0);
});

test.each([
  ['at some time', 100],
  ['never', 1_000],
])('after a frame that came before, N_Cr counts from it: confirmed %s', async (_, confirmedMs) => {
  const end: End = new End({ transmit: () => end.clock.sleep(confirmedMs), timing: OBD_TIMING });
  const [begin = '', next = ''] = framesOf(message(20));
  end.hear(begin, next);
  await end.clock.advance(149);
  expect(end.failures).toEqual([]);
  await end.clock.advance(1);
  expect(end.failures).toEqual(['N_TIMEOUT_CR']);
});

test('frames that come before the bus confirms our flow control count', async () => {
  const confirm = Promise.withResolvers<void>();
  const end = new End({ transmit: () => confirm.promise, timing: OBD_TIMING });
  const [first = '', one = '', two = ''] = framesOf(message(20));
  end.hear(first, one);
  await end.clock.advance(100); // N_Ar has passed, but what it is there for has happened.
  confirm.resolve();
  await end.clock.advance(40);
  end.hear(two);
  expect(end.messages).toEqual([hex(message(20))]);
});

test('a message of more than 4095 bytes, where it is allowed', () => {
  const pdu = message(5000);
  const frames = [`10 00 00 00 13 88 ${hex(pdu.subarray(0, 2))}`];
  for (let at = 2; at < pdu.length; at += 7) {
    const index = frames.length & 0x0f;
    frames.push(`2${index.toString(16)} ${hex(pdu.subarray(at, at + 7))}`);
  }
  const end = new End({ messageBytesMax: 5000 });
  end.hear(...frames);
  expect(end.messages).toEqual([hex(pdu)]);
  const other = new End();
  other.hear(...frames.slice(0, 1));
  expect(other.failures).toEqual(['N_BUFFER_OVFLW']);
});

test.each(['10 00 00 00 0F FF 01 02', '10 00 00 00 00 00 01 02', '10 00 00 00 10'])(
  'a long length that is none is ignored: %s',
  async (frame) => {
    const end = new End({ messageBytesMax: 1e6 });
    end.hear(frame);
    await settle();
    expect(end.frames).toEqual([]);
    expect(end.endpoint.counters.dropped).toBe(1);
  },
);

test('no length of 32 bits takes memory that was not granted', () => {
  const end = new End({ messageBytesMax: 5000 });
  end.hear('10 00 FF FF FF FF 01 02', '10 00 80 00 00 00 01 02', '10 00 00 00 13 89 01 02');
  expect(end.endpoint.counters.overflows).toBe(3);
});

test('two units that answer at once, frame by frame', async () => {
  const ends = [0x7e8, 0x7e9].map(
    (id) =>
      new End({ address: { tx: { id: id - 8, extended: false }, rx: { id, extended: false } } }),
  );
  const lengths = [20, 33];
  const frames = lengths.map((length, i) =>
    segment(message(length)).map((data) => ({ id: 0x7e8 + i, extended: false, data })),
  );
  for (let i = 0; i < 5; i++) {
    for (const frame of frames.flatMap((own) => own.slice(i, i + 1))) {
      expect(ends.filter(({ endpoint }) => endpoint.receive(frame, 0))).toHaveLength(1);
    }
  }
  expect(ends.map(({ messages }) => messages)).toEqual(lengths.map((n) => [hex(message(n))]));
});

test('a flood of first frames holds one message and one timer', async () => {
  const end = new End();
  for (let i = 0; i < 5_000; i++) end.hear('1F FF 01 02 03 04 05 06');
  await settle();
  expect(end.clock.sleepers).toBe(1);
  expect(end.endpoint.counters).toMatchObject({ incomplete: 4_999, dropped: 4_999, received: 0 });
});

test('random frames never throw, and every one of them is accounted for', async () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 9 }),
    fc
      .tuple(
        fc.constantFrom(0x10, 0x21, 0x22, 0x30, 0x31),
        fc.uint8Array({ minLength: 7, maxLength: 7 }),
      )
      .map(([control, data]) => Uint8Array.of(control, ...data)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 60 }), fc.boolean(), async (frames, sends) => {
      const end = new End({ messageBytesMax: 300 });
      if (sends) end.send(message(100));
      for (const data of frames) {
        end.endpoint.receive({ ...TESTER.rx, data }, end.clock.now());
        if ((data[0] ?? 0) & 1) await end.clock.advance(7);
      }
      expect(end.clock.sleepers).toBeLessThanOrEqual(3);
      await end.clock.advance(20_000);
      expect(end.clock.sleepers).toBe(0);
      const { received, incomplete } = end.endpoint.counters;
      expect(end.messages).toHaveLength(received);
      expect(end.failures).toHaveLength(incomplete);
      for (const text of end.messages) expect(text.length).toBeLessThan(900);
    }),
    { numRuns: 60 },
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IsoTpReceiver } from '../../../../../src/sources/obd/isotp/receiver.ts';
import { segment } from '../../../../support/isotp-frames.ts';

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Feeds frames to one receiver; returns the messages it gave and what it dropped. */
function receive(frames: readonly Uint8Array[]) {
  const receiver = new IsoTpReceiver();
  const messages = frames.flatMap((frame) => {
    const message = receiver.push(frame);
    return message ? [Buffer.from(message).toString('hex')] : [];
  });
  return { messages, dropped: receiver.dropped, open: receiver.reset() };
}

const receiveHex = (...frames: string[]) => receive(frames.map(hex));

const NOTHING = { messages: [], open: false };

/** A VIN answer as a car sends it: 49 02 01 and 17 characters. */
const VIN = [
  '10 14 49 02 01 31 44 34',
  '21 47 50 30 30 52 35 35',
  '22 42 31 32 33 34 35 36',
] as const;
const VIN_MESSAGE = '49020131443447503030523535423132333435'.concat('36');

describe('single frames', () => {
  test('hold as many bytes as they say, whatever the padding', () => {
    const { messages, dropped } = receiveHex('06 41 00 BE 3F A8 13 AA', '03 41 0D 20 00 00 00 00');
    expect(messages).toEqual(['4100be3fa813', '410d20']);
    expect(dropped).toBe(0);
  });

  test('may come without padding', () => {
    expect(receiveHex('03 41 0D 20').messages).toEqual(['410d20']);
  });

  test.each([
    ['no byte at all', ''],
    ['a length of 0', '00 41 0D 20'],
    ['a length of 8', '08 41 0D 20 00 00 00 00'],
    ['fewer bytes than it says', '04 41 0D 20'],
    ['more bytes than it says, but not filled up', '03 41 0D 20 00 00 00'],
    ['more than 8 bytes', '03 41 0D 20 00 00 00 00 00'],
    ['an unknown kind', '40 41 0D 20'],
  ])('with %s are dropped', (_, frame) => {
    expect(receiveHex(frame)).toEqual({ ...NOTHING, dropped: 1 });
  });
});

describe('messages of several frames', () => {
  test('are put together', () => {
    expect(receiveHex(...VIN)).toEqual({ messages: [VIN_MESSAGE], dropped: 0, open: false });
  });

  test('of the longest length wrap the sequence number many times', () => {
    const message = Uint8Array.from({ length: 4095 }, (_, i) => i % 251);
    const { messages, dropped } = receive(segment(message));
    expect(messages).toEqual([Buffer.from(message).toString('hex')]);
    expect(dropped).toBe(0);
  });

  test('stay whole when flow control of the tester is seen between their frames', () => {
    const [first, second, third] = VIN;
    expect(receiveHex(first, '30 00 00', second, '30', third).messages).toEqual([VIN_MESSAGE]);
  });

  test('may end in a frame without padding', () => {
    const [first, second] = VIN;
    const shorter = first.replace('10 14', '10 0F');
    expect(receiveHex(shorter, second, '22 42 31').messages).toEqual([VIN_MESSAGE.slice(0, 30)]);
  });

  test.each<[string, string[], number]>([
    ['in the wrong order', [VIN[0], VIN[2], VIN[1]], 2],
    ['with a frame sent twice', [VIN[0], VIN[1], VIN[1], VIN[2]], 2],
    ['without a first frame', [VIN[1], VIN[2]], 2],
    ['with a short first frame', ['10 14 49 02 01 31 44', VIN[1], VIN[2]], 3],
    ['with a short frame in the middle', [VIN[0], '21 47 50 30', VIN[2]], 2],
    ['with a short last frame', [VIN[0], VIN[1], '22 42 31 32'], 1],
    ['with an empty last frame', [VIN[0], VIN[1], '22'], 1],
    ['with an over-long frame', [VIN[0], `${VIN[1]} 00`, VIN[2]], 2],
    ['with an unknown frame between', [VIN[0], '50 00 00', VIN[1], VIN[2]], 3],
  ])('%s are dropped', (_, frames, dropped) => {
    expect(receiveHex(...frames)).toEqual({ ...NOTHING, dropped });
  });

  test.each(['10 00 49 02 01 31 44 34', '10 07 49 02 01 31 44 34', '10'])(
    'of a length that is none for a first frame are dropped: %s',
    (first) => {
      expect(receiveHex(first, VIN[1], VIN[2])).toEqual({ ...NOTHING, dropped: 3 });
    },
  );

  test('given up for another message count as dropped, and the other is read', () => {
    const single = '03 41 0D 20 00 00 00 00';
    const given = { messages: ['410d20'], dropped: 1, open: false };
    expect(receiveHex(VIN[0], VIN[1], single)).toEqual(given);
    const again = { messages: [VIN_MESSAGE], dropped: 1, open: false };
    expect(receiveHex(VIN[0], VIN[1], ...VIN)).toEqual(again);
  });

  test('that were not completed are told once', () => {
    const receiver = new IsoTpReceiver();
    receiver.push(hex(VIN[0]));
    expect([receiver.reset(), receiver.reset()]).toEqual([true, false]);
    expect(receiver.push(hex(VIN[1]))).toBeUndefined();
  });
});

test('receivers know nothing of each other', () => {
  const other = segment(hex('49 02 01 57 57 57 57 57 57 57 57 57 57 57 57 57 57 57 57 57'));
  const receivers = [new IsoTpReceiver(), new IsoTpReceiver()] as const;
  const messages = VIN.flatMap((frame, i) => [
    receivers[0].push(hex(frame)),
    receivers[1].push(other[i] ?? hex('')),
  ]);
  expect(messages.slice(0, 4).every((message) => message === undefined)).toBe(true);
  expect(messages.slice(4).map((message) => message?.length)).toEqual([20, 20]);
});

describe('for every message', () => {
  const messages = fc.uint8Array({ minLength: 1, maxLength: 4095, size: 'max' });
  const long = fc.uint8Array({ minLength: 8, maxLength: 400, size: 'max' });

  test('cutting it up and putting it together gives it back', () => {
    fc.assert(
      fc.property(messages, fc.nat(255), (message, pad) => {
        const whole = [Buffer.from(message).toString('hex')];
        expect(receive(segment(message, pad))).toEqual({
          messages: whole,
          dropped: 0,
          open: false,
        });
      }),
      { numRuns: 60 },
    );
  });

  test('losing any one frame loses it, and only it', () => {
    fc.assert(
      fc.property(long, fc.nat(), (message, at) => {
        const frames = segment(message);
        frames.splice(at % frames.length, 1);
        const next = hex('03 41 0D 20 00 00 00 00');
        expect(receive([...frames, next]).messages).toEqual(['410d20']);
      }),
    );
  });

  test('exchanging two frames loses it', () => {
    fc.assert(
      fc.property(long, fc.nat(), fc.integer({ min: 1, max: 15 }), (message, from, distance) => {
        const frames = segment(message);
        const i = from % frames.length;
        const j = i + distance;
        // Sixteen frames apart the sequence numbers are the same, and nothing can tell.
        fc.pre(j < frames.length);
        const [a, b] = [frames[i], frames[j]];
        if (a && b) [frames[i], frames[j]] = [b, a];
        expect(receive(frames).messages).toEqual([]);
      }),
    );
  });
});

test('random frames never throw, and no message is longer than the frames it came in', () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 9 }),
    fc.uint8Array({ minLength: 7, maxLength: 7 }).map((data) => Uint8Array.of(0x21, ...data)),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 60 }), (frames) => {
      const receiver = new IsoTpReceiver();
      let bytes = 0;
      for (const data of frames) {
        bytes += data.length;
        const message = receiver.push(data);
        if (message === undefined) continue;
        expect(message.length).toBeLessThan(bytes);
        expect(message.length).toBeLessThanOrEqual(4095);
        bytes = 0;
      }
    }),
  );
});

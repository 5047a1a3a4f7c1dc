import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frame, Stream } from '#core/stream.ts';
import { encodeFramesBinary } from '../../../src/codec/live/frames-message.ts';
import type { Subscription } from '../../../src/http/feed.ts';
import { encodeFramesJson } from '../../../src/http/frames.ts';
import { ALL, raw, rpm, sample, startLive, stream } from './fakes.ts';

const FRAMES: Subscription = { patterns: [raw.id], frames: true, maxHz: 1000, format: 'json' };
const BIN: Subscription = { ...FRAMES, format: 'bin' };
const chassis = stream('can.chassis', { kind: 'frame', hz: 0 });
const door = stream('can.body.doors.open', { hz: 1 });

function frame(t: number, id: number, data: readonly number[] = [], of: Stream = raw): Frame {
  return { kind: 'frame', stream: of, t, id, extended: id > 0x7ff, data: Uint8Array.from(data) };
}

/** As the header of codec/live/frames-message.ts says it is laid out, read without its code. */
function decode(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const n = view.getUint16(16, true);
  return {
    head: [view.getUint8(0), view.getUint8(1)],
    number: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    t: Number(view.getBigInt64(8, true)),
    frames: Array.from({ length: n }, (_, i) => {
      const at = 24 + 16 * i;
      const word = view.getUint32(at, true);
      const length = view.getUint8(at + 7);
      return {
        id: word % 2 ** 31,
        extended: word >= 2 ** 31,
        after: view.getUint32(at + 4, true) % 2 ** 24,
        data: [...bytes.subarray(at + 8, at + 8 + length)],
        rest: [...bytes.subarray(at + 8 + length, at + 16)].every((byte) => byte === 0),
      };
    }),
  };
}

test('the header has every field at its place', () => {
  const first = frame(0x1122334455, 0x18daf110, [0xde, 0xad]);
  const second = frame(0x1122334455 + 0x010203, 0x7e8, [1, 2, 3, 4, 5, 6, 7, 8]);
  const bytes = encodeFramesBinary({ seq: 0x0a0b0c0d, frames: [first, second] }, 0x0102);
  expect(Buffer.from(bytes).toString('hex')).toBe(
    [
      ...['02', '01', '0201', '0d0c0b0a', '5544332211000000', '0200', '000000000000'],
      ...['10f1da98', '000000', '02', 'dead000000000000'],
      ...['e8070000', '030201', '08', '0102030405060708'],
    ].join(''),
  );
});

const FrameOf = fc.record({
  t: fc.nat(0xff_ffff),
  data: fc.uint8Array({ maxLength: 8 }),
  name: fc.oneof(
    fc.record({ id: fc.nat(0x7ff), extended: fc.constant(false) }),
    fc.record({ id: fc.nat(0x1fff_ffff), extended: fc.constant(true) }),
  ),
});

test('frames come back from both formats as they went in', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.nat(0xffff), fc.array(FrameOf), (t, number, others) => {
      const all = [{ t: 0, data: new Uint8Array(), name: { id: 1, extended: false } }, ...others];
      const [first, ...rest] = all.map(
        (one): Frame => ({ ...one.name, kind: 'frame', stream: raw, t: t + one.t, data: one.data }),
      );
      const block = { seq: t, frames: [first ?? frame(0, 0), ...rest] } as const;
      const wanted = all.map(({ t: after, data, name }) => {
        return { ...name, after, data: [...data], rest: true };
      });
      expect(decode(encodeFramesBinary(block, number))).toEqual({
        ...{ head: [2, 1], number, seq: t % 2 ** 32, t, frames: wanted },
      });
      const json = JSON.parse(new TextDecoder().decode(encodeFramesJson(block)));
      expect(json).toMatchObject({ type: 'frames', stream: raw.id, seq: t, t });
      const rows = wanted.map(({ id, extended, after, data }) => {
        const hex = Buffer.from(data).toString('hex').toUpperCase();
        return [after, extended ? id + 2 ** 31 : id, hex];
      });
      expect(json.frames).toEqual(rows);
    }),
  );
});

test('raw frames come to those who ask for them by name, and no pattern brings them', () => {
  const { live, join } = startLive([raw, chassis, door]);
  const others = [['*'], ['can.*'], ['can'], [raw.id], [`${raw.id}.*`]].map(
    (patterns) => join({ ...ALL, patterns }).peer,
  );
  const { peer } = join(FRAMES);
  live.take([frame(5, 0x7e8, [0xde, 0xad]), frame(6, 1, [], chassis), sample(door, 7, 1)]);
  expect(peer.messages()).toEqual([
    { type: 'frames', stream: raw.id, seq: 0, t: 5, frames: [[0, 0x7e8, 'DEAD']] },
  ]);
  for (const other of others) {
    expect(other.messages().filter(({ type }) => type === 'frames')).toEqual([]);
    expect(other.binaries()).toEqual([]);
  }
});

test('a subscription of raw frames tells of their streams alone, and others do not tell of them', () => {
  const { live } = startLive([raw, chassis, door]);
  const told = (subscription: Subscription) => live.announce(subscription).map(({ id }) => id);
  expect(told(FRAMES)).toEqual([raw.id]);
  expect(told({ ...FRAMES, patterns: ['can', door.id] })).toEqual([]);
  expect(told({ ...ALL, patterns: ['can.body'] })).toEqual([door.id]);
  expect(told({ ...FRAMES, without: ['can'] })).toEqual([]);
});

test('a bus that appears later is announced to those who asked for it', () => {
  const { live, join } = startLive([]);
  const { peer } = join(FRAMES);
  const all = join(ALL);
  live.take([frame(1, 1)]);
  expect(peer.messages()).toMatchObject([
    { type: 'subscribed', streams: [{ id: raw.id, kind: 'frame', number: 0 }] },
    { type: 'frames' },
  ]);
  expect(all.peer.messages()).toEqual([]);
});

test('frames go out together, 20 times a second at most, and none waits for the next one', async () => {
  const { clock, live, join } = startLive();
  const { peer } = join(FRAMES);
  const counts: number[] = [];
  for (let ms = 0; ms < 1000; ms++) {
    live.take([frame(ms * 1000, 1), frame(ms * 1000 + 500, 2)]);
    counts.push(...peer.messages().map(({ frames }) => Array.from(frames as unknown[]).length));
    await clock.advance(1);
  }
  await clock.advance(49);
  counts.push(...peer.messages().map(({ frames }) => Array.from(frames as unknown[]).length));
  expect(counts.length).toBeLessThanOrEqual(21);
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(2000);
  await clock.advance(1000);
  live.take([frame(3e6, 3)]);
  expect(peer.messages(), 'after a pause at once').toHaveLength(1);
  expect(clock.sleepers).toBe(0);
});

test('a message has a thousand frames at most, and none that its layout cannot hold', () => {
  const { live, join } = startLive();
  const { peer } = join(BIN);
  live.take(Array.from({ length: 2500 }, (_, t) => frame(t, 1)));
  live.take([frame(2500, 2)]);
  const sizes = () => peer.binaries().map((bytes) => decode(bytes).frames.length);
  expect(sizes()).toEqual([1000, 1000, 500]);
  const other = startLive();
  const { peer: second } = other.join(BIN);
  other.live.take([frame(0, 1), frame(0xff_ffff, 2), frame(0x100_0000, 3), frame(5, 4)]);
  const blocks = second.binaries().map(decode);
  expect(blocks.map(({ seq, t, frames }) => [seq, t, frames.map(({ after }) => after)])).toEqual([
    [0, 0, [0, 0xff_ffff]],
    [2, 0x100_0000, [0]],
    [3, 5, [0]],
  ]);
});

test('who comes later gets nothing of before, and sees by seq how much there was', () => {
  const { live, join } = startLive();
  live.take([frame(1, 1), frame(2, 1)]);
  const { peer } = join(FRAMES);
  live.take([frame(3, 1)]);
  live.take([frame(4, 1)]);
  const late = join(BIN);
  expect(peer.messages()).toMatchObject([
    { seq: 2, t: 3 },
    { seq: 3, t: 4 },
  ]);
  live.take(Array.from({ length: 1001 }, (_, i) => frame(5 + i, 1)));
  expect(late.peer.binaries().map(decode)).toMatchObject([{ seq: 4, t: 5 }]);
});

test('in two formats at once each gets its own, under the number that was announced', () => {
  const { live, join } = startLive();
  const { peer } = join(BIN);
  const { peer: text } = join(FRAMES);
  const number = live.announce(BIN)[0]?.number;
  live.take([frame(1, 0x1fff_ffff, [1])]);
  expect(peer.binaries().map(decode)).toMatchObject([
    { number, frames: [{ id: 0x1fff_ffff, extended: true, data: [1] }] },
  ]);
  expect(text.messages()).toMatchObject([{ frames: [[0, 0x1fff_ffff + 2 ** 31, '01']] }]);
});

test('a client with both gets values as before, and frames once', () => {
  const { live, join } = startLive([raw, rpm]);
  const { peer } = join(ALL, FRAMES, BIN);
  live.take([frame(1, 1), sample(rpm, 2, 800)]);
  expect([...peer.messages(), ...peer.binaries()]).toMatchObject([
    { type: 'frames' },
    { type: 'samples' },
  ]);
});

test('whole messages that a slow client missed are told as one gap, in frames', async () => {
  const { clock, live, join } = startLive();
  const { peer, client } = join(BIN);
  const healthy = join(FRAMES);
  peer.stalled = true;
  const some = (from: number) => Array.from({ length: 600 }, (_, i) => frame(from + i, 1));
  for (let turn = 0; turn < 20; turn++) {
    live.take(some(turn * 600));
    await clock.advance(50);
  }
  const got = peer.binaries().map(decode);
  const frames = got.reduce((sum, block) => sum + block.frames.length, 0);
  expect(live.stats).toMatchObject({ coalescing: 1, framesDropped: 12_000 - frames });
  expect(frames * 16).toBeLessThan(100_000);
  peer.unstall();
  live.drain(client);
  expect(peer.messages()).toEqual([{ type: 'gap', stream: raw.id, lost: 12_000 - frames }]);
  live.take([frame(1e6, 1)]);
  expect(peer.binaries().map(decode)).toMatchObject([{ seq: 12_000 }]);
  expect(healthy.peer.messages()).toHaveLength(21);
});

test('who leaves gets nothing more, and what waited is forgotten', async () => {
  const { clock, live, join } = startLive();
  const { peer, client } = join(FRAMES);
  live.take([frame(1, 1)]);
  live.take([frame(2, 1)]);
  peer.messages();
  live.disconnect(client);
  await clock.advance(1000);
  live.take([frame(3, 1)]);
  expect(peer.messages()).toEqual([]);
  const next = join(FRAMES);
  live.take([frame(4, 1)]);
  expect(next.peer.messages()).toMatchObject([{ seq: 3, t: 4 }]);
});

test('who asks for more misses none of the frames that waited', () => {
  const { live, join } = startLive([raw, rpm]);
  const { peer, client } = join(FRAMES);
  live.take([frame(1, 1)]);
  live.take([frame(2, 1)]);
  expect(peer.messages()).toMatchObject([{ seq: 0, t: 1 }]);
  live.subscribe(client, [FRAMES, ALL]);
  expect(peer.messages()).toMatchObject([{ seq: 1, t: 2 }]);
});

test('a stream that has changed is announced again, under its number', async () => {
  const { clock, live, join } = startLive([rpm]);
  const { peer } = join(ALL);
  const changed = { ...rpm, unit: 'rad/s' };
  live.take([sample({ ...rpm }, 1, 5)]);
  expect(peer.messages()).toMatchObject([{ type: 'samples' }]);
  await clock.advance(1);
  live.take([sample(changed, 2, 5)]);
  expect(peer.messages()).toEqual([
    { type: 'subscribed', streams: [{ ...changed, number: 0 }] },
    { type: 'samples', t: 2, values: { [rpm.id]: 5 } },
  ]);
});

test('of a stream that has changed no value of before is told, which may be in another unit', () => {
  const streams = [rpm];
  const { live, join } = startLive(streams);
  const { peer, client } = join(ALL);
  // The second waits until it is due.
  live.take([sample(rpm, 1, 5)]);
  live.take([sample(rpm, 2, 6)]);
  expect(peer.messages()).toHaveLength(1);
  streams[0] = { ...rpm, unit: 'rad/s' };
  live.announce(ALL);
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toMatchObject([{ type: 'subscribed' }]);
  live.take([sample(streams[0], 3, 7)]);
  live.sendSnapshot(client, ALL);
  expect(peer.messages()).toMatchObject([{ type: 'samples', t: 3, values: { [rpm.id]: 7 } }]);
});

test('frames that nobody wants cost no message, and are no values', () => {
  const { live, join } = startLive();
  join(ALL);
  live.take([frame(1, 1)]);
  expect(live.stats.messagesOut).toBe(0);
  expect(live.values).toBe(0);
});

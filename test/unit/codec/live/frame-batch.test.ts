import { expect, test } from 'vitest';
import type { Frame, Stream } from '#core/stream.ts';
import { FrameBatch } from '../../../../src/codec/live/frame-batch.ts';

const stream: Stream = {
  ...{ id: 'can.body', name: 'CAN', unit: '1', range: [0, 0x1fff_ffff], hz: 0, kind: 'frame' },
};

function frame(t: number): Frame {
  return { kind: 'frame', stream, t, id: 1, extended: false, data: new Uint8Array() };
}

test('the place of a block counts those that nobody wanted', () => {
  const batch = new FrameBatch();
  batch.pass();
  batch.add(frame(5));
  batch.pass();
  batch.add(frame(7));
  batch.add(frame(8));
  expect(batch.take()).toEqual({ seq: 3, frames: [frame(7), frame(8)] });
  expect(batch.take()).toBeUndefined();
  batch.add(frame(9));
  expect(batch.take()?.seq).toBe(5);
});

test('a block ends where its fields do: at 1,000 frames, 2^24 us, and a time before the first', () => {
  const batch = new FrameBatch();
  expect(batch.fits(frame(10))).toBe(true);
  batch.add(frame(10));
  expect(batch.fits(frame(10 + 0xff_ffff))).toBe(true);
  expect(batch.fits(frame(10 + 0x100_0000))).toBe(false);
  expect(batch.fits(frame(9))).toBe(false);
  for (let i = 1; i < 1_000; i++) {
    expect(batch.fits(frame(10))).toBe(true);
    batch.add(frame(10));
  }
  expect(batch.fits(frame(10))).toBe(false);
});

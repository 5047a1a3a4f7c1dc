import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bodies, type BodiesOptions, type Received } from '../../../src/http/bodies.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { request } from './fakes.ts';

function bodies(options: Partial<BodiesOptions> = {}) {
  const clock = new FakeClock();
  const all = new Bodies({ clock, bytesMax: () => undefined, ...options });
  const begin = () => {
    const ends: Received[] = [];
    return { body: all.begin(request('POST', '/'), (received) => ends.push(received)), ends };
  };
  return { clock, all, begin };
}

const status = ([end]: readonly Received[]) => end && 'refused' in end && end.refused.status;

test('a body arrives whole however it is cut, and its memory is given back', () => {
  const cuts = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(cuts, (chunks) => {
      const { all, begin } = bodies();
      const { body, ends } = begin();
      for (const [i, chunk] of chunks.entries()) {
        const lent = chunk.slice();
        body.take(lent, i === chunks.length - 1);
        lent.fill(0xff); // The server takes it back.
      }
      expect(ends).toEqual([{ whole: Buffer.concat(chunks) }]);
      expect(all.stats.bytes).toBe(Buffer.concat(chunks).length);
      body.release();
      body.release();
      expect(all.stats.bytes).toBe(0);
    }),
  );
});

test('a route that takes more gets more, and no other', () => {
  const long = bodies({ bytesMax: () => 100_000 }).begin();
  long.body.take(new Uint8Array(100_000), true);
  expect(long.ends[0]).toHaveProperty('whole');
  const { all, begin } = bodies();
  const short = begin();
  short.body.take(new Uint8Array(65_536), false);
  short.body.take(new Uint8Array(1), true);
  expect(status(short.ends)).toBe(413);
  expect(short.ends[0]).toHaveProperty('hangUp', false);
  expect(all.stats).toMatchObject({ bytes: 0, tooLong: 1 });
});

test('what goes on and on is hung up on, and held no longer', () => {
  const { all, begin } = bodies();
  const { body, ends } = begin();
  for (let i = 0; i < 17; i++) {
    body.take(new Uint8Array(65_536), false);
    expect(all.stats.bytes).toBeLessThanOrEqual(65_536);
  }
  expect(ends).toHaveLength(0);
  body.take(new Uint8Array(1), false);
  body.take(new Uint8Array(1), true);
  expect(ends).toHaveLength(1);
  expect(ends[0]).toHaveProperty('hangUp', true);
});

test('a body that is not whole in time is a 408', async () => {
  const { clock, all, begin } = bodies();
  const [slow, quick, gone] = [begin(), begin(), begin()];
  slow.body.take(new Uint8Array(10), false);
  quick.body.take(new Uint8Array(10), true);
  gone.body.leave();
  await clock.advance(29_999);
  expect(slow.ends).toHaveLength(0);
  await clock.advance(1);
  expect(status(slow.ends)).toBe(408);
  slow.body.take(new Uint8Array(10), true);
  expect(slow.ends).toHaveLength(1);
  expect(quick.ends).toHaveLength(1);
  expect(gone.ends).toHaveLength(0);
  expect(all.stats).toMatchObject({ bytes: 10, late: 1, cutOff: 1 });
  expect(clock.sleepers).toBe(0);
});

test('all bodies together have so much memory, and one more is a 503', () => {
  const { all, begin } = bodies({ heldBytesMax: 100 });
  const first = begin();
  first.body.take(new Uint8Array(60), true);
  const second = begin();
  second.body.take(new Uint8Array(40), false);
  const third = begin();
  third.body.take(new Uint8Array(1), true);
  expect(status(third.ends)).toBe(503);
  expect(all.stats).toMatchObject({ bytes: 100, crowdedOut: 1 });
  second.body.leave();
  const fourth = begin();
  fourth.body.take(new Uint8Array(40), true);
  expect(fourth.ends[0]).toHaveProperty('whole');
});

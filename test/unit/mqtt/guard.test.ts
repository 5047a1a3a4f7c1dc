import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { Guard } from '../../../src/mqtt/guard.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { packet } from '../../support/mqtt-packets.ts';

function world() {
  const clock = new FakeClock();
  const [near, far] = duplexPair();
  const guard = new Guard(near, { clock, unsentBytes: 256 * 1024, mayBeLarge: () => false });
  guard.begin();
  const errors: unknown[] = [];
  guard.on('error', (error) => errors.push(error));
  return { clock, guard, near, far, errors };
}

const CONNECT = packet(0x10, Buffer.alloc(20));

test('what is allowed comes through as it is, and the time of the last of it is known', async () => {
  const { clock, guard, far } = world();
  await clock.advance(500);
  far.write(CONNECT);
  await settle();
  expect(guard.read()).toEqual(CONNECT);
  expect(guard.heardAt).toBe(500_000);
});

test('what is not allowed does not come through, and ends both sides', async () => {
  const { guard, near, far, errors } = world();
  far.on('error', () => {}); // It has been closed.
  far.write('GET / HTTP/1.1\r\n');
  await settle();
  await settle();
  expect(guard.read()).toBe(null);
  expect(errors).toMatchObject([{ code: 'MALFORMED' }]);
  expect(near.destroyed).toBe(true);
});

test('nothing is read that nobody asks for', async () => {
  const { near, far } = world();
  far.write(CONNECT);
  const many = Buffer.concat(Array(20_000).fill(packet(0xc0, Buffer.alloc(0))));
  for (let i = 0; i < 10; i++) far.write(many);
  for (let i = 0; i < 20; i++) await settle();
  expect(near.isPaused()).toBe(true);
});

test('nothing is read while it is held, and all of it when it is released', async () => {
  const { guard, far } = world();
  guard.hold();
  far.write(CONNECT);
  await settle();
  expect(guard.read()).toBe(null);
  guard.release();
  await settle();
  await settle();
  expect(guard.read()).toEqual(CONNECT);
});

test('everything leaves, in its order, and it is known since when a piece waits', async () => {
  const { clock, guard, far } = world();
  const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  for (let at = 0; at < sent.length; at += 7_000) guard.write(sent.subarray(at, at + 7_000));
  await settle();
  const since = guard.waitingSince;
  expect(since).toBe(0);
  await clock.advance(1_000);
  expect(guard.waitingSince).toBe(since);
  const read: Buffer[] = [];
  far.on('data', (chunk: Buffer) => read.push(chunk));
  for (let i = 0; i < 100; i++) await settle();
  expect(Buffer.concat(read)).toEqual(sent);
  expect(guard.waitingSince).toBeUndefined();
});

test('more than 256 KiB that wait are told', async () => {
  const { guard, far } = world();
  guard.write(Buffer.alloc(200 * 1024));
  expect(guard.writableNeedDrain).toBe(false);
  guard.write(Buffer.alloc(60 * 1024));
  expect(guard.writableNeedDrain).toBe(true);
  far.resume();
  for (let i = 0; i < 100; i++) await settle();
  expect(guard.writableNeedDrain).toBe(false);
});

test('it ends with the connection, and the connection with it', async () => {
  const one = world();
  one.far.end();
  one.guard.resume();
  for (let i = 0; i < 5; i++) await settle();
  expect(one.guard.destroyed).toBe(true);
  const other = world();
  other.guard.destroy();
  await settle();
  expect(other.near.destroyed).toBe(true);
});

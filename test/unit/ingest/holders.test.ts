/** Whose `face.perclos60` is where several clients send it. */
import { expect, test } from 'vitest';
import { Holders } from '../../../src/ingest/holders.ts';
import type { Batch } from '../../../src/ingest/shapes.ts';
import { after, createWorld, EPOCH, face, SESSION } from './world.ts';

const T = 2_000_000;

function faceOf(client: string, seq: number, t = T): Batch {
  const items = [{ t, faceDetected: true, confidence: 1, blink: true }];
  return { kind: 'face', body: { client, seq, epoch: EPOCH, items } };
}

const PLAIN = ['face.detected', 'face.confidence', 'face.blink'];
const OTHER = ['face.two.detected', 'face.two.confidence', 'face.two.blink'];

test('the first client has the plain ids, and another its name in them, also after a restart', async () => {
  const first = createWorld();
  const { clock, store, ingest } = first;
  const send = async (world: typeof first, batch: Batch): Promise<string[]> => {
    const before = store.data().length;
    await after(world.clock, world.ingest.send(SESSION, batch));
    return store
      .data()
      .slice(before)
      .map(({ stream }) => stream.id);
  };
  await clock.advance(3_000);
  // One that is refused is not the first.
  await expect(after(clock, ingest.send(SESSION, faceOf('two', 0, 9e9)))).rejects.toThrow();
  expect(await send(first, faceOf('one', 0))).toEqual(PLAIN);
  expect(await send(first, faceOf('two', 0))).toEqual(OTHER);
  expect(await send(first, faceOf('one', 1))).toEqual(PLAIN);
  const items = [{ t: T, event: 'brake', data: { speed: 50 } }];
  const game = (client: string): Batch => {
    return { kind: 'game', body: { client, seq: 0, epoch: EPOCH, items } };
  };
  expect(await send(first, game('two'))).toEqual(['game.brake', 'game.speed']);
  expect(await send(first, game('one'))).toEqual(['game.one.brake', 'game.one.speed']);
  for (const client of ['three', 'two', 'one']) {
    const again = createWorld(store);
    await again.clock.advance(3_000);
    const isFirst = client === 'one';
    const ids = PLAIN.map((id) => (isFirst ? id : id.replace('face.', `face.${client}.`)));
    expect(await send(again, faceOf(client, 2)), client).toEqual(ids);
  }
});

test('nothing of two clients is in one stream, and the streams are known again', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  await after(clock, ingest.send(SESSION, face(0)));
  await after(clock, ingest.send(SESSION, faceOf('two', 0)));
  const ids = createWorld(store)
    .ingest.streams()
    .map(({ id }) => id);
  expect(ids).toEqual(['client.alert', 'face.detected', 'face.confidence', ...OTHER]);
});

test('they are held in all sessions that are open, and free when that of the holder has ended', () => {
  const open = new Set([1, 2]);
  const holders = new Holders((session) => open.has(session));
  holders.load('face', () => [
    ['old', { session: 0 }],
    ['two', { session: 2, plain: false }],
  ]);
  expect(holders.isFree('face', 'one')).toBe(true);
  holders.hold('face', 'one', 1);
  holders.hold('face', 'one', 2);
  expect([holders.isFree('face', 'one'), holders.isFree('face', 'two')]).toEqual([true, false]);
  open.delete(2);
  expect(holders.isFree('face', 'two')).toBe(false);
  open.delete(1);
  expect(holders.isFree('face', 'two')).toBe(true);
});

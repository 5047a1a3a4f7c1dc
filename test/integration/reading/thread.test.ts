import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ReadingThread } from '../../../src/reading/client.ts';
import type { ExportQuestion, StatisticsQuestion } from '../../../src/reading/questions.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { EEG, NOW_S, type Recorded, recorded, SECOND, SPEED } from './recorded.ts';

let gateway: Recorded;
let clock: FakeClock;
let thread: ReadingThread;

beforeAll(async () => {
  gateway = await recorded();
});

beforeEach(() => {
  clock = new FakeClock();
  const { file, store } = gateway;
  thread = new ReadingThread({ file, clock, tail: (numbers) => store.tail(numbers) });
  return () => thread.close();
});

afterAll(() => gateway[Symbol.asyncDispose]());

const stretches = [{ epoch: SECOND, from: 0, to: NOW_S * 1e6, at: 0 }];
const whole: StatisticsQuestion = { stretches };
const csv: ExportQuestion = { title: 'all', format: 'csv', streams: [EEG.id], stretches };
/** Makes the thread fall over something that only a bug of ours could bring. */
const poison: StatisticsQuestion = JSON.parse('{"stretches":[null]}');

const counts = () => thread.health().details;

function series(from: number, points?: number): Promise<Uint8Array> {
  const [stretch] = stretches.map((one) => ({ ...one, from, to: from + 1e6 }));
  return thread.ask('series', { stretches: stretch ? [stretch] : [], streams: [SPEED.id], points });
}

test('twenty questions at once get the answers they would get alone', async () => {
  const from = Array.from({ length: 20 }, (_, i) => i * 20e6);
  const together = await Promise.all(from.map((one) => series(one)));
  for (const [i, one] of from.entries()) {
    expect(together[i], `from ${one}`).toEqual(await series(one));
  }
  expect(new Set(together.map((bytes) => Buffer.from(bytes).toString())).size).toBe(20);
  expect(counts()).toMatchObject({ questions: 40, refused: 0, running: 0, waiting: 0 });
});

test('what is beyond the queue is refused, and the rest is answered', async () => {
  const all = await Promise.allSettled(Array.from({ length: 80 }, () => series(0)));
  const refused = all.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(8);
  expect(refused[0]).toMatchObject({ reason: { name: 'ReadingError', code: 'BUSY' } });
  expect(counts()).toMatchObject({ questions: 72, refused: 8, running: 0 });
});

test('exports leave room for questions', async () => {
  const files = await Promise.all(Array.from({ length: 4 }, () => thread.export(csv)));
  await expect(thread.export(csv)).rejects.toMatchObject({ code: 'BUSY' });
  expect((await thread.ask('statistics', whole)).durationS).toBe(NOW_S);
  for (const { pieces } of files) await pieces.return?.();
  const { pieces } = await thread.export(csv);
  await pieces.return?.();
  expect(counts()).toMatchObject({ exports: 0, running: 0 });
});

test('exports that are taken in turn are each whole', async () => {
  const alone = await bytesOf((await thread.export(csv)).pieces);
  const two = await Promise.all([thread.export(csv), thread.export(csv)]);
  const both = await Promise.all(two.map(({ pieces }) => bytesOf(pieces)));
  expect(alone.length).toBeGreaterThan(1e6);
  expect(both.every((one) => one.equals(alone))).toBe(true);
});

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of pieces) chunks.push(piece);
  return Buffer.concat(chunks);
}

test('an export that is left early is not made any further', async () => {
  const { pieces } = await thread.export(csv);
  for await (const piece of pieces) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
  expect(counts()).toMatchObject({ exports: 0, running: 0 });
  expect(await pieces.next()).toEqual({ done: true, value: undefined });
});

test('an export that nobody goes on with is broken off after a minute', async () => {
  const { pieces } = await thread.export(csv);
  // An answer to a later question: what the export has made ahead has come before it.
  const caughtUp = () => thread.ask('statistics', whole);
  await pieces.next();
  await caughtUp();
  await clock.advance(59_000);
  await pieces.next();
  await caughtUp();
  await clock.advance(59_000);
  expect(counts()).toMatchObject({ exports: 1, stalled: 0 });
  await clock.advance(1_000);
  expect(counts()).toMatchObject({ exports: 0, running: 0, stalled: 1 });
  await expect(pieces.next()).rejects.toMatchObject({ code: 'STALLED' });
  // One that was never begun, too.
  await thread.export(csv);
  await clock.advance(60_000);
  expect(counts()).toMatchObject({ exports: 0, running: 0, stalled: 2 });
});

test('a bug in the thread fails what it was at, and the next question gets a new one', async () => {
  const { pieces } = await thread.export(csv);
  const beside = thread.ask('statistics', poison).catch((error: unknown) => error);
  expect(await beside).toMatchObject({ name: 'ReadingError', code: 'CRASHED' });
  await expect(bytesOf(pieces)).rejects.toMatchObject({ code: 'CRASHED' });
  expect((await thread.ask('statistics', whole)).durationS).toBe(NOW_S);
  expect(counts()).toMatchObject({ faults: 1, running: 0, exports: 0 });
  expect(thread.health().text).toMatch(
    /^answering; ended 1 times by a fault, at last: the reading/,
  );
});

test('a thread that gives no answer for a minute is given up', async () => {
  const failed = thread.ask('statistics', whole).catch((error: unknown) => error);
  // The new thread needs longer for its first answer than these turns take.
  await clock.advance(60_000);
  expect(await failed).toMatchObject({ code: 'TOO_SLOW' });
  expect((await thread.ask('statistics', whole)).durationS).toBe(NOW_S);
  expect(counts()).toMatchObject({ faults: 1, running: 0 });
});

test('a thread that is not asked anything for a minute ends, and comes back', async () => {
  await series(0);
  expect(thread.health().text).toBe('answering');
  await clock.advance(59_000);
  await series(0);
  await clock.advance(59_000);
  expect(thread.health().text).toBe('answering');
  await clock.advance(1_000);
  expect(thread.health().text).toBe('at rest');
  await series(0);
  expect(counts()).toMatchObject({ faults: 0, questions: 3 });
});

test('what the tail cannot give is told to the one who asks', async () => {
  const off = Object.assign(new Error('off'), { code: 'OFF' });
  const { file } = gateway;
  const refused = new ReadingThread({
    ...{ file, clock },
    tail: () => {
      throw off;
    },
  });
  await expect(refused.ask('statistics', whole)).rejects.toBe(off);
  await expect(refused.export(csv)).rejects.toBe(off);
  expect(refused.health().details).toMatchObject({ running: 0, exports: 0, questions: 0 });
});

test('closing ends what is under way and what waits', async () => {
  const { pieces } = await thread.export(csv);
  const asked = Array.from({ length: 20 }, () => thread.ask('statistics', whole));
  const settled = Promise.allSettled(asked);
  await thread.close();
  const outcomes = await settled;
  expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'CLOSED' } });
  await expect(bytesOf(pieces)).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(thread.ask('statistics', whole)).rejects.toMatchObject({ code: 'CLOSED' });
  expect(counts()).toMatchObject({ running: 0, exports: 0, faults: 0 });
});

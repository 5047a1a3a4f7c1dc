import { expect, test, vi } from 'vitest';
import type { Alert, AlertNews } from '#core/alert.ts';
import type { Event, Reading } from '#core/stream.ts';
import { AlertBook } from '../../../src/alerts/book.ts';
import { AlertError } from '../../../src/alerts/errors.ts';
import { alertOf, ended, escalated, MemoryRecords, started } from '../../support/alert-fixture.ts';

const EPOCH = 8;

function createBook(kept: readonly Alert[] = [], then: (event: Event) => void = () => {}) {
  const records = new MemoryRecords<string, Alert>(kept);
  const told: Reading[] = [];
  const notified: [AlertNews, string][] = [];
  let now = 60_000_000;
  const book = new AlertBook(records, {
    epoch: EPOCH,
    now: () => now,
    emit: (event) => {
      told.push(event);
      then(event);
    },
    notify: (news, { id, told: before = [] }) => {
      notified.push([news, id]);
      return [...before, news];
    },
  });
  const states = () => told.map((one) => (one.kind === 'event' ? one.data['state'] : one.kind));
  return { book, records, told, notified, states, setNow: (t: number) => (now = t) };
}

test('an alert begins, gets worse and ends under one id, and everybody is told each time', async () => {
  const { book, told, notified, states } = createBook();
  book.take(started(1_000_000));
  book.take(escalated(2_000_000, 'alarm'));
  expect(book.ongoing()).toMatchObject([{ id: '8-1', severity: 'alarm', endedAt: null }]);
  book.take(ended(3_000_000));
  expect(book.ongoing()).toEqual([]);
  expect(book.get('8-1')).toMatchObject({
    startedAt: { epoch: EPOCH, t: 1_000_000 },
    endedAt: { epoch: EPOCH, t: 3_000_000 },
    endedBy: 'cleared',
  });
  expect(states()).toEqual(['started', 'escalated', 'ended']);
  expect(told.map(({ stream, t }) => [stream.id, t])).toEqual([
    ['alert', 1_000_000],
    ['alert.change', 2_000_000],
    ['alert.change', 3_000_000],
  ]);
  expect(notified).toEqual([
    ['started', '8-1'],
    ['escalated', '8-1'],
    ['ended', '8-1'],
  ]);
});

test('two causes of a rule are two alerts', () => {
  const { book } = createBook();
  book.take(started(1, { cause: 'P0301' }));
  book.take(started(2, { cause: 'P0420' }));
  book.take(ended(3, 'P0301'));
  expect(book.ongoing().map(({ cause }) => cause)).toEqual(['P0420']);
});

test('an alarm acknowledged counts as not acknowledged once it gets worse', async () => {
  const { book } = createBook();
  book.take(started(1));
  const { acknowledged } = await book.acknowledge('8-1', 'Ada');
  expect(acknowledged).toEqual({ by: 'Ada', at: { epoch: EPOCH, t: 60_000_000 } });
  book.take(escalated(2, 'alarm'));
  expect(book.get('8-1').acknowledged).toBeNull();
});

test('acknowledging twice keeps who was first, and tells nobody again', async () => {
  const { book, states } = createBook();
  book.take(started(1));
  await book.acknowledge('8-1', 'Ada');
  await book.acknowledge('8-1', 'Bob');
  expect(book.get('8-1').acknowledged?.by).toBe('Ada');
  expect(states()).toEqual(['started', 'acknowledged']);
});

test('a silence is of the cause: the next alert of it is silent too, until it is over', async () => {
  const { book } = createBook();
  book.take(started(1));
  const { silencedUntil } = await book.silence('8-1', 10);
  expect(silencedUntil).toEqual({ epoch: EPOCH, t: 660_000_000 });
  book.take(ended(2));
  book.take(started(3));
  book.take(started(4, { cause: 'other' }));
  expect(book.ongoing().map((alert) => alert.silencedUntil)).toEqual([silencedUntil, null]);
});

test('a silence that is over is not told of the next alert', async () => {
  const { book } = createBook();
  book.take(started(1));
  await book.silence('8-1', 10);
  book.take(ended(2));
  book.take(started(660_000_000));
  expect(book.get('8-2')).toMatchObject({ silencedUntil: null, startedAt: { t: 660_000_000 } });
});

test('what a rule does about an alert that somebody has seen is not overwritten', async () => {
  const { book, told, records } = createBook([], ({ data }) => {
    if (data['state'] === 'acknowledged') book.take(ended(3));
  });
  book.take(started(1));
  await book.acknowledge('8-1', 'Ana');
  const over = { acknowledged: { by: 'Ana' }, endedAt: { t: 3 } };
  expect(book.get('8-1')).toMatchObject(over);
  expect(book.ongoing()).toEqual([]);
  expect(records.items.get('8-1')).toMatchObject(over);
  expect(told).toHaveLength(3);
});

test('what is over cannot be silenced, and what is not there cannot be found', async () => {
  const { book } = createBook();
  book.take(started(1));
  book.take(ended(2));
  await expect(book.silence('8-1', 10)).rejects.toThrow(
    new AlertError('ENDED', 'alert 8-1 is over'),
  );
  await expect(book.acknowledge('8-2', 'Ada')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('notes stay in their order, and have a limit', async () => {
  const { book } = createBook();
  book.take(started(1));
  for (let n = 0; n < 100; n++) await book.note('8-1', 'Ada', `note ${n}`);
  expect(
    book
      .get('8-1')
      .notes.map(({ text }) => text)
      .slice(0, 2),
  ).toEqual(['note 0', 'note 1']);
  await expect(book.note('8-1', 'Ada', 'one more')).rejects.toMatchObject({ code: 'TOO_MANY' });
});

test('after a restart an alert that lasted goes on as it was', () => {
  const { book, states } = createBook([
    alertOf({ id: '7-10' }),
    alertOf({ id: '7-9', endedAt: { epoch: 7, t: 5 }, endedBy: 'cleared' }),
  ]);
  expect(book.load().map(({ id }) => id)).toEqual(['7-10']);
  expect(states()).toEqual([]);
  book.take(ended(3));
  expect(book.get('7-10')).toMatchObject({ endedAt: { epoch: EPOCH, t: 3 } });
  expect(book.list({ limit: 10 }).items.map(({ id }) => id)).toEqual(['7-10', '7-9']);
});

test('an alert that began anew before the old one was known takes its place', () => {
  const { book } = createBook([alertOf({ id: '7-1' })]);
  book.take(started(1));
  expect(book.load()).toEqual([]);
  expect(book.get('7-1')).toMatchObject({ endedBy: 'changed' });
  expect(book.ongoing().map(({ id }) => id)).toEqual(['8-1']);
});

test('a disk that fails costs no alert, and says so until it works', async () => {
  const { book, records } = createBook();
  records.failing = true;
  book.take(started(1));
  await vi.waitFor(() => expect(book.failure).toBe('the disk takes nothing'));
  expect(book.ongoing()).toHaveLength(1);
  records.failing = false;
  await book.flush();
  expect(book.failure).toBe('');
  expect(records.items.get('8-1')).toMatchObject({ endedAt: null });
});

test('a store that opens late brings no more than there is room for', () => {
  const endedBefore = { endedAt: { epoch: 7, t: 5 }, endedBy: 'cleared' } as const;
  const kept = Array.from({ length: 2_000 }, (_, n) => alertOf({ id: `7-${n}`, ...endedBefore }));
  const { book } = createBook(kept);
  for (const cause of ['a', 'b', 'c']) book.take(started(1, { cause }));
  book.load();
  book.take(started(2, { cause: 'd' }));
  expect(book.forgotten).toBe(4);
  expect(book.list({ limit: 1, before: '7-5' }).items.map(({ id }) => id)).toEqual(['7-4']);
  expect(book.list({ limit: 1, before: '7-4' }).items).toEqual([]);
});

test('the oldest that is over makes room, and what lasts never does', () => {
  const { book } = createBook();
  book.take(started(0, { cause: 'lasts' }));
  for (let n = 1; n <= 2_000; n++) {
    book.take(started(n));
    book.take(ended(n));
  }
  expect(book.forgotten).toBe(1);
  expect(book.get('8-1').cause).toBe('lasts');
  expect(() => book.get('8-2')).toThrow('there is no alert "8-2"');
});

test('who was told of an alert is kept with it, over a restart too', async () => {
  const { book, records } = createBook();
  book.take(started(1));
  await book.acknowledge('8-1', 'Ada');
  expect(records.list()).toMatchObject([{ id: '8-1', told: ['started', 'acknowledged'] }]);
  const { book: next } = createBook([...records.list()]);
  next.load();
  next.take(ended(2));
  expect(next.get('8-1')).toMatchObject({ told: ['started', 'acknowledged', 'ended'] });
});

import { expect, test } from 'vitest';
import { MailQueue } from '../../../../src/alerts/mail/queue.ts';
import { MailError } from '../../../../src/io/mail.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { SILENT_LOG } from '../../../support/silent-log.ts';
import {
  ALONE,
  AWAY,
  digest,
  gone,
  grey,
  HOUR,
  LATER,
  MINUTE,
  REFUSED,
  Shelf,
  start,
  WALL,
  type World,
} from './queue-world.ts';

/** Of the first mail in start 7 of the gateway: each has a thousand ids for itself. */
const FIRST_ID = 7_001;

test('a mail is kept, sent at once and removed at once', async () => {
  const { put, clock, shelf, sent, queue } = start(() => []);
  await put(1);
  await clock.advance(0);
  expect(sent).toMatchObject([{ subject: ALONE, to: ['a@x', 'b@x'], date: WALL }]);
  expect(sent[0]?.messageId).toMatch(/^<vigil\.alert\.[A-Za-z0-9]{16}@mail\.example>$/);
  expect([...shelf.mails]).toEqual([]);
  await clock.advance(48 * HOUR);
  expect(sent).toHaveLength(1);
  expect(queue.health()).toMatchObject({ waiting: 0, delivered: 1, mails: 1, nextTryS: null });
});

test('pauses of 1, 2, 4 ... 60 minutes for 24 hours, then it is given up and told', async () => {
  const { put, clock, minutes, queue, told, shelf, ids } = start(() => AWAY);
  await put(1);
  await clock.advance(30 * HOUR);
  const due = [0, 1, 3, 7, 15, 31, 63];
  for (let at = 123; at < 24 * 60 + 60; at += 60) due.push(at);
  expect(minutes()).toEqual(due);
  expect(new Set(ids()).size).toBe(1);
  expect(queue.health()).toMatchObject({
    waiting: 0,
    givenUp: 1,
    delivered: 0,
    failed: due.length,
  });
  expect(told).toEqual([`1 given up after 24 h: ${AWAY.message}`]);
  expect(shelf.mails.size).toBe(0);
});

test('who waited behind a mail that is given up goes on at its pace', async () => {
  const { put, clock, minutes, queue } = start(() => AWAY);
  await put(1);
  await clock.advance(23 * HOUR);
  await put(2);
  await clock.advance(2 * HOUR);
  expect(queue.health()).toMatchObject({ waiting: 1, givenUp: 1 });
  const before = minutes().length;
  await clock.advance(6 * HOUR);
  expect(minutes()).toHaveLength(before + 6);
});

test('what gathers behind an outage waits for it, and then is a digest in order', async () => {
  let away = true;
  const { put, clock, subjects, ids, minutes, queue } = start(() => (away ? AWAY : []));
  await put(1);
  await clock.advance(MINUTE);
  for (const n of [2, 3, 4, 5]) await put(n);
  await clock.advance(MINUTE);
  expect(minutes()).toEqual([0, 1]);
  expect(queue.health()).toMatchObject({ waiting: 5, nextTryS: 60, failure: AWAY.message });
  away = false;
  await clock.advance(MINUTE);
  expect(subjects().slice(2)).toEqual([ALONE, digest(4)]);
  expect(ids()[0]).toBe(ids()[2]);
  expect(queue.health()).toMatchObject({ delivered: 5, mails: 2, failure: '' });
});

test('three go alone, more than three as one, more than a hundred as two', async () => {
  const { put, clock, subjects } = start(() => []);
  await Promise.all([1, 2, 3].map((n) => put(n)));
  await clock.advance(0);
  expect(subjects()).toEqual([ALONE, ALONE, ALONE]);
  await Promise.all([1, 2, 3, 4].map((n) => put(n)));
  await clock.advance(0);
  expect(subjects().slice(3)).toEqual([digest(4)]);
  await Promise.all(Array.from({ length: 120 }, (_, n) => put(n)));
  await clock.advance(0);
  expect(subjects().slice(4)).toEqual([digest(100), digest(20)]);
});

test('a digest stays what it was when it is tried again, also after a restart', async () => {
  const before = start(() => LATER);
  await Promise.all([1, 2, 3, 4].map((n) => before.put(n)));
  await before.clock.advance(0);
  await before.end();
  const after = start(() => [], { shelf: before.shelf, wallMs: 2 * MINUTE, epoch: 8 });
  await after.put(9);
  await after.clock.advance(MINUTE);
  expect(after.subjects()).toEqual([digest(4), ALONE]);
  expect(after.ids()[0]).toBe(before.ids()[0]);
  expect(after.sent[0]?.text).toBe(before.sent[0]?.text);
  expect(after.shelf.mails.size).toBe(0);
});

test('a power cut between the 250 and the removal gives a copy that can be told', async () => {
  const before = start(() => []);
  before.shelf.remove = () => new Promise(() => {});
  await before.put(1);
  await before.clock.advance(10_000);
  const kept = new Shelf();
  for (const [id, mail] of before.shelf.mails) kept.mails.set(id, mail);
  expect(kept.mails.size).toBe(1);
  const after = start(() => [], { shelf: kept, epoch: 8, wallMs: HOUR, device: 'b' });
  await after.clock.advance(0);
  expect(after.ids()).toEqual(before.ids());
});

test('the same mails make the same Message-ID, others another', async () => {
  const ids = [];
  for (const n of [1, 1, 2]) {
    const { put, clock, sent } = start(() => []);
    await put(n);
    await clock.advance(0);
    ids.push(sent[0]?.messageId);
  }
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).not.toBe(ids[2]);
});

test.each([
  ['a minute before it is due', 0, 'ntp', [1]],
  ['an hour after', HOUR, 'ntp', [0]],
  ['the wall clock went back a year', -365 * 24 * HOUR, 'rtc', [1]],
  ['the wall clock is not believed', 5, 'none', [0]],
] as const)('after a restart, %s: tried at minute %s', async (_, wallMs, trust, due) => {
  const before = start(() => AWAY);
  await before.put(1);
  await before.clock.advance(0);
  await before.end();
  const after = start(() => [], { shelf: before.shelf, wallMs, trust, epoch: 8 });
  await after.clock.advance(2 * MINUTE);
  expect(after.minutes()).toEqual(due);
});

test('days after the power cut it is tried once more before it is given up', async () => {
  const before = start(() => AWAY);
  await before.put(1);
  await before.clock.advance(0);
  await before.end();
  const after = start(() => AWAY, { shelf: before.shelf, wallMs: 72 * HOUR, epoch: 8 });
  await after.clock.advance(HOUR);
  expect(after.minutes()).toEqual([0]);
  expect(after.queue.health()).toMatchObject({ givenUp: 1, waiting: 0 });
});

test('a clock that is believed later is written into what waits', async () => {
  const world: World = { trust: 'none' };
  const { put, clock, shelf } = start(() => AWAY, world);
  await put(1);
  await clock.advance(30_000);
  expect(shelf.mails.get(FIRST_ID)).toMatchObject({ nextAt: null, queuedAt: { wallMs: null } });
  world.trust = 'gps';
  await clock.advance(MINUTE);
  const kept = { nextAt: WALL + 3 * MINUTE, queuedAt: { wallMs: WALL }, attempts: 2 };
  expect(shelf.mails.get(FIRST_ID)).toMatchObject(kept);
});

test('a recipient that is refused for good holds nobody', async () => {
  const { put, clock, sent, queue } = start(() => [gone]);
  await put(1);
  await clock.advance(HOUR);
  expect(sent).toHaveLength(1);
  expect(queue.health()).toMatchObject({
    ...{ delivered: 1, refused: 1, waiting: 0 },
    failure: 'a@x: 550 who?',
  });
});

test('a recipient that is put off gets it later, alone', async () => {
  const { put, clock, sent, queue, ids } = start((_, n) => (n < 2 ? [grey] : []));
  await put(1);
  await clock.advance(HOUR);
  expect(sent.map(({ to }) => to)).toEqual([['a@x', 'b@x'], ['b@x'], ['b@x']]);
  expect(new Set(ids()).size).toBe(1);
  expect(queue.health()).toMatchObject({ delivered: 1, waiting: 0, failure: '' });
});

test('all are put off, and one refused for good is not asked again', async () => {
  const both = new MailError('LATER', 'said 450', [gone, grey]);
  const { put, clock, sent } = start((_, n) => (n === 0 ? both : []));
  await put(1);
  await clock.advance(HOUR);
  expect(sent.map(({ to }) => to)).toEqual([['a@x', 'b@x'], ['b@x']]);
});

test('a mail that is refused as a whole is dropped, counted and holds nobody', async () => {
  const { put, clock, sent, queue, shelf } = start((_, n) => (n === 0 ? REFUSED : []));
  await Promise.all([put(1), put(2)]);
  await clock.advance(0);
  expect(sent).toHaveLength(2);
  expect(queue.health()).toMatchObject({ refused: 1, delivered: 1, waiting: 0 });
  expect(shelf.mails.size).toBe(0);
});

test('a mail that the server chokes on again and again holds the others once', async () => {
  let poison = '';
  const { put, clock, minutes, subjects, queue } = start((message) => {
    poison ||= message.messageId;
    return message.messageId === poison ? new MailError('CLOSED', 'closed') : [];
  });
  await put(1);
  await clock.advance(0);
  await put(2, 'alarm');
  await clock.advance(MINUTE);
  expect(subjects()).toEqual([ALONE, ALONE, 'ALARM: Coolant too hot - car']);
  expect(minutes()).toEqual([0, 1, 1]);
  expect(queue.health()).toMatchObject({ delivered: 1, waiting: 1, nextTryS: 120 });
});

test('the queue is full: the oldest info goes first, then the oldest warning, each counted', async () => {
  const { put, clock, shelf, queue } = start(() => AWAY);
  await put(0, 'alarm');
  await clock.advance(0);
  await put(1, 'warn');
  await put(2, 'info');
  await put(3, 'info');
  for (let n = 4; n < 1_000; n++) await put(n, 'alarm');
  expect(queue.health()).toMatchObject({ waiting: 1_000, dropped: 0 });
  const has = (...ids: number[]) => ids.map((n) => shelf.mails.has(FIRST_ID - 1 + n));
  await put(1_000, 'alarm');
  expect(has(2, 3, 4)).toEqual([true, false, true]);
  await put(1_001, 'alarm');
  expect(has(2, 4, 5)).toEqual([true, false, true]);
  await put(1_002, 'alarm');
  expect(has(1, 2, 5)).toEqual([true, false, true]);
  await put(1_003, 'info');
  expect(has(1_004)).toEqual([false]);
  await put(1_004, 'alarm');
  expect(has(1)).toEqual([false]);
  expect(queue.health()).toMatchObject({ waiting: 1_000, dropped: 5, unsaved: 0 });
});

test('a mail in the hands of the server is not dropped for a new one', async () => {
  const { put, clock, shelf, queue } = start(() => 'hang');
  await put(1, 'info');
  await clock.advance(0);
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => put(n, 'warn')));
  expect([shelf.mails.has(FIRST_ID), shelf.mails.has(FIRST_ID + 1)]).toEqual([true, false]);
  expect(queue.health()).toMatchObject({ waiting: 1_000, dropped: 1 });
});

test('a store that refuses costs no mail, and keeps what waits once it takes it', async () => {
  let away = false;
  const { put, clock, shelf, queue, sent } = start(() => (away ? AWAY : []));
  shelf.mood = 'fails';
  await put(1);
  await clock.advance(0);
  expect(sent).toHaveLength(1);
  away = true;
  await put(2);
  await clock.advance(0);
  expect(queue.health()).toMatchObject({ waiting: 1, unsaved: 2 });
  expect(Number(queue.health()['saveFailures'])).toBeGreaterThan(0);
  shelf.mood = 'fine';
  await clock.advance(MINUTE);
  expect([...shelf.mails.keys()]).toEqual([FIRST_ID + 1]);
  expect(queue.health()).toMatchObject({ unsaved: 0 });
});

test('a store that hangs delays a mail by two seconds', async () => {
  const { put, clock, shelf, minutes } = start(() => []);
  shelf.mood = 'hangs';
  void put(1);
  await clock.advance(1_999);
  expect(minutes()).toEqual([]);
  await clock.advance(1);
  expect(minutes()).toHaveLength(1);
});

test('a stop in the middle of a mail keeps it for the next start', async () => {
  const before = start(() => 'hang');
  await before.put(1);
  await before.clock.advance(0);
  expect(before.sent).toHaveLength(1);
  await before.end();
  expect(before.shelf.mails.get(FIRST_ID)).toMatchObject({ attempts: 1 });
});

test('a test goes past the queue, and its success lets what waits go', async () => {
  let away = true;
  const { put, clock, queue, subjects } = start(() => (away ? AWAY : []));
  const on = new AbortController().signal;
  await put(1);
  await clock.advance(0);
  await expect(queue.sendTest(on)).rejects.toThrow(AWAY);
  away = false;
  await queue.sendTest(on);
  await clock.advance(0);
  expect(subjects()).toEqual([ALONE, 'Test mail - car', 'Test mail - car', ALONE]);
  expect(queue.health()).toMatchObject({ waiting: 0, delivered: 1 });
});

test('a test that succeeds ends a failure that nothing waits for', async () => {
  const { put, clock, queue } = start((_, n) => (n === 0 ? REFUSED : []));
  await put(1);
  await clock.advance(0);
  expect(queue.health()).toMatchObject({ waiting: 0, failure: REFUSED.message });
  await queue.sendTest(new AbortController().signal);
  expect(queue.health()).toMatchObject({ waiting: 0, failure: '' });
});

test('a bug ends the run', async () => {
  const clock = new FakeClock();
  const queue = new MailQueue({
    mailer: { from: 'a@x', to: ['b@x'], send: () => Promise.reject(new TypeError('a bug')) },
    ...{ records: new Shelf(), clock, epoch: 1 },
    log: SILENT_LOG,
    place: { device: 'car', dashboard: null, zone: 'UTC', timeOf: () => undefined },
    wall: () => ({ ms: WALL, trust: 'ntp' }),
    gate: { waitMs: () => 0, take: () => {} },
    people: () => ({ vehicle: null, driver: null }),
  });
  await queue.put('started', alertOf());
  await expect(queue.run(new AbortController().signal)).rejects.toThrow('a bug');
});

test('mails that came before the store was open leave those in it alone', async () => {
  const before = start(() => AWAY);
  await before.put(1);
  await before.clock.advance(0);
  await before.end();
  const after = start(() => [], { shelf: before.shelf, wallMs: 2 * MINUTE, epoch: 8, late: true });
  await after.put(2);
  after.queue.open();
  await after.clock.advance(0);
  expect(after.sent.map(({ subject }) => subject)).toHaveLength(2);
  expect(after.shelf.mails.size).toBe(0);
});

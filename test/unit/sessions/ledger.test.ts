import { expect, test } from 'vitest';
import type { Session } from '#core/session.ts';
import { SessionLedger, type SessionRecords } from '../../../src/sessions/ledger.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { StatisticsQueue } from '../../../src/sessions/statistics-queue.ts';
import { Disk, refusal, STATS } from './life.ts';

const session: Session = {
  ...NO_NOTES,
  id: 7,
  startedBy: 'manual',
  endedBy: 'manual',
  spans: [{ epoch: 1, from: 0, to: 1 }],
  stats: null,
};

test('ids go on from the largest that is kept or was ever given', () => {
  const records = (kept: readonly Session[], last: number): SessionRecords =>
    Object.assign(new Disk(), { list: () => kept, lastId: () => last });
  for (const [kept, last, next] of [
    [[], 0, 1],
    [[session], 0, 8],
    [[session], 9, 10],
  ] as const) {
    const ledger = new SessionLedger(records(kept, last));
    ledger.load();
    expect([ledger.nextId(), ledger.nextId()]).toEqual([next, next + 1]);
  }
});

test('a removal that is refused is tried again, and memory is right meanwhile', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = new SessionLedger(disk);
  ledger.load();
  disk.refusal = refusal();
  const removed = ledger.remove(7);
  await ledger.flush();
  expect(ledger.get(7)).toBeUndefined();
  expect(ledger).toMatchObject({ unsaved: 1, failures: 1, failure: disk.refusal.message });
  disk.refusal = undefined;
  await ledger.flush();
  await removed;
  expect(disk.sessions.size).toBe(0);
  expect(ledger).toMatchObject({ unsaved: 0, failure: '' });
});

test('a flush waits for the write that is under way', async () => {
  const disk = new Disk();
  const ledger = new SessionLedger(disk);
  void ledger.put(session);
  expect(disk.writing).toBe(1);
  await ledger.flush();
  expect(disk.sessions.get(7)).toEqual(session);
});

test('an error without a code is a bug and is not swallowed', async () => {
  const disk = new Disk();
  const ledger = new SessionLedger(disk);
  disk.refusal = new TypeError('a bug');
  void ledger.put(session);
  await expect(ledger.flush()).rejects.toBe(disk.refusal);

  const queue = new StatisticsQueue(ledger, () => Promise.reject(disk.refusal));
  queue.add(7);
  await expect(queue.run()).rejects.toBe(disk.refusal);
});

test('after a stop the session at hand is done and no other is begun', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session).set(8, { ...session, id: 8 });
  const ledger = new SessionLedger(disk);
  ledger.load();
  const queue = new StatisticsQueue(ledger, () => Promise.resolve(STATS));
  queue.add(7);
  queue.add(8);
  void queue.run();
  await queue.stop();
  expect(ledger.get(7)?.stats).toEqual(STATS);
  expect(ledger.get(8)?.stats).toBeNull();
  expect(queue.health()).toMatchObject({ statisticsDue: 1 });
});

test('a session removed while its statistics are computed stays removed', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = new SessionLedger(disk);
  ledger.load();
  const queue = new StatisticsQueue(ledger, async () => {
    await ledger.remove(7);
    return STATS;
  });
  queue.add(7);
  await queue.run();
  await ledger.flush();
  expect(disk.sessions.size).toBe(0);
});

test('a name given while the statistics are computed is kept', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = new SessionLedger(disk);
  ledger.load();
  const queue = new StatisticsQueue(ledger, async () => {
    await ledger.put({ ...session, driver: 'Bo' });
    return STATS;
  });
  queue.add(7);
  await queue.run();
  await ledger.flush();
  expect(disk.sessions.get(7)).toEqual({ ...session, driver: 'Bo', stats: STATS });
});

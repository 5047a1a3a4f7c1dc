import { expect, test } from 'vitest';
import { Ledger } from '#core/ledger.ts';
import type { Session } from '#core/session.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { StatisticsQueue } from '../../../src/sessions/statistics-queue.ts';
import { Disk, STATS } from './life.ts';

const session: Session = {
  ...NO_NOTES,
  id: 7,
  startedBy: 'manual',
  endedBy: 'manual',
  spans: [{ epoch: 1, from: 0, to: 1 }],
  stats: null,
};

function loaded(disk: Disk): Ledger<number, Session> {
  const ledger = new Ledger(disk);
  ledger.load((a, b) => a.id - b.id);
  return ledger;
}

/** Sessions whose readings have all come. */
async function due(queue: StatisticsQueue, ...ids: readonly number[]): Promise<void> {
  for (const id of ids) queue.add(id);
  await queue.run();
}

test('what has just ended has to wait until everything of it has come', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = loaded(disk);
  const queue = new StatisticsQueue(ledger, () => Promise.resolve(STATS));
  queue.add(7);
  await queue.run();
  expect(ledger.get(7)?.stats).toBeNull();
  expect(queue.health()).toMatchObject({ statisticsDue: 1 });
  // Somebody asks for it: it waits no longer for that.
  queue.add(7);
  await queue.run();
  expect(ledger.get(7)?.stats).toEqual(STATS);
  expect(queue.health()).toMatchObject({ statisticsDue: 0 });
});

test('an error without a code is a bug and is not swallowed', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const bug = new TypeError('a bug');
  const queue = new StatisticsQueue(loaded(disk), () => Promise.reject(bug));
  await due(queue, 7);
  await expect(queue.run()).rejects.toBe(bug);
});

test('after a stop the session at hand is done and no other is begun', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session).set(8, { ...session, id: 8 });
  const ledger = loaded(disk);
  const queue = new StatisticsQueue(ledger, () => Promise.resolve(STATS));
  await due(queue, 7, 8);
  void queue.run();
  await queue.stop();
  expect(ledger.get(7)?.stats).toEqual(STATS);
  expect(ledger.get(8)?.stats).toBeNull();
  expect(queue.health()).toMatchObject({ statisticsDue: 1 });
});

test('a session removed while its statistics are computed stays removed', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = loaded(disk);
  const queue = new StatisticsQueue(ledger, async () => {
    await ledger.remove(7);
    return STATS;
  });
  await due(queue, 7);
  await queue.run();
  await ledger.flush();
  expect(disk.sessions.size).toBe(0);
});

test('a name given while the statistics are computed is kept', async () => {
  const disk = new Disk();
  disk.sessions.set(7, session);
  const ledger = loaded(disk);
  const queue = new StatisticsQueue(ledger, async () => {
    await ledger.put({ ...session, driver: 'Bo' });
    return STATS;
  });
  await due(queue, 7);
  await queue.run();
  await ledger.flush();
  expect(disk.sessions.get(7)).toEqual({ ...session, driver: 'Bo', stats: STATS });
});

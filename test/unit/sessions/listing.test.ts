import { expect, test } from 'vitest';
import type { Session } from '#core/session.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { Disk, Life, OFF, RUNNING, STATS } from './life.ts';

/** As a long life leaves them: one a minute, every other driver Ann's. */
function many(disk: Disk, n: number, of: (id: number) => Partial<Session> = () => ({})): void {
  for (let id = 1; id <= n; id++) {
    const from = id * 60e6;
    const driver = id % 2 === 0 ? 'Ann' : 'Bo';
    const spans = [{ epoch: 1, from, to: from + 30e6 }];
    const base = { ...NO_NOTES, startedBy: 'manual', endedBy: 'manual', stats: STATS } as const;
    disk.sessions.set(id, { ...base, id, driver, spans, ...of(id) });
  }
}

test('10,000 sessions in pages, newest first, each once, though some come and go meanwhile', async () => {
  const disk = new Disk();
  many(disk, 10_000);
  const { sessions } = await new Life(disk).begin();
  const seen: number[] = [];
  let before: number | undefined;
  do {
    const page = sessions.list({ limit: 300, before });
    seen.push(...page.items.map(({ id }) => id));
    before = page.next ?? undefined;
    await sessions.start({});
    await sessions.end(10_000 + Math.ceil(seen.length / 300));
    if (before === 7000 + 1) await sessions.remove(7500);
  } while (before !== undefined);
  expect(seen).toEqual(Array.from({ length: 10_000 }, (_, i) => 10_000 - i));
});

test('a list can be of one driver, vehicle, tag or time', async () => {
  const disk = new Disk();
  many(disk, 100, (id) => ({
    vehicle: `${id % 3}`,
    tags: id === 50 ? ['wet'] : [],
    ...(id === 70 && { spans: [{ epoch: 1, from: 70 * 60e6, to: 70 * 60e6 }] }),
  }));
  const life = await new Life(disk, { wallMs: 1e12 }).begin();
  const ids = (query: object): number[] =>
    life.sessions.list({ limit: 1000, ...query }).items.map(({ id }) => id);
  expect(ids({ driver: 'Ann' })).toHaveLength(50);
  expect(ids({ driver: 'Ann', vehicle: '0' })).toHaveLength(16);
  expect(ids({ tag: 'wet' })).toEqual([50]);
  expect(ids({ tag: 'we' })).toEqual([]);
  const minute = (m: number): number => 1e12 + m * 60_000;
  expect(ids({ from: minute(10), to: minute(12) })).toEqual([11, 10]);
  expect(ids({ from: minute(10) + 29_999, to: minute(11) })).toEqual([10]);
  expect(ids({ from: minute(10) + 30_000, to: minute(11) + 1 })).toEqual([11]);
  expect(ids({ from: minute(99) })).toEqual([100, 99]);
  expect(ids({ from: minute(70), to: minute(71) }), 'an empty one').toEqual([70]);
  expect(ids({ from: minute(70) + 1, to: minute(71) })).toEqual([]);
  expect(life.sessions.list({ limit: 2, driver: 'Ann' })).toMatchObject({ next: 98 });
  expect(life.sessions.list({ limit: 2, driver: 'Ann', before: 5 }).next).toBeNull();
});

test('at the limit the oldest that is ended and not pinned makes room', async () => {
  const disk = new Disk();
  many(disk, 100_000, (id) => ({ pinned: id === 1 }));
  const life = await new Life(disk).begin();
  await life.sessions.start({});
  await life.clock.advance(0);
  expect(() => life.sessions.get(2)).toThrow('there is no session 2');
  expect(disk.sessions.has(1)).toBe(true);
  expect(disk.sessions.has(2)).toBe(false);
  expect(life.erased).toEqual([]);
  expect(life.sessions.health().details).toMatchObject({ sessions: 100_000, forgotten: 1 });
});

test('where all are pinned, a person is told, and a drive counted', async () => {
  const disk = new Disk();
  many(disk, 100_000, () => ({ pinned: true }));
  const life = await new Life(disk).begin();
  await expect(life.sessions.start({})).rejects.toMatchObject({
    code: 'TOO_MANY',
    message: '100000 sessions are pinned; unpin or delete some',
  });
  await life.car(RUNNING, 3);
  await life.car(OFF, 35);
  expect(life.sessions.health().details).toMatchObject({ sessions: 100_000, refusedDrives: 1 });
});

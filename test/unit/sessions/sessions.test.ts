import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Span } from '#core/session.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { settle } from '../../support/fake-clock.ts';
import { Disk, Life, OFF, ON, RUNNING, refusal, STATS } from './life.ts';

async function started(): Promise<{ disk: Disk; life: Life }> {
  const disk = new Disk();
  return { disk, life: await new Life(disk).begin() };
}

test('a drive becomes a session, with its statistics after its end', async () => {
  const { disk, life } = await started();
  await life.car(OFF, 5);
  await life.car(ON, 4);
  await life.car(RUNNING, 91);
  expect(life.written()).toEqual(['1 open 1:5-']);
  expect(life.sessions.current()).toEqual([disk.sessions.get(1)]);
  expect(life.sessions.health()).toMatchObject({
    status: 'ok',
    text: 'drive 1',
    details: { car: 'driving', current: 1, manual: [], sessions: 1, unsaved: 0 },
  });
  await life.car(OFF, 29);
  expect(life.sessions.get(1).endedBy).toBeNull();
  await life.car(OFF, 5);
  expect(life.written()).toEqual(['1 ignition 1:5-100']);
  expect(disk.sessions.get(1)).toMatchObject({ startedBy: 'ignition', stats: STATS });
  expect(life.counted).toEqual([[{ epoch: 1, from: 5e6, to: 100e6 }]]);
  expect(life.sessions.current()).toEqual([]);
  expect(life.sessions.health().text).toBe('no drive');
  await life.stop();
});

test('the voltage of an adapter and the readings of a headset are no signs of a car', async () => {
  const { life } = await started();
  await life.car(RUNNING, 20);
  await life.unplugged(40);
  expect(life.written()).toEqual(['1 ignition 1:0-19']);
});

test('an event of the car is a sign of life, and no event is an ignition state', async () => {
  const { life } = await started();
  await life.car(RUNNING, 20);
  const stream = {
    id: 'obd.dtc',
    name: '',
    unit: '1',
    range: [0, 1],
    hz: 0,
    kind: 'event',
  } as const;
  await life.unplugged(20);
  life.sessions.take([
    { kind: 'event', stream, t: life.now, data: {} },
    { kind: 'event', stream: { ...stream, id: 'obd.ignition' }, t: life.now, data: { v: 0 } },
  ]);
  await life.unplugged(29);
  expect(life.written()).toEqual(['1 open 1:0-']);
  await life.unplugged(2);
  expect(life.written()).toEqual(['1 ignition 1:0-40']);
});

test('manual sessions lie inside a drive and over its end', async () => {
  const { disk, life } = await started();
  await life.car(RUNNING, 10);
  const first = await life.sessions.start({ driver: 'Ann', tags: ['wet', 'wet'] });
  expect(disk.sessions.get(2)).toEqual(first);
  expect(first).toMatchObject({ ...NO_NOTES, id: 2, driver: 'Ann', tags: ['wet'], stats: null });
  await life.car(RUNNING, 10);
  await life.sessions.start({});
  expect(life.sessions.health().text).toBe('drive 1, manual sessions 2, 3');
  const ended = await life.sessions.end(2);
  expect(disk.sessions.get(2)).toMatchObject({ ...ended, endedBy: 'manual' });
  await life.car(OFF, 40);
  await life.sessions.end(3);
  expect(life.written()).toEqual(['1 ignition 1:0-20', '2 manual 1:10-20', '3 manual 1:20-60']);
});

test('a person may end the drive: its rest is in no session, and the next one is again', async () => {
  const { life } = await started();
  await life.car(RUNNING, 10);
  await life.sessions.end(1);
  await life.car(RUNNING, 60);
  await life.car(OFF, 35);
  await life.car(RUNNING, 5);
  expect(life.written()).toEqual(['1 manual 1:0-10', '2 open 1:105-']);
});

test('what cannot be done is refused with a code and a sentence', async () => {
  const { life } = await started();
  const { sessions } = life;
  const error = (code: string, message: string) => expect.objectContaining({ code, message });
  expect(() => sessions.get(9)).toThrow(error('NOT_FOUND', 'there is no session 9'));
  await expect(sessions.end(9)).rejects.toEqual(error('NOT_FOUND', 'there is no session 9'));
  await expect(sessions.update(9, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(sessions.remove(9)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  for (let i = 0; i < 10; i++) await sessions.start({});
  await expect(sessions.start({})).rejects.toEqual(
    error('TOO_MANY', '10 manual sessions are open; end one first'),
  );
  await expect(sessions.remove(1)).rejects.toEqual(
    error('STILL_OPEN', 'session 1 has not ended yet'),
  );
  await sessions.end(1);
  await expect(sessions.end(1)).rejects.toEqual(error('ENDED', 'session 1 has ended already'));
  await sessions.start({});
});

test('notes may be changed at any time, and each has its limit', async () => {
  const { disk, life } = await started();
  const { sessions } = life;
  await sessions.start({ driver: 'Ann', notes: 'rain', consent: 'yes' });
  await sessions.end(1);
  const changed = await sessions.update(1, { driver: null, pinned: true, vehicle: undefined });
  expect(changed).toMatchObject({ driver: null, notes: 'rain', consent: 'yes', pinned: true });
  expect(disk.sessions.get(1)).toMatchObject(changed);
  const limits = { driver: 120, vehicle: 120, study: 120, notes: 4000, consent: 4000 };
  for (const [field, max] of Object.entries(limits)) {
    await sessions.update(1, { [field]: '\u{1f697}'.repeat(max) });
    await expect(sessions.update(1, { [field]: 'x'.repeat(max + 1) })).rejects.toMatchObject({
      code: 'INVALID',
      message: `${field}: at most ${max} characters, here are ${max + 1}`,
    });
  }
  await sessions.update(1, { tags: Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(40)) });
  for (const tags of [Array(21).fill('a'), ['x'.repeat(41)], ['']]) {
    await expect(sessions.update(1, { tags })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(sessions.start({ tags })).rejects.toMatchObject({ code: 'INVALID' });
  }
  expect(sessions.get(1).tags).toHaveLength(20);
  expect(sessions.current()).toEqual([]);
});

test('removing erases what no other session covers', async () => {
  const { disk, life } = await started();
  await life.car(RUNNING, 10);
  await life.sessions.start({});
  await life.car(RUNNING, 10);
  await life.sessions.end(2);
  await life.car(RUNNING, 10);
  await life.sessions.start({ pinned: true });
  await life.car(OFF, 40);
  await life.sessions.remove(1);
  expect(life.erased).toEqual([
    { epoch: 1, from: 0, to: 10e6 },
    { epoch: 1, from: 20e6, to: 30e6 },
  ]);
  expect([...disk.sessions.keys()]).toEqual([2, 3]);
  expect(life.sessions.pinnedSpans()).toEqual([{ epoch: 1, from: 30e6, to: null }]);
  expect((await life.sessions.start({})).id).toBe(4);
});

test('of two that overlap and are removed at once, nothing is left', async () => {
  const { life } = await started();
  await life.sessions.start({});
  await life.unplugged(10);
  await life.sessions.start({});
  await life.unplugged(10);
  await life.sessions.end(1);
  await life.unplugged(10);
  await life.sessions.end(2);
  const [first, second, again] = [1, 2, 1].map((id) => life.sessions.remove(id));
  await first;
  await second;
  await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(life.erased).toEqual([
    { epoch: 1, from: 0, to: 10e6 },
    { epoch: 1, from: 10e6, to: 30e6 },
  ]);
});

test('a session whose data cannot be erased is kept, and can be removed later', async () => {
  const { disk, life } = await started();
  await life.sessions.start({});
  await life.unplugged(10);
  await life.sessions.end(1);
  await life.unplugged(2);
  life.refusal = refusal();
  await expect(life.sessions.remove(1)).rejects.toBe(life.refusal);
  expect(disk.sessions.has(1)).toBe(true);
  life.refusal = undefined;
  await life.sessions.remove(1);
  expect(disk.sessions.size).toBe(0);
});

test('records that fail cost no session: all is written when they work again', async () => {
  const { disk, life } = await started();
  disk.refusal = refusal();
  await life.car(RUNNING, 10);
  let durable = false;
  const start = life.sessions.start({ driver: 'Ann' }).then(() => {
    durable = true;
  });
  await life.car(RUNNING, 10);
  expect(durable).toBe(false);
  expect(life.sessions.current()).toHaveLength(2);
  expect(life.sessions.health()).toMatchObject({
    status: 'waiting',
    text: '2 of 2 sessions not saved, tried again every second: no space left on the device',
    details: { unsaved: 2 },
  });
  expect(life.sessions.health().details['writeFailures']).toBeGreaterThan(15);
  await life.car(OFF, 40);
  expect(disk.sessions.size).toBe(0);
  disk.refusal = undefined;
  await life.clock.advance(1000);
  await start;
  await settle();
  expect(life.sessions.health()).toMatchObject({ status: 'ok', details: { unsaved: 0 } });
  expect(disk.sessions.get(1)).toMatchObject({ endedBy: 'ignition', stats: STATS });
  expect(disk.sessions.get(2)).toMatchObject({ endedBy: null, driver: 'Ann' });
  expect(disk.writingMax).toBe(1);
});

test('many changes while one write is under way are one write more, the newest', async () => {
  const { disk, life } = await started();
  await life.sessions.start({});
  const before = disk.writes;
  await Promise.all(
    Array.from({ length: 50 }, (_, i) => life.sessions.update(1, { notes: `${i}` })),
  );
  expect(disk.writes - before).toBe(2);
  expect(disk.sessions.get(1)?.notes).toBe('49');
});

test('statistics that fail are tried again when somebody asks, and at the next start', async () => {
  const { disk, life } = await started();
  life.refusal = refusal();
  await life.sessions.start({});
  await life.sessions.end(1);
  await life.unplugged(10);
  expect(life.counted).toHaveLength(1);
  expect(life.sessions.health().details).toMatchObject({
    statisticsFailed: 1,
    statisticsFailure: 'no space left on the device',
  });
  expect(life.sessions.get(1).stats).toBeNull();
  await life.unplugged(2);
  expect(life.counted).toHaveLength(2);
  await life.stop();

  const next = await new Life(disk, { monotonicMs: 60_000 }).begin([1, 10]);
  await next.clock.advance(3000);
  expect(disk.sessions.get(1)?.stats).toEqual(STATS);
  expect(next.sessions.health().details).toMatchObject({ statisticsDue: 0, statisticsFailed: 0 });
});

test('a stop ends no session, and writes what is not written yet', async () => {
  const { disk, life } = await started();
  disk.refusal = refusal();
  await life.car(RUNNING, 5);
  await settle(); // The try under way has failed.
  disk.refusal = undefined;
  await life.stop();
  expect(disk.sessions.get(1)).toMatchObject({ endedBy: null, spans: [{ to: null }] });
  expect(life.clock.sleepers).toBe(0);
});

interface Step {
  readonly what: number | 'unplugged' | 'restart' | 'cut';
  readonly seconds: number;
  readonly order: 'start' | 'end' | 'nothing';
}

/** One step of a life, or the next life. */
async function live(life: Life, disk: Disk, { what, seconds }: Step): Promise<Life> {
  if (what === 'unplugged') await life.unplugged(seconds);
  else if (typeof what === 'number') await life.car(what, seconds);
  else {
    await life.stop();
    const { id, bootId, monotonicMs } = life.epoch;
    const gone = { monotonicMs: monotonicMs + life.now / 1000 + seconds * 10_000 };
    const boot = what === 'cut' ? `${bootId}x` : bootId;
    return new Life(disk, { ...gone, bootId: boot }).begin([id, life.now / 1e6]);
  }
  return life;
}

async function obey({ sessions }: Life, { order }: Step): Promise<void> {
  const manual = sessions.current().filter(({ startedBy }) => startedBy === 'manual');
  const [first] = manual;
  if (order === 'start' && manual.length < 10) await sessions.start({});
  if (order === 'end' && first) await sessions.end(first.id);
}

function checkOrder(spans: readonly Span[]): void {
  let last: Span = { epoch: 0, from: 0, to: 0 };
  for (const span of spans) {
    expect(span.epoch).toBeGreaterThanOrEqual(last.epoch);
    const edge = last.to ?? Number.POSITIVE_INFINITY;
    if (span.epoch === last.epoch) expect(span.from).toBeGreaterThanOrEqual(edge);
    if (span.to !== null) expect(span.to).toBeGreaterThanOrEqual(span.from);
    last = span;
  }
}

test('whatever car and person do, over restarts too: spans are in order and overlap nowhere', async () => {
  const step = fc.record({
    what: fc.constantFrom<Step['what'][]>(OFF, ON, RUNNING, RUNNING, 'unplugged', 'restart', 'cut'),
    seconds: fc.integer({ min: 1, max: 70 }),
    order: fc.constantFrom<Step['order'][]>('start', 'end', 'nothing'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = new Disk();
      let life = await new Life(disk).begin();
      for (const one of steps) {
        life = await live(life, disk, one);
        await obey(life, one);
      }
      await life.unplugged(100);
      const all = disk.list().toSorted((a, b) => a.id - b.id);
      const drives = all.filter(({ startedBy }) => startedBy === 'ignition');
      expect(drives.filter(({ endedBy }) => endedBy === null)).toEqual([]);
      for (const { spans } of all) checkOrder(spans);
      checkOrder(drives.flatMap(({ spans }) => spans));
    }),
    { numRuns: 40 },
  );
});

test('ids go on from the largest that is kept or was ever given', async () => {
  for (const [kept, last, next] of [
    [[], 0, 1],
    [[7, 3], 0, 8],
    [[7], 9, 10],
  ] as const) {
    const disk = new Disk();
    const spans = [{ epoch: 1, from: 0, to: 1 }];
    const ended = {
      ...NO_NOTES,
      startedBy: 'manual',
      endedBy: 'manual',
      spans,
      stats: STATS,
    } as const;
    for (const id of kept) disk.sessions.set(id, { ...ended, id });
    const life = await new Life(Object.assign(disk, { lastId: () => last })).begin();
    const ids = [await life.sessions.start({}), await life.sessions.start({})].map(({ id }) => id);
    expect(ids).toEqual([next, next + 1]);
    await life.stop();
  }
});

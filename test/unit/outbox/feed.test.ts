import { expect, test } from 'vitest';
import { CLASS_POLICIES } from '../../../src/outbox/classes.ts';
import { Feed } from '../../../src/outbox/feed.ts';
import { decodeBatch } from '../../../src/wire/batch.ts';
import { EEG, PLACE, SPEED } from '../../support/bridge-world.ts';
import { FakeQueue } from '../../support/fake-queue.ts';

const OPEN = {
  admissions: { p0: 'go', p1: 'go', p2: 'go', p3: 'go' },
  isMetered: false,
  hasRoom: () => true,
  isAhead: false,
} as const;

/** What this thread has used of the processor, microseconds: other programs do not count. */
function threadUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

async function sendAll(feed: Feed, most: number): Promise<number> {
  feed.refresh();
  for (let count = 0; count < most; count++) {
    const next = await feed.next(OPEN);
    if (typeof next === 'number') return count;
    feed.hasSent(next, OPEN, next.payload.length);
    // The cloud has it at once, so that nothing is held back.
    next.lane.take(next.first + next.n, 0);
  }
  return most;
}

test('a batch takes less than 10 ms of the processor, so that nothing else has to wait', async () => {
  const queue = new FakeQueue();
  queue.declare(1, EEG);
  queue.grow(1, 512 * 7_200);
  for (let i = 0; i < 200; i++) {
    queue.declare(10 + i, { ...SPEED, id: `obd.x${i}` });
    queue.grow(10 + i, 20_000);
  }
  const feed = new Feed({
    ...{ queue, place: PLACE, policies: CLASS_POLICIES, isLive: true, defer: setImmediate },
    clock: { now: threadUs },
  });
  // The first ones are compiled, and find out how many values fit.
  await sendAll(feed, 300);
  feed.counts.turnMsMax = 0;
  expect(await sendAll(feed, 300)).toBe(300);
  expect(feed.counts.turnMsMax).toBeGreaterThan(0);
  expect(feed.counts.turnMsMax).toBeLessThan(10);
});

test('the head tells of the store, the session and what was acknowledged', async () => {
  const queue = new FakeQueue();
  queue.declare(4, SPEED);
  queue.grow(4, 20_000);
  const feed = new Feed({
    ...{ queue, place: PLACE, policies: CLASS_POLICIES, isLive: false, defer: setImmediate },
    clock: { now: () => 0 },
    sessionAt: ({ t }) => (t > 0 ? 17 : null),
  });
  feed.refresh();
  const heads = [];
  for (let i = 0; i < 2; i++) {
    const next = await feed.next(OPEN);
    if (typeof next === 'number') throw new Error('nothing to send');
    feed.hasSent(next, OPEN, next.payload.length);
    next.lane.take(next.first + next.n, 0);
    heads.push(decodeBatch(next.payload).head);
    expect(next.topic).toBe('v1/acme/car-1/up/p2/obd/speed');
  }
  const [first, second] = heads;
  expect(first).toMatchObject({
    dev: 'car-1',
    store: queue.store,
    number: 4,
    session: null,
    first: 0,
  });
  expect(first?.acked).toBeUndefined();
  expect(second).toMatchObject({ session: 17, first: first?.n, acked: first?.n });
});

test.each<[string, (feed: Feed, queue: FakeQueue) => void]>([
  [
    'of one store never goes under the name of the next',
    (_, queue) => {
      queue.store = 'fedcba9876543210';
    },
  ],
  ['before a rewind is not sent', (feed) => feed.rewind()],
])('what was read %s', async (_, change) => {
  const queue = new FakeQueue();
  queue.isSlow = true;
  queue.declare(4, SPEED);
  queue.grow(4, 20_000);
  const feed = new Feed({
    ...{ queue, place: PLACE, policies: CLASS_POLICIES, isLive: false, defer: setImmediate },
    clock: { now: () => 0 },
  });
  feed.refresh();
  const reading = feed.next(OPEN);
  change(feed, queue);
  expect(await reading).toBe(0);
});

test.each([
  ['with hundreds of words for its values goes without the words', 'obd.gear', 'scalars'],
  ['with a name that no head can have is not sent', `obd.${'x'.repeat(24)}`, undefined],
])('a stream %s, and the others go on', async (_, id, kind) => {
  const queue = new FakeQueue();
  const states = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i, `state ${i}`]));
  queue.declare(4, { ...SPEED, id, states });
  queue.declare(5, SPEED);
  queue.grow(4, 700);
  queue.grow(5, 700);
  let now = 0;
  const feed = new Feed({
    ...{ queue, place: PLACE, policies: CLASS_POLICIES, isLive: false, defer: setImmediate },
    clock: { now: () => now },
  });
  const seen = new Map<number, string>();
  for (let i = 0; i < 20; i++) {
    now += 20e6;
    feed.refresh();
    const next = await feed.next(OPEN);
    if (typeof next === 'number') continue;
    feed.hasSent(next, OPEN, next.payload.length);
    const { head, content } = decodeBatch(next.payload);
    seen.set(head.number, content.kind);
    expect(head.stream.states).toBeUndefined();
  }
  expect(seen.get(5)).toBe('scalars');
  expect(seen.get(4)).toBe(kind);
  if (kind === undefined) expect(feed.failure).toMatch(/is not sent: what it is does not fit/);
});

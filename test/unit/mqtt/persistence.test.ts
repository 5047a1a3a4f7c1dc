import { beforeEach, expect, test } from 'vitest';
import { CodedError } from '#core/errors.ts';
import { FILTERS_MAX } from '#core/mqtt-limits.ts';
import {
  type BrokerSide,
  Persistence,
  type PersistenceOptions,
} from '../../../src/mqtt/persistence.ts';
import type { Packet } from '../../../src/mqtt/persistence-packet.ts';
import { QUEUE_BYTES_MAX, QUEUE_MESSAGES_MAX } from '../../../src/mqtt/persistence-queues.ts';
import { RETAINED_BYTES_MAX, RETAINED_MAX } from '../../../src/mqtt/persistence-retained.ts';
import { SESSIONS_MAX } from '../../../src/mqtt/persistence-sessions.ts';
import type { MqttChange, MqttRecord } from '../../../src/store/mqtt-records.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const DAY_MS = 86_400_000;

/** Keeps in memory what a table would keep on the disk. */
class MemoryRecords {
  readonly records = new Map<string, MqttRecord>();
  readonly commits: (readonly MqttChange[])[] = [];
  failure: Error | undefined;
  unreadable: Error | undefined;

  list(): MqttRecord[] {
    if (this.unreadable) throw this.unreadable;
    return [...this.records.values()];
  }

  async commit(changes: readonly MqttChange[]): Promise<void> {
    await settle();
    if (this.failure) throw this.failure;
    this.commits.push(changes);
    for (const { kind, owner, n, value } of changes) {
      const name = `${kind} ${owner} ${n}`;
      if (value === undefined) this.records.delete(name);
      else this.records.set(name, { kind, owner, n, value: JSON.parse(JSON.stringify(value)) });
    }
  }

  of(kind: string): string[] {
    return this.list().flatMap((one) => (one.kind === kind ? [one.owner] : []));
  }
}

let records: MemoryRecords;
let clock: FakeClock;
let broker: BrokerSide & { clients: Record<string, unknown> };
let kept: Persistence;
let starts = 0;

beforeEach(async () => {
  records = new MemoryRecords();
  clock = new FakeClock();
  kept = await start();
  kept.open();
});

async function start(more: Partial<PersistenceOptions> = {}): Promise<Persistence> {
  const made = new Persistence({
    records,
    clock,
    ages: {
      now: () => ({ epoch: 1, t: clock.now() }),
      since: ({ t }) => (clock.now() - t) / 1000,
    },
    isSlow: (topic) => topic.startsWith('signal/'),
    ...more,
  });
  broker = { id: `start-${starts++}`, counter: 0, clients: {} };
  await made.setup(broker);
  return made;
}

/** As after a kill: what is in memory is gone. */
async function restart(): Promise<Persistence> {
  const made = await start();
  made.open();
  return made;
}

const message = (topic: string, payload: string, more: Partial<Packet> = {}): Packet => ({
  ...{ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false },
  ...{ brokerId: broker.id, brokerCounter: ++broker.counter },
  ...more,
});

const retain = (topic: string, payload: string, from = kept): Promise<void> =>
  from.storeRetained(message(topic, payload, { retain: true }));

async function retainedIn(one: Persistence, filter = '#'): Promise<Record<string, string>> {
  const packets: Packet[] = await one.createRetainedStream(filter).toArray();
  return Object.fromEntries(packets.map(({ topic, payload }) => [topic, `${payload}`]));
}

async function waiting(one: Persistence, id: string): Promise<string[]> {
  const packets: Packet[] = await one.outgoingStream({ id }).toArray();
  return packets.map(({ payload }) => `${payload}`);
}

const enqueue = (id: string, payload: string, one = kept): Promise<void> =>
  one.outgoingEnqueueCombi([{ clientId: id }], message('event/x', payload));

const subscribe = (id: string, ...topics: string[]): Promise<void> =>
  kept.addSubscriptions(
    { id },
    topics.map((topic) => ({ topic, qos: 1 })),
  );

const detail = (name: string, one = kept): unknown => one.health().details[name];

test('what is retained of a state is written at once, and of a value once a minute', async () => {
  const stop = new AbortController();
  const run = kept.run(stop.signal);
  await retain('state', 'online');
  for (let i = 0; i < 250; i++) {
    await retain('signal/speed', `${i}`);
    await clock.advance(200);
  }
  await settle();
  expect(records.of('retained')).toEqual(['state']);
  expect(records.commits).toHaveLength(1);
  await clock.advance(15_000);
  await kept.durable();
  expect(records.of('retained')).toEqual(['state', 'signal/speed']);
  expect(records.commits).toHaveLength(2);
  await retain('signal/speed', 'last');
  stop.abort();
  await run;
  expect(await retainedIn(await restart())).toEqual({ state: 'online', 'signal/speed': 'last' });
});

test('the same message again costs the disk nothing', async () => {
  for (let i = 0; i < 5; i++) {
    await retain('state', 'online');
    await kept.durable();
  }
  expect(records.commits).toHaveLength(1);
  await retain('state', '');
  await kept.durable();
  expect(records.of('retained')).toEqual([]);
});

test('what many do in one turn is one commit', async () => {
  await subscribe('a', 'event/#');
  const before = records.commits.length;
  await Promise.all(Array.from({ length: 100 }, (_, i) => enqueue('a', `${i}`)));
  await kept.durable();
  expect(records.commits.length - before).toBeLessThanOrEqual(2);
  expect(records.of('outgoing')).toHaveLength(100);
});

test('what a connected client takes at once never reaches the disk', async () => {
  broker.clients['a'] = {};
  const packet = message('event/x', 'quick', { messageId: 7 });
  await kept.outgoingEnqueue({ clientId: 'a' }, packet);
  await kept.outgoingUpdate({ id: 'a' }, packet);
  expect(`${(await kept.outgoingClearMessageId({ id: 'a' }, { messageId: 7 }))?.payload}`).toBe(
    'quick',
  );
  await kept.durable();
  expect(records.commits).toEqual([]);
  await enqueue('a', 'slow');
  await settle();
  expect(records.commits).toEqual([]);
  delete broker.clients['a'];
  await enqueue('a', 'offline');
  await settle();
  await settle();
  expect(records.of('outgoing')).toHaveLength(2);
});

test('a message that two subscriptions of a client match waits for it once', async () => {
  await subscribe('a', 'event/#', 'event/x');
  const packet = message('event/x', 'one');
  const subs = await kept.subscriptionsByTopic('event/x');
  expect(subs).toHaveLength(2);
  await kept.outgoingEnqueueCombi(subs, packet);
  expect(await waiting(kept, 'a')).toEqual(['one']);
});

test('what is kept ahead of its acknowledgement is durable then, and kept once', async () => {
  await subscribe('a', 'event/#');
  const { brokerId: _, brokerCounter: __, ...fresh } = message('event/x', 'one');
  await kept.keepAhead(fresh);
  expect(await waiting(await restart(), 'a')).toEqual(['one']);
  const numbered = { ...fresh, ...{ brokerId: 'start', brokerCounter: 1 } };
  await kept.keepAhead(numbered);
  await kept.outgoingEnqueueCombi([{ clientId: 'a' }, { clientId: 'b' }], numbered);
  expect(await waiting(kept, 'a')).toEqual(['one', 'one']);
  expect(await waiting(kept, 'b')).toEqual(['one']);
  records.failure = new CodedError('FAILED', 'the disk is full');
  await expect(kept.keepAhead(message('event/x', 'two'))).rejects.toThrow('the disk is full');
});

test('a message that a client may not have is taken out although it has no identifier', async () => {
  const packet = message('event/x', 'one');
  await kept.outgoingEnqueue({ clientId: 'a' }, message('event/x', 'zero'));
  await kept.outgoingEnqueue({ clientId: 'a' }, packet);
  await kept.outgoingClearMessageId({ id: 'a' }, packet);
  expect(await waiting(kept, 'a')).toEqual(['zero']);
});

test('a disk that refuses keeps nobody out, health tells, and it is tried again', async () => {
  records.failure = new CodedError('FAILED', 'the disk is full');
  const stop = new AbortController();
  const run = kept.run(stop.signal);
  await retain('state', 'online');
  await subscribe('a', 'event/#');
  expect(await kept.subscriptionsByClient({ id: 'a' })).toHaveLength(1);
  expect(kept.health()).toMatchObject({
    status: 'waiting',
    text: 'what the broker keeps is not written: the disk is full',
  });
  records.failure = undefined;
  await clock.advance(5_000);
  await settle();
  expect(kept.health()).toMatchObject({ status: 'ok', details: { unsaved: 0 } });
  expect([records.of('retained'), records.of('session')]).toEqual([['state'], ['a']]);
  stop.abort();
  await run;
});

test('a bug of the records is none of the world', async () => {
  records.failure = new TypeError('not a function');
  await expect(kept.durable()).resolves.toBeUndefined();
  const other = await start();
  await retain('state', 'x', other);
  expect(other.health().text).toContain('in memory only');
});

test('before the store is open everything works, and is kept from then on', async () => {
  await retain('state', 'old');
  await retain('cleared', 'old');
  await retain('other', 'old');
  await subscribe('stays', 'event/#');
  await subscribe('anew', 'event/#');
  await enqueue('stays', 'old');
  await enqueue('anew', 'old');
  await kept.durable();
  const early = await start();
  expect(early.health()).toMatchObject({ status: 'waiting', details: { unsaved: 0 } });
  await retain('state', 'new', early);
  await retain('cleared', '', early);
  await enqueue('stays', 'new', early);
  await early.cleanSubscriptions({ id: 'anew' });
  early.open();
  await early.durable();
  for (const one of [early, await restart()]) {
    expect(await retainedIn(one)).toEqual({ state: 'new', other: 'old' });
    expect(await waiting(one, 'stays')).toEqual(['old', 'new']);
    expect(await waiting(one, 'anew')).toEqual([]);
    expect(await one.subscriptionsByClient({ id: 'anew' })).toEqual([]);
    expect(await one.subscriptionsByClient({ id: 'stays' })).toHaveLength(1);
  }
});

test('of too many messages for one client the oldest go, and are counted', async () => {
  for (let i = 0; i < QUEUE_MESSAGES_MAX + 3; i++) await enqueue('a', `${i}`);
  expect((await waiting(kept, 'a'))[0]).toBe('3');
  expect(detail('waitingDropped')).toBe(3);
  const large = 'x'.repeat(QUEUE_BYTES_MAX / 4);
  for (let i = 0; i < 5; i++) await enqueue('b', large);
  expect(await waiting(kept, 'b')).toHaveLength(3);
  await kept.durable();
  expect(records.of('outgoing').filter((one) => one === 'b')).toHaveLength(3);
});

test('retained messages have a number and a size that they do not pass', async () => {
  for (let i = 0; i < RETAINED_MAX + 2; i++) await retain(`signal/${i}`, 'x');
  expect([detail('retained'), detail('retainedDropped')]).toEqual([RETAINED_MAX, 2]);
  await retain('signal/0', 'new');
  expect(await retainedIn(kept, 'signal/0')).toEqual({ 'signal/0': 'new' });
  await retain('signal/1', 'x'.repeat(RETAINED_BYTES_MAX));
  expect(await retainedIn(kept, 'signal/1')).toEqual({});
  expect(Number(detail('retainedBytes'))).toBeLessThan(RETAINED_BYTES_MAX);
});

test('sessions end that nobody comes back to, and the longest unused where there are too many', async () => {
  const stop = new AbortController();
  const run = kept.run(stop.signal);
  broker.clients['connected'] = {};
  for (const id of ['connected', 'away']) await subscribe(id, 'event/#');
  await enqueue('away', 'never read');
  for (let day = 0; day < 8; day++)
    await clock.advance(DAY_MS / 4).then(() => clock.advance(DAY_MS));
  expect(records.of('session')).toEqual(['connected']);
  expect(records.of('outgoing')).toEqual([]);
  expect(detail('sessionsExpired')).toBe(1);
  for (let i = 0; i < SESSIONS_MAX; i++) {
    await clock.advance(1);
    await subscribe(`client-${i}`, 'event/#');
  }
  expect(detail('sessions')).toBe(SESSIONS_MAX);
  expect(await kept.subscriptionsByClient({ id: 'client-0' })).toEqual([]);
  expect(await kept.subscriptionsByClient({ id: 'connected' })).toHaveLength(1);
  stop.abort();
  await run;
});

test('nobody has more subscriptions or messages under way than there is room for', async () => {
  const many = Array.from({ length: FILTERS_MAX }, (_, i) => `event/${i}`);
  await subscribe('a', ...many);
  await expect(subscribe('a', 'one/more')).rejects.toMatchObject({ code: 'TOO_MANY' });
  await subscribe('a', 'event/0');
  const incoming = (messageId: number): Promise<void> =>
    kept.incomingStorePacket({ id: 'a' }, message('x', 'y', { qos: 2, messageId }));
  for (let i = 1; i <= 100; i++) await incoming(i);
  await expect(incoming(101)).rejects.toMatchObject({ code: 'TOO_MANY' });
  await incoming(100);
});

test('a message of QoS 2 that came is known to have come after a restart', async () => {
  await kept.incomingStorePacket({ id: 'a' }, message('x', 'y', { qos: 2, messageId: 9 }));
  const next = await restart();
  expect((await next.incomingGetPacket({ id: 'a' }, { messageId: 9 })).messageId).toBe(9);
  await next.incomingDelPacket({ id: 'a' }, { messageId: 9 });
  await next.durable();
  expect(records.list()).toEqual([]);
});

test('a will of a start that was cut off is there for the next', async () => {
  await kept.putWill(
    { id: 'a' },
    { topic: 'x', payload: Buffer.from('gone'), qos: 0, retain: false },
  );
  await kept.durable();
  const before = broker.id;
  const next = await restart();
  const wills: Packet[] = await next.streamWill({ [broker.id]: 1 }).toArray();
  expect(wills.map(({ clientId, brokerId }) => [clientId, brokerId])).toEqual([['a', before]]);
  await next.delWill({ id: 'a' });
  await next.durable();
  expect(records.list()).toEqual([]);
});

/** A store that may be closed, and is opened again. */
async function follow(run: (store: { openings: number }) => Promise<void>): Promise<void> {
  const store = { openings: 0 };
  kept = await start({ openings: () => store.openings });
  const stop = new AbortController();
  const ran = kept.run(stop.signal);
  await run(store);
  stop.abort();
  await ran;
}

test('a store that has closed again before it is read is read later, and health tells why', async () => {
  await retain('state', 'before');
  await kept.durable();
  await follow(async (store) => {
    expect(kept.health().text).toContain('the store is not open');
    records.unreadable = new CodedError('OFF', 'the disk has gone');
    store.openings = 1;
    await clock.advance(5_000);
    expect(kept.health()).toMatchObject({ status: 'waiting' });
    expect(kept.health().text).toContain('the disk has gone');
    expect(await retainedIn(kept)).toEqual({});
    records.unreadable = undefined;
    await clock.advance(5_000);
    expect(await retainedIn(kept)).toEqual({ state: 'before' });
    expect(kept.health()).toMatchObject({ status: 'ok', text: 'keeping' });
  });
});

test('into a store that was opened anew goes all that is kept', async () => {
  await follow(async (store) => {
    store.openings = 1;
    await clock.advance(5_000);
    await retain('state', 'online');
    await subscribe('phone', 'event/#');
    await enqueue('phone', 'waits');
    await kept.durable();
    const written = records.list();
    expect(written).toHaveLength(3);
    records.records.clear(); // The file was damaged, and is a new one.
    store.openings = 2;
    await clock.advance(5_000);
    await kept.durable();
    expect(records.list()).toEqual(expect.arrayContaining(written));
  });
});

test('a bug while the records are read is not taken for a disk that fails', async () => {
  records.unreadable = new TypeError('not a function');
  kept = await start({ openings: () => 1 });
  await expect(kept.run(new AbortController().signal)).rejects.toThrow(TypeError);
});

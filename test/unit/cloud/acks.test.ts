import { beforeEach, expect, test } from 'vitest';
import { type AckMessage, Acks } from '../../../src/cloud/acks.ts';
import { DatabaseError } from '../../../src/cloud/database.ts';
import { MqttError } from '../../../src/io/mqtt-client.ts';
import { decodeAck } from '../../../src/wire/ack.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';

const STORE = '0123456789abcdef';
const PLACE = { tenant: 'fleet', device: 'car-1' };

let clock: FakeClock;
let stopping: AbortController;
let counters: { acks: number; dropped: number };
let published: AckMessage[];
let connects: number;
let endConnection: (error: Error) => void;
let refusals: Error[];
let next: () => Promise<ReadonlyMap<number, number>>;
let publishing: (message: AckMessage) => Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  stopping = new AbortController();
  counters = { acks: 0, dropped: 0 };
  published = [];
  connects = 0;
  refusals = [];
  next = () => Promise.resolve(new Map([[3, 300]]));
  publishing = (message) => {
    published.push(message);
    return Promise.resolve();
  };
});

function create(): Acks {
  const connect = () => {
    connects++;
    const refusal = refusals.shift();
    if (refusal) return Promise.reject(refusal);
    const { promise: closed, resolve } = Promise.withResolvers<Error>();
    endConnection = resolve;
    return Promise.resolve({
      closed,
      publish: (message: AckMessage) => publishing(message),
      close: () => Promise.resolve(),
    });
  };
  return new Acks({ clock, log: SILENT_LOG, counters, connect, next: () => next() });
}

test('what is committed is told by a retained message of all of the store', async () => {
  const acks = create();
  const running = acks.run(stopping.signal);
  acks.announce(PLACE, STORE);
  acks.announce(PLACE, STORE);
  await expect.poll(() => published).toHaveLength(1);
  const [message] = published;
  expect(message).toMatchObject({ topic: 'v1/fleet/car-1/ack', qos: 1, retain: true });
  expect(decodeAck(Buffer.from(message?.payload ?? '')).next).toEqual(new Map([[3, 300]]));
  expect(counters.acks).toBe(1);
  stopping.abort();
  await running;
  expect(clock.sleepers).toBe(0);
});

test('what is committed while one is read is told by the next one', async () => {
  const acks = create();
  next = () => {
    if (published.length === 0) acks.announce(PLACE, STORE);
    return Promise.resolve(new Map([[3, 300 + published.length]]));
  };
  const running = acks.run(stopping.signal);
  acks.announce(PLACE, STORE);
  await expect.poll(() => published).toHaveLength(1);
  await expect.poll(() => clock.sleepers).toBe(1);
  await clock.advance(200);
  await expect.poll(() => published).toHaveLength(2);
  expect(published[1]?.payload).toContain('"3":301');
  stopping.abort();
  await running;
});

test('a broker that is away is tried again, and what waits is told then', async () => {
  const acks = create();
  refusals = [new MqttError('CONNECT', 'nobody there'), new MqttError('AUTH', 'not allowed')];
  acks.announce(PLACE, STORE);
  const running = acks.run(stopping.signal);
  for (const ms of [500, 1000]) {
    await expect.poll(() => clock.sleepers).toBe(1);
    await clock.advance(ms);
  }
  await expect.poll(() => published).toHaveLength(1);
  expect(connects).toBe(3);
  expect(acks.connected).toBe(true);
  stopping.abort();
  await running;
});

test('one that the broker did not take is told over the next connection', async () => {
  const acks = create();
  const lost = new MqttError('CLOSED', 'cut');
  const fine = publishing;
  publishing = () => {
    endConnection(lost);
    return Promise.reject(lost);
  };
  const running = acks.run(stopping.signal);
  acks.announce(PLACE, STORE);
  await expect.poll(() => clock.sleepers).toBe(1);
  expect(acks.waiting).toBe(1);
  publishing = fine;
  await clock.advance(500);
  await expect.poll(() => published).toHaveLength(1);
  stopping.abort();
  await running;
});

test('a database that is away leaves them waiting', async () => {
  const acks = create();
  const good = next;
  next = () => Promise.reject(new DatabaseError('UNAVAILABLE', 'away'));
  const running = acks.run(stopping.signal);
  acks.announce(PLACE, STORE);
  await expect.poll(() => clock.sleepers).toBe(1);
  expect(acks.waiting).toBe(1);
  next = good;
  await clock.advance(200);
  await expect.poll(() => published).toHaveLength(1);
  expect(connects).toBe(1);
  stopping.abort();
  await running;
});

test('a bug ends it', async () => {
  const acks = create();
  next = () => Promise.reject(new TypeError('a bug'));
  acks.announce(PLACE, STORE);
  await expect(acks.run(stopping.signal)).rejects.toThrow('a bug');
});

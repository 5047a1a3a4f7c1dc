import { expect, test } from 'vitest';
import type { Role, User } from '#core/account.ts';
import { Live } from '../../../../src/http/live.ts';
import type { Guest } from '../../../../src/http/sockets/gate.ts';
import { openSession } from '../../../../src/http/sockets/session.ts';
import { WsStats } from '../../../../src/http/sockets/telemetry.ts';
import { SessionError } from '../../../../src/sessions/errors.ts';
import { StoreError } from '../../../../src/store/errors.ts';
import { createWorld, EPOCH, SESSION } from '../../ingest/world.ts';
import { FakePeer } from '../fakes.ts';

const OWNER = 'student-1';

function open({ role = 'operator' as Role, user = OWNER, id = String(SESSION) } = {}) {
  const world = createWorld();
  world.session.owner = OWNER;
  const { clock, ingest, session } = world;
  const live = new Live({ clock, realTime: clock, streams: () => ingest.streams() });
  const peer = new FakePeer();
  const stats = new WsStats();
  const scope = role === 'student' ? 'own' : 'all';
  const account = { id: user, username: user, role, grants: [], enabled: true, createdAt: '' };
  const get = (wanted: number) => {
    if (wanted === SESSION) return session;
    throw new SessionError('NOT_FOUND', `there is no session ${wanted}`);
  };
  const reading = { sessions: () => ({ get }) };
  const hello = { device: 'car', epoch: EPOCH, version: '1.2.3' };
  const guest = { identity: { user: account, login: 'l' }, scope, renew: () => {} } as const;
  const socket = openSession(peer, guest, {
    ...{ clock, realTime: clock, live, hello, stats, id, reading, ingest },
    openSessions: () => [session],
  });
  const sendText = (text: string) => socket.message(new TextEncoder().encode(text), false);
  const send = (message: object) => sendText(JSON.stringify(message));
  return { ...world, live, peer, stats, socket, send, sendText };
}

const data = (seq: number, more: object = {}) => {
  const items = [{ t: 2_000_000, faceDetected: true, confidence: 1 }];
  return {
    type: 'data',
    id: seq,
    stream: 'face',
    client: 'cam',
    seq,
    epoch: EPOCH,
    items,
    ...more,
  };
};

test('who joins is told how, and gets what clients send', () => {
  const { peer } = open();
  expect(peer.messages()).toMatchObject([
    { type: 'hello' },
    { type: 'joined', session: SESSION, send: true, window: 32 },
    { type: 'subscribed', streams: [{ id: 'client.alert' }] },
  ]);
});

test('a batch is acknowledged once it is durable, to who sent it, and shown to all', async () => {
  const { clock, peer, send, emitted, live } = open();
  await clock.advance(3_000);
  peer.messages();
  send(data(0));
  expect(peer.messages()).toEqual([]);
  await clock.advance(1_000);
  live.take(emitted);
  const ack = { type: 'ack', id: 0, stream: 'face', client: 'cam', seq: 0, duplicate: false };
  const messages = peer.messages();
  expect(messages[0]).toEqual(ack);
  expect(messages.at(-1)).toMatchObject({
    type: 'samples',
    values: { 'face.detected': 1, 'face.confidence': 1 },
  });
  send(data(0, { id: 'again' }));
  await clock.advance(1_000);
  expect(peer.messages()).toEqual([{ ...ack, id: 'again', duplicate: true }]);
});

test('an alert of a client is acknowledged, and an event for all', async () => {
  const { clock, peer, send, emitted, live } = open();
  await clock.advance(3_000);
  peer.messages();
  const items = [{ t: 2_000_000, severity: 'alarm', text: 'Asleep' }];
  send(data(0, { stream: 'alert', items }));
  await clock.advance(1_000);
  live.take(emitted);
  const [ack, event] = peer.messages();
  expect(ack).toEqual({
    ...{ type: 'ack', id: 0, stream: 'alert', client: 'cam', seq: 0, duplicate: false },
  });
  expect(event).toMatchObject({
    ...{ type: 'event', stream: 'client.alert', t: 2_000_000 },
    data: { client: 'cam', severity: 'alarm', text: 'Asleep' },
  });
});

test('a store that cannot take it says busy, and the same batch is taken later', async () => {
  const { clock, peer, send, store } = open();
  await clock.advance(3_000);
  store.isFailing = true;
  send(data(0));
  await clock.advance(1_000);
  expect(peer.messagesOf('error')).toMatchObject([{ id: 0, seq: 0, code: 'busy' }]);
  store.isFailing = false;
  send(data(0));
  await clock.advance(1_000);
  expect(peer.messagesOf('ack')).toMatchObject([{ seq: 0 }]);
});

test('more than the window waits for no answer: it is refused, and nothing of it is taken', async () => {
  const { clock, peer, send, store } = open();
  await clock.advance(3_000);
  for (let seq = 0; seq < 33; seq++) send(data(seq));
  expect(peer.messagesOf('error')).toMatchObject([{ seq: 32, code: 'busy' }]);
  await clock.advance(1_000);
  expect(peer.messagesOf('ack')).toHaveLength(32);
  expect(store.data()).toHaveLength(64);
});

test('the clock is told and used', async () => {
  const { clock, peer, send, store } = open();
  await clock.advance(3_000);
  const exchanges = [{ t1: 0, t2: 2_000_100, t3: 2_000_100, t4: 200 }];
  send({ type: 'clock', id: 1, client: 'cam', epoch: EPOCH, exchanges });
  const told = { type: 'clock', id: 1, client: 'cam', offset: 2_000_000, roundTrip: 200 };
  expect(peer.messagesOf('clock')).toMatchObject([told]);
  send(data(0, { epoch: undefined, items: [{ t: 5, faceDetected: false, confidence: 0 }] }));
  await clock.advance(1_000);
  expect(store.data()[0]).toMatchObject({ t: 2_000_005, v: 0 });
});

test('a marker is of this moment and of who is here', async () => {
  const { clock, peer, send, store } = open();
  await clock.advance(3_000);
  send({ type: 'marker', id: 9, text: 'tired' });
  await clock.advance(1_000);
  expect(peer.messagesOf('ack')).toEqual([{ type: 'ack', id: 9, duplicate: false }]);
  expect(store.data()).toMatchObject([{ t: 3_000_000, data: { text: 'tired', by: OWNER } }]);
});

test('what telemetry knows is answered here too', () => {
  const { peer, send } = open();
  send({ type: 'ping', id: 4 });
  expect(peer.messages().at(-1)).toEqual({ type: 'pong', id: 4 });
  send({ type: 'time', id: 5, t1: 77 });
  expect(peer.messages().at(-1)).toMatchObject({ type: 'time', id: 5, t1: 77 });
});

const face = { t: 2_000_000, faceDetected: true, confidence: 1 };
const REFUSED: readonly (readonly [string, object, string, string | undefined])[] = [
  ['a stream of ours', { stream: 'obd' }, 'bad-message', '/stream'],
  ['a client that is no name', { client: 'Cam.1' }, 'bad-message', '/client'],
  ['a number below 0', { seq: -1 }, 'bad-message', '/seq'],
  ['a name too many', { extra: 1 }, 'bad-message', '/extra'],
  [
    'a share above 1',
    { items: [{ ...face, confidence: 2 }] },
    'bad-message',
    '/items/0/confidence',
  ],
  ['a time that is text', { items: [{ ...face, t: 'now' }] }, 'bad-message', '/items/0/t'],
  ['a measure nobody knows', { items: [{ ...face, eyes: 1 }] }, 'bad-message', '/items/0/eyes'],
  ['no pictures', { items: [] }, 'bad-message', '/items'],
  ['a time in the future', { items: [{ ...face, t: 9e9 }] }, 'in-future', '/items/0/t'],
  ['an epoch that is over', { epoch: EPOCH - 1 }, 'other-epoch', '/epoch'],
  ['a clock nobody knows', { epoch: undefined }, 'no-clock', undefined],
];

test.each(REFUSED)('refused: %s', async (_, wrong, code, pointer) => {
  const { clock, peer, send, store } = open();
  await clock.advance(3_000);
  peer.messages();
  send(data(0, wrong));
  await clock.advance(1_000);
  const [error, ...others] = peer.messagesOf('error');
  expect(error).toMatchObject({ code, ...(pointer && { pointer }) });
  expect(others).toEqual([]);
  expect(store.kept).toEqual([]);
});

test('numbers that no number can hold are refused', async () => {
  const { clock, peer, sendText } = open();
  await clock.advance(3_000);
  sendText(JSON.stringify(data(0)).replace('"confidence":1', '"confidence":1e999'));
  expect(peer.messagesOf('error')).toMatchObject([{ pointer: '/items/0/confidence' }]);
});

test('who may only look is told so', async () => {
  const { clock, peer, send, store } = open({ role: 'viewer' });
  expect(peer.messagesOf('joined')).toMatchObject([{ send: false }]);
  send(data(0));
  send({ type: 'marker', text: 'x' });
  await clock.advance(1_000);
  expect(peer.messagesOf('error')).toMatchObject([
    { code: 'not-allowed', seq: 0 },
    { code: 'not-allowed' },
  ]);
  expect(store.kept).toEqual([]);
});

test('a student is in sessions of their own, and of no others is told', () => {
  expect(open({ role: 'student' }).peer.closed).toBeUndefined();
  const other = open({ role: 'student', user: 'student-2' }).peer;
  const none = open({ role: 'student', user: 'student-2', id: '99' }).peer;
  expect(other.closed).toEqual({ code: 4404, reason: 'there is no session "3"' });
  expect(none.closed).toEqual({ code: 4404, reason: 'there is no session "99"' });
  expect([...other.messages(), ...none.messages()]).toEqual([]);
});

test('while the store is not open one is to come later', () => {
  const peer = new FakePeer();
  const world = open();
  const sessions = () => {
    throw new StoreError('OFF', 'opening');
  };
  const { clock, live, ingest, stats } = world;
  const user: User = {
    ...{ id: 'a', username: 'a', role: 'admin', grants: [], enabled: true, createdAt: '' },
  };
  const guest: Guest = { identity: { user, login: 'l' }, scope: 'all', renew: () => {} };
  const hello = { device: 'car', epoch: EPOCH, version: '1' };
  openSession(peer, guest, {
    ...{ clock, realTime: clock, live, ingest, stats, hello, id: '3', reading: { sessions } },
  });
  expect(peer.closed?.code).toBe(1013);
});

test('a session that has ended takes nothing, and who is in it stays', async () => {
  const { clock, peer, send, session } = open();
  await clock.advance(3_000);
  session.spans = [{ epoch: EPOCH, from: 0, to: 2_500_000 }];
  send(data(0));
  await clock.advance(1_000);
  expect(peer.messagesOf('error')).toMatchObject([{ code: 'ended', seq: 0 }]);
  expect(peer.closed).toBeUndefined();
});

test('limits close the connection: length, rate, nonsense', () => {
  const long = open();
  long.sendText(' '.repeat(64 * 1024 + 1));
  expect(long.peer.closed?.code).toBe(1009);
  const fast = open();
  for (let i = 0; i <= 50; i++) fast.send({ type: 'clock' });
  // Ten that fit no shape come first.
  expect(fast.peer.closed?.code).toBe(1008);
  const busy = open({ role: 'viewer' });
  for (let i = 0; i <= 50; i++) busy.send({ type: 'data' });
  expect(busy.peer.closed?.code).toBe(4429);
});

test('who does not read the answers is closed', async () => {
  const { clock, peer, send } = open();
  await clock.advance(3_000);
  peer.send = () => 'dropped';
  send(data(0));
  await clock.advance(1_000);
  expect(peer.closed?.code).toBe(4290);
});

test('who sends into a session that was given to somebody else is closed', async () => {
  const { clock, peer, send, session, emitted } = open({ role: 'student' });
  await clock.advance(3_000);
  session.owner = 'another';
  send(data(0));
  await clock.advance(1_000);
  expect(peer.closed?.code).toBe(4404);
  expect(emitted).toEqual([]);
});

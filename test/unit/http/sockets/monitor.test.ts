import { expect, test } from 'vitest';
import { ALERT } from '#core/alert.ts';
import type { Session } from '#core/session.ts';
import { Live } from '../../../../src/http/live.ts';
import { openMonitor } from '../../../../src/http/sockets/monitor.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { userOf } from '../callers.ts';
import { eeg, event, FakePeer, rpm, sample, speed, wave } from '../fakes.ts';

const STUDENT = userOf('student').id;
const DRIVE: Session = {
  ...NO_NOTES,
  ...{ id: 4, owner: STUDENT, driver: 'Ada', startedBy: 'manual', endedBy: null, stats: null },
  spans: [
    { epoch: 1, from: 0, to: 9e9 },
    { epoch: 2, from: 1e6, to: null },
  ],
};

function open() {
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => [rpm, speed] });
  void live.run(new AbortController().signal);
  let sessions: readonly Session[] = [DRIVE];
  const peer = new FakePeer();
  const renewed: unknown[] = [];
  const identity = { user: userOf('operator'), login: 'login' };
  const monitor = openMonitor(
    peer,
    { identity, scope: 'all', renew: (message) => void renewed.push(message) },
    {
      ...{ realTime: clock, live, people: bareGateway().accounts },
      hello: { device: 'car', epoch: 2, version: '1' },
      openSessions: () => sessions,
      epochs: () => new Map(),
      ongoing: () => [1, 2],
    },
  );
  const send = (message: unknown) =>
    monitor.message(new TextEncoder().encode(JSON.stringify(message)), false);
  const second = async () => {
    await clock.advance(1_000);
    await settle();
  };
  const set = (next: readonly Session[]) => {
    sessions = next;
  };
  return { clock, live, peer, monitor, send, second, set, renewed };
}

test('it tells of the open sessions at once, and of what has changed every second', async () => {
  const { live, peer, second, set } = open();
  const [hello, first] = peer.messages();
  expect(hello).toMatchObject({ type: 'hello', protocol: 1, epoch: 2 });
  const item = {
    ...{ id: 4, state: 'active', startedAt: null, clockTrust: 'none', driver: 'Ada' },
    owner: { id: STUDENT, username: 'student' },
    ...{ streams: 0, valuesHz: 0, alerts: 2, clients: 0 },
  };
  expect(first).toEqual({ type: 'sessions', items: [item], clients: 1, removed: 0 });
  await second();
  expect(peer.messagesOf('sessions')).toEqual([]);
  const block = wave(eeg, 2_000, Int16Array.from({ length: 98 }));
  live.take([sample(rpm, 5, 800), sample(rpm, 2e6, 800), block, sample(speed, 5, 1)]);
  const student = live.connect(new FakePeer(), STUDENT);
  await second();
  expect(peer.messagesOf('sessions')).toEqual([
    {
      ...{ type: 'sessions', clients: 2, removed: 0 },
      items: [{ ...item, streams: 2, valuesHz: 101, clients: 1 }],
    },
  ]);
  live.disconnect(student);
  set([]);
  await second();
  expect(peer.messagesOf('sessions')).toEqual([
    { type: 'sessions', items: [], clients: 1, removed: 0 },
  ]);
});

test('alerts come at once, other events do not', () => {
  const { live, peer } = open();
  peer.messages();
  live.take([event(ALERT, 5, { id: '2-1' }), sample(rpm, 5, 800)]);
  expect(peer.messages().filter(({ type }) => type !== 'subscribed')).toEqual([
    { type: 'alert', seq: 1, t: 5, id: '2-1' },
  ]);
});

test('a client is answered, and stays by its next token', () => {
  const { peer, send, renewed } = open();
  peer.messages();
  send({ type: 'ping', id: 'a' });
  const auth = { type: 'auth', access_token: 'token' };
  send(auth);
  expect(peer.messages()).toEqual([{ type: 'pong', id: 'a' }]);
  expect(renewed).toEqual([auth]);
});

test('what makes no sense is told, and closes the connection when it goes on', () => {
  const { peer, send, monitor } = open();
  peer.messages();
  monitor.message(Uint8Array.of(0xff), false);
  monitor.message(Uint8Array.of(1), true);
  for (let i = 0; i < 7; i++) send({ type: 'subscribe' });
  expect(peer.messagesOf('error')).toHaveLength(9);
  expect(peer.closed).toBeUndefined();
  send(3);
  expect(peer.closed?.code).toBe(1008);
});

test('long messages and many of them close the connection', async () => {
  const long = open();
  long.monitor.message(new Uint8Array(4_097), false);
  expect(long.peer.closed?.code).toBe(1009);
  const often = open();
  for (let i = 0; i < 50; i++) often.send({ type: 'ping' });
  await often.second();
  for (let i = 0; i < 50; i++) often.send({ type: 'ping' });
  expect(often.peer.closed).toBeUndefined();
  often.send({ type: 'ping' });
  expect(often.peer.closed?.code).toBe(4429);
});

test('nothing is left of one that has gone', async () => {
  const { live, peer, monitor, second } = open();
  monitor.close();
  peer.messages();
  await second();
  expect(peer.messages()).toEqual([]);
  expect(live.stats.clients).toBe(0);
});

test('a WebSocket that went without a word counts as removed, and one that said so does not', async () => {
  const { live, peer, second } = open();
  const [gone, left] = [live.connect(new FakePeer()), live.connect(new FakePeer())];
  live.disconnect(gone, 1006);
  live.disconnect(gone, 1006);
  live.disconnect(left, 1000);
  peer.messages();
  await second();
  expect(peer.messagesOf('sessions')).toMatchObject([{ clients: 1, removed: 1 }]);
});

/** What is live for whom: students see while a session of theirs is open, researchers not where it is. */
import { expect, test } from 'vitest';
import type { Role, User } from '#core/account.ts';
import { ALERT } from '#core/alert.ts';
import type { Session } from '#core/session.ts';
import type { ExportJob } from '../../../../src/exporting/exports.ts';
import { Live } from '../../../../src/http/live.ts';
import { openTelemetry, WsStats } from '../../../../src/http/sockets/telemetry.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { userOf } from '../callers.ts';
import { blink, event, FakePeer, rpm, sample, speed, stream } from '../fakes.ts';

const gps = stream('gps.lat');
const later = stream('gps.speed');
const REASON = 'no session of yours is open';

function sessionOf(owner: string | null, from: number, to: number | null = null): Session {
  const spans = [{ epoch: 1, from, to }];
  return { ...NO_NOTES, id: 1, owner, startedBy: 'manual', endedBy: null, spans, stats: null };
}

function room() {
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => [rpm, speed, gps, ALERT] });
  const stop = new AbortController();
  void live.run(stop.signal);
  let current: readonly Session[] = [];
  const listeners: ((job: ExportJob) => void)[] = [];
  const exports = {
    onChange: (listener: (job: ExportJob) => void) => {
      listeners.push(listener);
      return () => void listeners.splice(listeners.indexOf(listener), 1);
    },
  };
  const join = (user: User, scope: 'own' | 'all') => {
    const peer = new FakePeer();
    const guest = { identity: { user, login: 'login' }, scope, renew: () => {} };
    const hello = { device: 'car', epoch: 1, version: '1' };
    const given = { clock, realTime: clock, live, hello, stats: new WsStats(), exports };
    const session = openTelemetry(peer, guest, { ...given, openSessions: () => current });
    const send = (message: unknown) =>
      session.message(new TextEncoder().encode(JSON.stringify(message)), false);
    /** What came since, without the ticks. */
    const got = () => peer.messages().filter(({ type }) => type !== 'tick');
    return { peer, session, send, got };
  };
  const as = (role: Role, scope: 'own' | 'all' = 'all') => join(userOf(role), scope);
  const set = (sessions: readonly Session[]) => {
    current = sessions;
  };
  const second = async () => {
    await clock.advance(1_000);
    await settle();
  };
  const tell = (job: ExportJob) => {
    for (const listener of listeners) listener(job);
  };
  return { live, clock, as, join, set, second, tell, listeners };
}

const MINE = userOf('student').id;
const all = { type: 'subscribe', id: 1, streams: ['*'], maxHz: 1000 };

test('without a session of one’s own nothing is live, and it is said why', async () => {
  const { live, as, set, second } = room();
  set([sessionOf('another', 0), sessionOf(null, 0)]);
  live.take([sample(rpm, 5, 800)]);
  const { got, send } = as('student', 'own');
  expect(got()).toMatchObject([{ type: 'hello' }, { type: 'status', live: false, reason: REASON }]);
  send(all);
  expect(got()).toEqual([{ type: 'subscribed', id: 1, streams: [] }]);
  live.take([sample(rpm, 6, 900), event(ALERT, 6, { id: '1-1' })]);
  await second();
  expect(got()).toEqual([]);
});

test('with one it is within a second, from its start on, and no longer than it lasts', async () => {
  const { live, clock, as, set, second } = room();
  live.take([sample(rpm, 5, 800), sample(speed, 6, 30)]);
  const { got, send } = as('student', 'own');
  send(all);
  got();
  set([sessionOf(MINE, 500_000)]);
  await clock.advance(600);
  live.take([sample(speed, 600_000, 31)]);
  expect(got()).toEqual([]);
  await second();
  expect(got()).toMatchObject([
    { type: 'status', live: true },
    {
      type: 'subscribed',
      streams: [{ id: rpm.id }, { id: speed.id }, { id: gps.id }, { id: 'alert' }],
    },
    // What came before the session is another's.
    { type: 'samples', t: 600_000, values: { [speed.id]: 31 } },
  ]);
  live.take([sample(rpm, 1_700_000, 900), event(ALERT, 1_700_000, { id: '1-1' })]);
  expect(got().map(({ type }) => type)).toEqual(['alert', 'samples']);
  set([]);
  await second();
  expect(got()).toEqual([{ type: 'status', live: false, reason: REASON }]);
  live.take([sample(rpm, 2_700_000, 900), event(ALERT, 2_700_000, { id: '1-2' })]);
  await second();
  expect(got()).toEqual([]);
});

test('a drive that waits for the car after a restart is not live yet', () => {
  const { as, set } = room();
  set([sessionOf(MINE, 0, 100)]);
  expect(as('student', 'own').got()).toMatchObject([{ type: 'hello' }, { live: false }]);
});

test('what a slow client has not read when it ends is not sent any more, but alerts are', async () => {
  const { live, as, set, second } = room();
  set([sessionOf(MINE, 0)]);
  const { peer, session, send, got } = as('student', 'own');
  send(all);
  peer.stalled = true;
  live.take([event(blink, 1_000, { text: 'x'.repeat(70_000) })]);
  got();
  live.take([sample(rpm, 2_000, 1), event(ALERT, 3e6, { id: '1-1' })]);
  set([]);
  await second();
  live.take([sample(rpm, 4e6, 4_000)]);
  peer.unstall();
  session.drain();
  expect(got().map(({ type }) => type)).toEqual(['alert', 'status']);
});

test('a student whose session is open when they come is live at once', () => {
  const { live, as, set } = room();
  set([sessionOf(MINE, 0)]);
  live.take([sample(rpm, 5, 800)]);
  const { got, send } = as('student', 'own');
  send({ ...all, streams: [rpm.id] });
  expect(got().map(({ type }) => type)).toEqual(['hello', 'status', 'subscribed', 'samples']);
});

test('researchers without names do not get where the car is, whatever they ask for', async () => {
  const { live, as, join } = room();
  live.take([sample(gps, 5, 52)]);
  const masked = as('researcher');
  const named = join({ ...userOf('researcher'), grants: ['names'] }, 'all');
  const ids = (message: { [key: string]: unknown } | undefined) =>
    (message?.['streams'] as { id: string }[] | undefined)?.map(({ id }) => id);
  for (const streams of [['*'], ['gps.lat'], ['gps']]) {
    for (const one of [masked, named]) one.send({ ...all, streams });
    const [subscribed, ...rest] = masked.got().filter(({ type }) => type !== 'hello');
    expect(ids(subscribed)).not.toContain(gps.id);
    expect(rest).toEqual([]);
    expect(named.got().find(({ type }) => type === 'samples')).toMatchObject({
      values: { [gps.id]: 52 },
    });
  }
  for (const one of [masked, named]) one.send(all);
  masked.got();
  named.got();
  live.take([sample(gps, 9, 53), sample(later, 9, 3), sample(rpm, 9, 900)]);
  expect(masked.got()).toEqual([{ type: 'samples', t: 9, values: { [rpm.id]: 900 } }]);
  expect(JSON.stringify(named.got())).toContain(later.id);
});

test('clients that see the same share a feed', () => {
  const { live, as } = room();
  const [a, b] = [as('viewer'), as('operator')];
  a.send(all);
  b.send(all);
  a.got();
  b.got();
  const sent: Uint8Array[] = [];
  for (const { peer } of [a, b]) {
    peer.send = (bytes) => {
      sent.push(bytes);
      return 'sent';
    };
  }
  live.take([sample(rpm, 5, 800)]);
  expect(sent).toHaveLength(2);
  expect(sent[0]).toBe(sent[1]);
});

test('an export is told of to who has asked for it, until they go', () => {
  const { as, tell, listeners } = room();
  const [mine, other] = [as('viewer'), as('operator')];
  mine.got();
  other.got();
  const job: ExportJob = {
    ...{ id: 'x', owner: userOf('viewer').id, session: 1, state: 'running', bytes: 5 },
    ...{ names: true, progress: 0.5, fileName: 'a.csv', mime: 'text/csv', error: '' },
  };
  tell(job);
  expect(mine.got()).toEqual([
    {
      ...{ type: 'export', id: 'x', session: 1, state: 'running', bytes: 5, progress: 0.5 },
      ...{ file: null, error: null },
    },
  ]);
  expect(other.got()).toEqual([]);
  mine.session.close();
  other.session.close();
  expect(listeners).toEqual([]);
});

test('who comes back gets the events that they have missed, and is told of those that are gone', async () => {
  const { live, clock, as } = room();
  const first = as('viewer');
  first.send({ ...all, streams: ['alert', blink.id] });
  first.got();
  live.take([event(ALERT, 5, { id: '1-1' }), event(blink, 6, { eye: 'left' })]);
  expect(first.got().filter(({ type }) => type !== 'subscribed')).toEqual([
    { type: 'alert', seq: 1, t: 5, id: '1-1' },
    { type: 'event', seq: 2, stream: blink.id, t: 6, data: { eye: 'left' } },
  ]);
  first.session.close();
  live.take([event(blink, 7), event(ALERT, 8, { id: '1-2' }), sample(rpm, 8, 800)]);
  const again = as('viewer');
  again.send({ ...all, streams: ['alert'], since: { epoch: 1, seq: 2 } });
  expect(again.got()).toMatchObject([
    { type: 'hello' },
    { type: 'subscribed', id: 1 },
    { type: 'alert', seq: 4, t: 8, id: '1-2' },
  ]);
  await clock.advance(61_000);
  again.peer.messages();
  again.send({ ...all, streams: ['alert'], since: { epoch: 1, seq: 2 } });
  expect(again.got()).toMatchObject([
    { type: 'subscribed' },
    { type: 'gap', stream: '*', lost: 2 },
  ]);
  again.send({ ...all, streams: ['alert'], since: { epoch: 9, seq: 4 } });
  expect(again.got()).toMatchObject([
    { type: 'subscribed' },
    { type: 'gap', stream: '*', lost: 4 },
  ]);
});

test('what was missed is no way to what is not for one', () => {
  const { live, as, set } = room();
  const where = stream('gps.position', { kind: 'event' });
  live.take([event(ALERT, 5, { id: '1-1' }), event(where, 6, { lat: 52 })]);
  live.take([event(ALERT, 700, { id: '1-2' })]);
  const back = { ...all, since: { epoch: 1, seq: 0 } };
  const researcher = as('researcher');
  researcher.send(back);
  const ids = (got: readonly { [key: string]: unknown }[]) => got.flatMap(({ seq }) => seq ?? []);
  expect(ids(researcher.got())).toEqual([1, 3]);
  const student = as('student', 'own');
  student.send(back);
  expect(ids(student.got())).toEqual([]);
  set([sessionOf(MINE, 500)]);
  student.send(back);
  expect(ids(student.got())).toEqual([3]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PUSH_BYTES_MAX, PUSHES_RATE, PUSHES_WAITING_MAX } from '#core/mqtt-limits.ts';
import type { Session } from '#core/session.ts';
import { faultPointer, faultText } from '../../../src/http/fault.ts';
import { PUSHES } from '../../../src/ingest/pushes.ts';
import { Ingesting } from '../../../src/mqtt/ingesting.ts';
import { SessionError } from '../../../src/sessions/errors.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { userOf } from '../http/callers.ts';
import { after, createWorld, EPOCH, face, MemoryStore, SESSION } from '../ingest/world.ts';
import { answers, bytes, deviceGuest, guestOf, type TestGuest } from './requests-guests.ts';

const { id: STUDENT } = userOf('student');
const FACE = 'car/v1/ingest/face';

function start(store = new MemoryStore()) {
  const world = createWorld(store);
  const { clock, session } = world;
  const others: Session[] = [];
  const open = () => [session, ...others].filter(({ spans }) => spans.at(-1)?.to === null);
  const get = (id: number): Session => {
    const found = [session, ...others].find((one) => one.id === id);
    if (found) return found;
    throw new SessionError('NOT_FOUND', `there is no session ${id}`);
  };
  const { all, answer } = answers();
  const ingesting = new Ingesting({
    ...{ device: 'v1', realTime: clock, ingest: world.ingest, answer },
    reading: { sessions: () => ({ get, current: open }), inTime: (change) => change },
    fault: (issue) => ({ pointer: faultPointer(issue), message: faultText(issue, []) }),
  });
  const push = (guest: TestGuest, topic: string, payload: unknown) =>
    after(clock, ingesting.take(guest, topic, bytes(payload)), 2_000);
  /** Where what a client sends can be of. */
  const begin = () => clock.advance(3_000);
  return { ...world, others, ingesting, push, begin, answers: all };
}

function batch(seq: number, more: object = {}) {
  return { ...face(seq).body, ...more };
}

test('what is pushed is stored when it has been taken, and once', async () => {
  const { push, begin, store, answers, ingesting } = start();
  await begin();
  const guest = guestOf('operator');
  await push(guest, FACE, batch(1, { session: SESSION }));
  const stored = store.data().length;
  expect(stored).toBeGreaterThan(0);
  await push(guest, FACE, batch(1, { session: SESSION }));
  expect(store.data()).toHaveLength(stored);
  expect(answers).toEqual([]);
  expect(ingesting.health().details).toMatchObject({ taken: 1, duplicates: 1, refused: 0 });
});

test('who gives a transaction is told that it is stored', async () => {
  const { push, begin, answers } = start();
  await begin();
  const guest = guestOf('operator');
  for (const duplicate of [false, true]) {
    await push(guest, FACE, batch(1, { transaction: 'a1' }));
    expect(answers.pop()).toEqual({
      guest,
      topic: 'car/v1/response/ingest',
      body: {
        ...{ transaction: 'a1', kind: 'face', client: 'cam', seq: 1, status: 'ok' },
        data: { seq: 1, duplicate },
      },
    });
  }
});

test('a marker is of the account, and of its session', async () => {
  const { push, begin, store, session } = start();
  await begin();
  session.owner = STUDENT;
  await push(guestOf('student'), 'car/v1/ingest/marker', { text: 'here', key: 'k' });
  await push(guestOf('student'), 'car/v1/ingest/marker', { text: 'here', key: 'k' });
  const events = store.data().flatMap((one) => (one.kind === 'event' ? [one.data] : []));
  expect(events).toEqual([{ text: 'here', by: STUDENT, key: 'k', session: SESSION }]);
});

test('a student sends into their own session and finds no other', async () => {
  const { push, begin, store, session, answers } = start();
  await begin();
  const student = guestOf('student');
  const refused = async (payload: unknown) => {
    await push(student, FACE, payload);
    return answers.pop()?.body.error;
  };
  expect(await refused(batch(1))).toEqual({
    code: 'no-session',
    message: 'no session of yours is open',
  });
  // Of another's no more is told than of one that is not there.
  expect(await refused(batch(1, { session: SESSION }))).toEqual({
    code: 'not-found',
    message: `there is no session ${SESSION}`,
  });
  expect(await refused(batch(1, { session: 99 }))).toEqual({
    code: 'not-found',
    message: 'there is no session 99',
  });
  expect(store.data()).toEqual([]);
  session.owner = STUDENT;
  await push(student, FACE, batch(1));
  expect(store.data().length).toBeGreaterThan(0);
});

test('who may not send is told so, and nothing is stored', async () => {
  const { push, begin, store, answers } = start();
  await begin();
  await push(guestOf('viewer'), FACE, batch(1, { session: SESSION }));
  expect(answers.pop()?.body.error.code).toBe('not-allowed');
  expect(store.data()).toEqual([]);
});

test('without an id it is the own session, or else the only one', async () => {
  const { push, begin, session, others, answers } = start();
  await begin();
  const operator = guestOf('operator');
  others.push({ ...session, id: 4 });
  await push(operator, FACE, batch(1));
  expect(answers.pop()?.body.error).toEqual({
    code: 'which-session',
    message: 'sessions 3, 4 are open: "session" has to say which',
  });
  others[0] = { ...session, id: 4, owner: userOf('operator').id };
  await push(operator, FACE, batch(1, { transaction: 1 }));
  expect(answers.pop()?.body.status).toBe('ok');
});

test('a device has no session to send into', async () => {
  const { push, begin, store, answers } = start();
  await begin();
  await push(deviceGuest(), FACE, batch(1));
  expect(answers.pop()?.body.error.code).toBe('not-allowed');
  expect(store.data()).toEqual([]);
});

test('what never can be taken is acknowledged, and told with its place', async () => {
  const { push, begin, answers, ingesting } = start();
  await begin();
  const guest = guestOf('operator');
  const long = new TextEncoder().encode(' '.repeat(PUSH_BYTES_MAX + 1));
  const cases: [topic: string, payload: unknown, code: string, pointer?: string][] = [
    [FACE, '{', 'bad-message'],
    [FACE, '[]', 'bad-message'],
    [FACE, new TextDecoder('latin1').decode(Uint8Array.of(0xff)), 'bad-message'],
    [FACE, batch(1, { seq: -1 }), 'bad-message', '/seq'],
    [FACE, batch(1, { misspelt: 1 }), 'bad-message', '/misspelt'],
    [FACE, batch(1, { session: 0 }), 'bad-message', '/session'],
    [FACE, batch(1, { epoch: EPOCH + 1 }), 'other-epoch', '/epoch'],
    [FACE, face(1, 60_000_000).body, 'in-future', '/items/0/t'],
    [FACE, face(1, 10).body, 'before-session', '/items/0/t'],
    ['car/v1/ingest/obd', batch(1), 'unknown-kind'],
    ['car/v1/ingest/__proto__', batch(1), 'unknown-kind'],
    [FACE, new TextDecoder().decode(long), 'too-long'],
  ];
  for (const [topic, payload, code, pointer] of cases) {
    await push(guest, topic, payload);
    const { status, error } = answers.pop()?.body ?? {};
    expect(status, code).toBe('error');
    expect(error, code).toMatchObject({ code, ...(pointer && { pointer }) });
    expect(error.message).toMatch(/./);
  }
  expect(ingesting.health().details).toMatchObject({ refused: cases.length, taken: 0 });
});

test('the answer has what could be read of what was wrong', async () => {
  const { push, begin, answers } = start();
  await begin();
  await push(guestOf('operator'), FACE, { transaction: 'x', client: 'cam', seq: 5, items: [] });
  expect(answers.pop()?.body).toMatchObject({ transaction: 'x', client: 'cam', seq: 5 });
  await push(guestOf('operator'), FACE, { transaction: {}, client: 7, seq: 'five' });
  const { error, ...head } = answers.pop()?.body ?? {};
  expect(head).toEqual({ transaction: null, kind: 'face', status: 'error' });
});

test('what cannot be stored now is not acknowledged, and told to come again', async () => {
  const { push, begin, store, answers, ingesting } = start();
  await begin();
  const guest = guestOf('operator');
  store.isFull = true;
  await expect(push(guest, FACE, batch(1))).rejects.toMatchObject({ code: 'BUSY' });
  expect(answers.pop()?.body).toMatchObject({ status: 'error', error: { code: 'busy' } });
  expect(ingesting.health().details).toMatchObject({ notNow: 1, refused: 0 });
  store.isFull = false;
  await push(guest, FACE, batch(1));
  expect(store.data().length).toBeGreaterThan(0);
});

test('while the store is not open nothing is acknowledged', async () => {
  const world = createWorld();
  const { all, answer } = answers();
  const off = () => {
    throw new StoreError('OFF', 'the store is not open');
  };
  const ingesting = new Ingesting({
    ...{ device: 'v1', realTime: world.clock, ingest: world.ingest, answer },
    reading: { sessions: off, inTime: (change) => change },
    fault: () => ({ pointer: '', message: '' }),
  });
  const pushed = ingesting.take(guestOf('operator'), FACE, bytes(batch(1)));
  await expect(pushed).rejects.toMatchObject({ code: 'OFF' });
  expect(all[0]?.body.error).toEqual({ code: 'busy', message: 'the store is not open' });
});

test('a log-in that has ended stores nothing more', async () => {
  const { push, begin, store } = start();
  await begin();
  const guest = guestOf('operator');
  guest.now = undefined;
  await expect(push(guest, FACE, batch(1))).rejects.toMatchObject({ code: 'NOT_AUTHORISED' });
  expect(store.data()).toEqual([]);
});

test('a role that was taken away counts at once', async () => {
  const { push, begin, answers } = start();
  await begin();
  const guest = guestOf('operator');
  guest.now = userOf('viewer');
  await push(guest, FACE, batch(1));
  expect(answers.pop()?.body.error.code).toBe('not-allowed');
});

test('a bug is not answered', async () => {
  const world = createWorld();
  const { all, answer } = answers();
  const ingesting = new Ingesting({
    ...{ device: 'v1', realTime: world.clock, ingest: world.ingest, answer },
    reading: {
      sessions: () => {
        throw new TypeError('a bug');
      },
      inTime: (change) => change,
    },
    fault: () => ({ pointer: '', message: '' }),
  });
  const pushed = ingesting.take(guestOf('operator'), FACE, bytes(batch(1)));
  await expect(pushed).rejects.toThrow(TypeError);
  expect(all).toEqual([]);
});

test('what waits to be stored is so much at most, for each connection', async () => {
  const { begin, clock, ingesting } = start();
  await begin();
  const guest = guestOf('operator');
  const sent = Array.from({ length: PUSHES_WAITING_MAX }, (_, i) =>
    ingesting.take(guest, FACE, bytes(batch(i))),
  );
  const tooMany = ingesting.take(guest, FACE, bytes(batch(999)));
  await expect(tooMany).rejects.toMatchObject({ code: 'BUSY' });
  // Another connection is not held up by it.
  const other = ingesting.take(guestOf('operator', 'another'), FACE, bytes(batch(998)));
  await clock.advance((PUSHES_WAITING_MAX / PUSHES_RATE.perS) * 1_000);
  await Promise.all([...sent, other]);
  const { taken, waiting } = ingesting.health().details;
  expect({ taken, waiting }).toEqual({ taken: PUSHES_WAITING_MAX + 1, waiting: 0 });
});

test('what waits takes so much memory at most, of all together', async () => {
  const { begin, clock, ingesting } = start();
  await begin();
  const large = bytes(batch(1).client.padEnd(PUSH_BYTES_MAX, ' '));
  const guests = Array.from({ length: 16 }, (_, i) => guestOf('operator', String(i)));
  const sent = guests.map((guest) => ingesting.take(guest, FACE, large));
  const tooMany = ingesting.take(guestOf('admin'), FACE, bytes('{}'));
  await expect(tooMany).rejects.toMatchObject({ code: 'BUSY' });
  await clock.advance(1);
  await Promise.all(sent);
  await ingesting.take(guestOf('admin'), FACE, bytes('{}'));
  expect(ingesting.health().details).toMatchObject({ notNow: 1, refused: 17 });
});

test('who sends too fast waits for the next turn, and others do not', async () => {
  const { begin, clock, ingesting } = start();
  await begin();
  const guest = guestOf('operator');
  for (let i = 0; i < PUSHES_RATE.burst; i++) await ingesting.take(guest, FACE, bytes('{'));
  let isTaken = false;
  const late = ingesting.take(guest, FACE, bytes('{')).then(() => {
    isTaken = true;
  });
  await ingesting.take(guestOf('admin'), FACE, bytes('{'));
  await clock.advance(1_000 / PUSHES_RATE.perS - 1);
  expect(isTaken).toBe(false);
  await clock.advance(1);
  await late;
  expect(ingesting.health().details).toMatchObject({ delayed: 1, refused: 52 });
});

test('whatever is pushed, it is answered or taken, and nothing breaks', async () => {
  const { begin, clock, ingesting, store, answers } = start();
  await begin();
  const kind = fc.constantFrom(...Object.keys(PUSHES), 'x', '', '../face');
  const payload = fc.oneof(fc.uint8Array(), fc.json().map(bytes));
  let n = 0;
  await fc.assert(
    fc.asyncProperty(kind, payload, async (name, content) => {
      const guest = guestOf('operator', String(n++));
      await after(clock, ingesting.take(guest, `car/v1/ingest/${name}`, content), 1);
      expect(answers).toHaveLength(n);
    }),
  );
  expect(store.data()).toEqual([]);
});

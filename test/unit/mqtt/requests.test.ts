import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ANSWERS_MS_MAX,
  REQUEST_BYTES_MAX,
  REQUESTS_RATE,
  REQUESTS_WAITING_MAX,
} from '#core/mqtt-limits.ts';
import { type Asking, type Command, RequestError, Requests } from '../../../src/mqtt/requests.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { userOf } from '../http/callers.ts';
import { answers, bytes, deviceGuest, guestOf, type TestGuest } from './requests-guests.ts';

const ASK = 'car/v1/request/ask';

function start(overrides: Partial<Command> = {}) {
  const clock = new FakeClock();
  const { all, answer } = answers();
  const runs: { readonly asking: Asking; readonly args: unknown }[] = [];
  const command: Command = {
    ...{ name: 'ask', permission: 'service' },
    run: (asking, args) => {
      runs.push({ asking, args });
      return { run: runs.length };
    },
    ...overrides,
  };
  const hidden: Command = { ...command, name: 'session/start' };
  const requests = new Requests({
    ...{ device: 'v1', realTime: clock, commands: [command, hidden], answer },
  });
  const ask = async (guest: TestGuest, payload: unknown, topic = ASK) => {
    await requests.take(guest, topic, bytes(payload));
    await settle();
    return all.at(-1);
  };
  return { clock, requests, ask, runs, answers: all };
}

test('a request is answered to who has asked, with its transaction', async () => {
  const { ask, runs } = start();
  const guest = guestOf('operator');
  expect(await ask(guest, { transaction: 'a1', x: 1 })).toEqual({
    guest,
    topic: 'car/v1/response/ask',
    body: { transaction: 'a1', status: 'ok', data: { run: 1 } },
  });
  expect(runs).toEqual([{ asking: { guest, user: userOf('operator') }, args: { x: 1 } }]);
  const nested = await ask(guest, { transaction: 7 }, 'car/v1/request/session/start');
  expect(nested?.topic).toBe('car/v1/response/session/start');
  expect(nested?.body.transaction).toBe(7);
});

test('an answer without data has an empty object', async () => {
  const { ask } = start({ run: () => undefined });
  const answer = await ask(guestOf('operator'), { transaction: 1 });
  expect(answer?.body).toEqual({ transaction: 1, status: 'ok', data: {} });
});

test('the same again is not done again, and answered again', async () => {
  const { ask, clock, runs, answers, requests } = start();
  await ask(guestOf('operator'), { transaction: 'a', x: 1 });
  await clock.advance(ANSWERS_MS_MAX);
  // Delivered again after a new connection with the same log-in.
  const again = guestOf('operator');
  expect(await ask(again, { transaction: 'a', x: 1 })).toMatchObject({
    guest: again,
    body: { data: { run: 1 } },
  });
  expect(runs).toHaveLength(1);
  expect(answers).toHaveLength(2);
  await clock.advance(1);
  expect((await ask(again, { transaction: 'a', x: 1 }))?.body.data).toEqual({ run: 2 });
  expect(requests.health().details).toMatchObject({ requests: 3, repeated: 1 });
});

test('what is done already is not begun again while it is done', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const { ask, runs, answers } = start({
    run: (asking, args) => {
      runs.push({ asking, args });
      return promise;
    },
  });
  const guest = guestOf('operator');
  await ask(guest, { transaction: 'a' });
  await ask(guest, { transaction: 'a' });
  expect(answers).toEqual([]);
  resolve({ done: true });
  await settle();
  expect(runs).toHaveLength(1);
  expect(answers.map(({ body }) => body.data)).toEqual([{ done: true }, { done: true }]);
});

test('a failure is kept too: the same delivery gets the same answer', async () => {
  let tries = 0;
  const { ask } = start({
    run: () => {
      tries++;
      throw new RequestError('busy', 'not now', { pointer: '/x' });
    },
  });
  for (let i = 0; i < 2; i++) {
    expect((await ask(guestOf('operator'), { transaction: 'a' }))?.body).toEqual({
      ...{ transaction: 'a', status: 'error' },
      error: { code: 'busy', message: 'not now', pointer: '/x' },
    });
  }
  expect(tries).toBe(1);
  await ask(guestOf('operator'), { transaction: 'b' });
  expect(tries).toBe(2);
});

test('transactions of others, of other commands and with other arguments are others', async () => {
  const { ask, runs } = start();
  await ask(guestOf('operator'), { transaction: 'a' });
  await ask(guestOf('admin'), { transaction: 'a' });
  await ask(guestOf('operator', 'another log-in'), { transaction: 'a' });
  await ask(guestOf('operator'), { transaction: 'a' }, 'car/v1/request/session/start');
  expect(runs).toHaveLength(4);
  const answer = await ask(guestOf('operator'), { transaction: 'a', x: 2 });
  expect(answer?.body.error.code).toBe('transaction-reused');
  expect(runs).toHaveLength(4);
});

test('who may not is told so, and what is done is not', async () => {
  const { ask, runs } = start();
  for (const role of ['viewer', 'researcher', 'student'] as const) {
    expect((await ask(guestOf(role), { transaction: 1 }))?.body.error).toEqual({
      code: 'not-allowed',
      message: `the role ${role} may not do this`,
    });
  }
  expect((await ask(deviceGuest(), { transaction: 1 }))?.body.error.code).toBe('not-allowed');
  const gone = guestOf('admin');
  gone.now = undefined;
  expect((await ask(gone, { transaction: 1 }))?.body.error.message).toBe('the log-in has ended');
  expect(runs).toEqual([]);
});

test('what makes no sense is answered as far as it can be', async () => {
  const { ask, runs } = start();
  const guest = guestOf('operator');
  const cases: [payload: unknown, code: string, transaction?: unknown][] = [
    ['', 'bad-message'],
    ['{', 'bad-message'],
    ['null', 'bad-message'],
    [{}, 'bad-message'],
    [{ transaction: 1.5 }, 'bad-message'],
    [{ transaction: 'a b' }, 'bad-message'],
    [{ transaction: 'x'.repeat(65) }, 'bad-message'],
    [{ transaction: 'a', x: 'x'.repeat(REQUEST_BYTES_MAX) }, 'too-long'],
  ];
  for (const [payload, code] of cases) {
    const answer = await ask(guest, payload);
    expect(answer?.body).toMatchObject({ transaction: null, status: 'error', error: { code } });
  }
  expect(runs).toEqual([]);
});

test('of what is no command the topic is not made up by who asks', async () => {
  const { ask } = start();
  for (const name of ['nothing', '__proto__', 'ask/', '#']) {
    const answer = await ask(
      guestOf('admin'),
      { transaction: name.length },
      `car/v1/request/${name}`,
    );
    expect(answer?.topic).toBe('car/v1/response/unknown');
    expect(answer?.body.error.code).toBe('not-found');
  }
});

test('who asks too often is told so a few times, and not more', async () => {
  const { ask, clock, runs, answers, requests } = start();
  const guest = guestOf('operator');
  for (let i = 0; i < 100; i++) await ask(guest, { transaction: i });
  expect(runs).toHaveLength(REQUESTS_RATE.burst);
  const refused = answers.filter(({ body }) => body.error?.code === 'too-many');
  expect(refused).toHaveLength(5);
  expect(refused[0]?.body.transaction).toBe(REQUESTS_RATE.burst);
  expect(requests.health().details).toMatchObject({ limited: 80 });
  // Others are not held up.
  expect((await ask(guestOf('admin'), { transaction: 0 }))?.body.status).toBe('ok');
  await clock.advance(1_000);
  expect((await ask(guest, { transaction: 200 }))?.body.status).toBe('ok');
});

test('who waits for many answers gets no more begun', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { ask, answers, requests } = start({ run: () => promise });
  const guest = guestOf('operator');
  for (let i = 0; i <= REQUESTS_WAITING_MAX; i++) await ask(guest, { transaction: i });
  expect(answers.map(({ body }) => body.error?.code)).toEqual(['busy']);
  resolve(undefined);
  await settle();
  expect(answers).toHaveLength(REQUESTS_WAITING_MAX + 1);
  expect(requests.health().details).toMatchObject({ waiting: 0 });
});

test('answers that are kept do not grow beyond their limits', async () => {
  const { clock, requests, ask } = start({ run: () => ({ text: 'x'.repeat(100_000) }) });
  for (let i = 0; i < 50; i++) {
    await ask(guestOf('operator'), { transaction: i });
    await clock.advance(100);
  }
  expect(requests.health().details['kept']).toBeLessThanOrEqual(20);
  const small = start();
  for (let i = 0; i < 400; i++) {
    await small.ask(guestOf('operator'), { transaction: i });
    await small.clock.advance(100);
  }
  expect(small.requests.health().details['kept']).toBe(256);
});

test('whatever is asked, there is one answer', async () => {
  const { requests, answers } = start();
  const name = fc.oneof(fc.constantFrom('ask', 'session/start', ''), fc.string());
  const payload = fc.oneof(
    fc.uint8Array(),
    fc.json().map(bytes),
    fc.record({ transaction: fc.jsonValue(), x: fc.jsonValue() }).map(bytes),
  );
  let n = 0;
  await fc.assert(
    fc.asyncProperty(name, payload, async (command, content) => {
      await requests.take(guestOf('operator', String(n++)), `car/v1/request/${command}`, content);
      await settle();
      expect(answers).toHaveLength(n);
    }),
  );
});

/** Alerts for students: those of their own sessions, page by page. */
import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import type { Session } from '#core/session.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { page, type SessionQuery } from '../../../../src/sessions/listing.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { alertOf, HOT } from '../../../support/alert-fixture.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { noReading } from '../../../support/no-reading.ts';
import { createAlerting } from '../alerting.ts';
import { as, userOf } from '../callers.ts';
import { request } from '../fakes.ts';

const EPOCH = 7;
const ALERTS = Array.from({ length: 30 }, (_, n) => {
  const startedAt = { epoch: EPOCH, t: n * 10e6 };
  const endedAt = n === 29 ? null : { epoch: EPOCH, t: n * 10e6 + 1e6 };
  return { ...alertOf(), id: `${EPOCH}-${n + 1}`, startedAt, endedAt };
});
/** From the 11th alert to the 20th. */
const OWN: Session = {
  ...NO_NOTES,
  ...{ id: 1, owner: userOf('student').id, startedBy: 'manual', endedBy: 'manual', stats: null },
  spans: [{ epoch: EPOCH, from: 95e6, to: 195e6 }],
};

function open(sessions: readonly Session[] = [OWN]) {
  const { alerting } = createAlerting({
    clock: new FakeClock(),
    rules: [HOT],
    alerts: ALERTS,
  });
  const list = (query: SessionQuery) => page(sessions, query, { epochs: new Map(), now: 0 });
  const unused = (): never => {
    throw new Error('not asked for');
  };
  const gateway: Gateway = {
    ...bareGateway(),
    alerting,
    reading: {
      ...noReading(),
      sessions: () => ({
        ...{ list, get: unused, current: () => [], start: unused, end: unused },
        ...{ update: unused, remove: unused },
      }),
    },
  };
  return async (who: Role, path: string) => {
    const sent = request('GET', `/api/v1/alerts/${path}`);
    const reply = await dispatch(ROUTES, gateway, sent, as(who)).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    return { status: reply?.status, body: JSON.parse(String(reply?.body)) };
  };
}

const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);
const numbers = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, i) => `${EPOCH}-${from - i}`);

test('a list has those of one’s own sessions, and its pages neither repeat nor skip', async () => {
  const ask = open();
  const whole = await ask('student', 'history');
  expect(idsOf(whole.body.items)).toEqual(numbers(20, 11));
  expect(whole.body.next).toBeNull();
  const first = await ask('student', 'history?limit=6');
  expect(idsOf(first.body.items)).toEqual(numbers(20, 15));
  const second = await ask('student', `history?limit=6&cursor=${first.body.next}`);
  expect(idsOf(second.body.items)).toEqual(numbers(14, 11));
  expect(second.body.next).toBeNull();
  const exact = await ask('student', 'history?limit=10');
  expect(exact.body.next).toBeNull();
  expect(idsOf((await ask('viewer', 'history')).body.items)).toEqual(numbers(30, 1));
});

test('one of another is not there', async () => {
  const ask = open();
  expect((await ask('student', `history/${EPOCH}-15`)).status).toBe(200);
  const others = await ask('student', `history/${EPOCH}-5`);
  const missing = await ask('student', `history/${EPOCH}-99`);
  expect([others.status, missing.status]).toEqual([404, 404]);
  expect(JSON.stringify(others.body)).toBe(
    JSON.stringify(missing.body).replaceAll(`${EPOCH}-99`, `${EPOCH}-5`),
  );
  expect((await ask('viewer', `history/${EPOCH}-5`)).status).toBe(200);
});

test('those that last are told to students while they are in a session', async () => {
  const idle = open();
  expect((await idle('student', 'active')).body.items).toEqual([]);
  const now: Session = { ...OWN, endedBy: null, spans: [{ epoch: EPOCH, from: 300e6, to: null }] };
  const ask = open([now]);
  const mine = await ask('student', 'active');
  const all = await ask('viewer', 'active');
  expect(mine.body).toEqual(all.body);
  expect(all.body.items.length).toBeGreaterThan(0);
});

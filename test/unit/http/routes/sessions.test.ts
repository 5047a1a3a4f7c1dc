import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Session, SessionStats } from '#core/session.ts';
import { FORMATS } from '../../../../src/export/formats.ts';
import { Problem } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { exportSession } from '../../../../src/http/routes/export.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { SessionShape, shapeOf } from '../../../../src/http/routes/sessions-shape.ts';
import { ReadingError } from '../../../../src/reading/errors.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { noReading } from '../../../support/no-reading.ts';
import { asAdmin, userOf } from '../callers.ts';
import { blink, eeg, request, rpm, speed } from '../fakes.ts';

const WALL_MS = Date.UTC(2026, 10, 22);
const EPOCHS: ReadonlyMap<number, Epoch> = new Map([
  [1, { id: 1, wallMs: WALL_MS, trust: 'gps', bootId: '', monotonicMs: 0 }],
  [2, { id: 2, wallMs: WALL_MS + 60_000, trust: 'rtc', bootId: '', monotonicMs: 0 }],
]);

const DRIVE: Session = {
  ...{
    id: 3,
    startedBy: 'ignition',
    endedBy: 'power',
    owner: null,
    driver: null,
    vehicle: 'van',
    study: null,
  },
  ...{ tags: [], notes: '', consent: null, pinned: false },
  stats: { durationS: 20, distanceKm: null, alerts: 0, streams: {} },
  spans: [
    { epoch: 1, from: 1_000_000, to: 2_000_000 },
    { epoch: 2, from: 0, to: 1_500_000 },
  ],
};

const QUALITY = { n: 1, lost: 0, coverage: 1 };
/** Of a stream that the gateway no longer has, too. */
const STATS: SessionStats = {
  ...{ durationS: 20, distanceKm: null, alerts: 0 },
  streams: Object.fromEntries(
    [rpm.id, speed.id, eeg.id, blink.id, 'old.kind'].map((id) => [id, QUALITY]),
  ),
};

function gateway(reading: Partial<Gateway['reading']>): Gateway {
  return {
    ...bareGateway(),
    reading: { ...noReading(), ...reading },
  };
}

function audience(epochs: ReadonlyMap<number, Epoch>) {
  return { asker: { user: userOf('admin') }, people: bareGateway().accounts, epochs };
}

async function problemOf(reply: Promise<unknown>): Promise<unknown> {
  return await reply.catch((error: unknown) => error);
}

test('times are those of the wall, believed as far as the worst of their clocks', () => {
  const shape = shapeOf(DRIVE, audience(EPOCHS));
  expect(shape).toMatchObject({
    state: 'ended',
    startedAt: '2026-11-22T00:00:01.000Z',
    endedAt: '2026-11-22T00:01:01.500Z',
    clockTrust: 'rtc',
    endedBy: 'power',
  });
  expect(v.parse(SessionShape, shape)).toEqual(shape);
  expect(shape).not.toHaveProperty('spans');
});

test('an open session has no end, and one of an unknown start has no times', () => {
  const open = { ...DRIVE, endedBy: null, spans: [{ epoch: 1, from: 0, to: null }] };
  expect(shapeOf(open, audience(EPOCHS))).toMatchObject({ state: 'active', endedAt: null });
  expect(shapeOf(DRIVE, audience(new Map()))).toMatchObject({
    ...{ startedAt: null, endedAt: null, clockTrust: 'none' },
  });
});

test('every format can be asked for', () => {
  expect(exportSession.body.entries.format.options.toSorted()).toEqual(Object.keys(FORMATS).sort());
});

test('a busy gateway says when to come again, and a fault of ours is no problem of the client', async () => {
  const fails = (error: Error) =>
    dispatch(
      ROUTES,
      gateway({ events: () => Promise.reject(error) }),
      request('GET', '/api/sessions/1/events'),
      asAdmin,
    );
  const busy = await problemOf(fails(new ReadingError('BUSY', 'too many questions; ask again')));
  expect(busy).toBeInstanceOf(Problem);
  expect(busy).toMatchObject({
    ...{ status: 503, message: 'Too many questions; ask again.', headers: { 'retry-after': '5' } },
  });
  const crashed = new ReadingError('CRASHED', 'the reading thread ended');
  expect(await problemOf(fails(crashed))).toBe(crashed);
  const bug = new TypeError('a bug');
  expect(await problemOf(fails(bug))).toBe(bug);
});

const unused = (): never => {
  throw new Error('no change of a session was asked for');
};
const UNUSED = { list: unused, start: unused, end: unused, update: unused, remove: unused };

/** A gateway of one session of these streams, which keeps what it was asked for. */
function recorded(stats: Session['stats'], endedBy: Session['endedBy'] = 'manual') {
  const asked: unknown[] = [];
  const session = { ...DRIVE, stats, endedBy };
  const only = { get: () => session, current: () => [session] };
  const bytes = new TextEncoder().encode('{"streams":{}}');
  const made = gateway({
    sessions: () => ({ ...UNUSED, ...only }),
    statistics: async () => STATS,
    data: async (_, { streams }) => {
      asked.push(streams);
      return bytes;
    },
    recent: async (streams) => {
      asked.push(streams);
      return bytes;
    },
  });
  const ask = async (path: string) =>
    await dispatch(
      ROUTES,
      { ...made, streams: () => [rpm, speed, eeg, blink] },
      request('GET', path),
      asAdmin,
    );
  return { ask, asked };
}

test('a pattern stands for the series of the session that it covers', async () => {
  for (const { ask, asked } of [recorded(STATS), recorded(null), recorded(null, null)]) {
    await ask('/api/sessions/3/data?streams=obd.*');
    await ask('/api/sessions/3/data?streams=*');
    await ask('/api/sessions/3/data?streams=no.such,eeg.*&points=10');
    await ask('/api/sessions/current/recent?streams=obd.engine.*');
    await ask('/api/sessions/3/data?streams=obd,obd.engine.rpm');
    expect(asked).toEqual([
      [rpm.id, speed.id],
      [rpm.id, speed.id, eeg.id, 'old.kind'],
      ['no.such', eeg.id],
      [rpm.id],
      ['obd', rpm.id],
    ]);
  }
});

test.each([
  ['/data?streams=can.*', '/streams', 'Nothing was recorded of can.*.'],
  ['/data?streams=face.*', '/streams', 'Nothing was recorded of face.*.'],
  ['/data?streams=o*', '/streams', 'Expected a stream id, id.* or *, found "o*".'],
  [`/data?streams=${Array(51).fill('a')}`, '/streams', 'Expected at most 50 names, found 51.'],
  [
    '/events?types=face.*',
    '/types',
    'Expected a stream id, which includes those below it, found "face.*".',
  ],
])('%s is refused', async (path, pointer, message) => {
  const { ask, asked } = recorded(STATS);
  expect(await problemOf(ask(`/api/sessions/3${path}`))).toMatchObject({
    ...{ status: 422, message, faults: [{ pointer, message }] },
  });
  expect(asked).toEqual([]);
});

test('a pattern that covers more streams than one question may have is refused', async () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`a.b${i}`, QUALITY]));
  const { ask } = recorded({ ...STATS, streams: many });
  expect(await problemOf(ask('/api/sessions/3/data?streams=a.*'))).toMatchObject({
    ...{ status: 422, message: 'Expected at most 50 names, found 51.' },
  });
});

test('an export is handed on piece by piece', async () => {
  async function* pieces(): AsyncGenerator<Uint8Array, undefined> {
    yield Uint8Array.of(1);
    yield Uint8Array.of(2);
    return undefined;
  }
  const asked: unknown[] = [];
  const reading = gateway({
    export: async (question) => {
      asked.push(question);
      return { fileName: 'vigil-session-3.csv', mime: 'text/csv', pieces: pieces() };
    },
  });
  const body = new TextEncoder().encode('{"session":3,"format":"csv","from":5}');
  const headers = new Map([['content-type', 'application/json']]);
  const reply = await dispatch(
    ROUTES,
    reading,
    request('POST', '/api/export', { body, headers }),
    asAdmin,
  );
  expect(reply).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'text/csv',
      'content-disposition': 'attachment; filename="vigil-session-3.csv"',
    },
  });
  expect(asked).toEqual([{ session: 3, format: 'csv', from: 5 }]);
  const made: Uint8Array[] = [];
  if (typeof reply?.body === 'object' && Symbol.asyncIterator in reply.body) {
    for await (const piece of reply.body) made.push(piece);
  }
  expect(made).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

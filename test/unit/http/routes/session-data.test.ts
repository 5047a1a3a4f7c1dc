/** What is meant by recent data without names of streams. */
import { expect, test } from 'vitest';
import type { Session, SessionStats } from '#core/session.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { noReading } from '../../../support/no-reading.ts';
import { as } from '../callers.ts';
import { blink, eeg, request, rpm, speed } from '../fakes.ts';

const OPEN: Session = {
  ...{ id: 3, owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '' },
  ...{ consent: null, pinned: false, startedBy: 'manual', endedBy: null, stats: null },
  spans: [{ epoch: 1, from: 0, to: null }],
};

const QUALITY = { n: 1, lost: 0, coverage: 1 };
const unused = (): never => {
  throw new Error('no change of a session was asked for');
};

/** What the reading is asked for when the session has these streams. */
async function askedOf(
  ids: readonly string[],
  { sessions = [OPEN], role = 'admin' as const as 'admin' | 'researcher' } = {},
): Promise<unknown[]> {
  const asked: unknown[] = [];
  const streams = Object.fromEntries(ids.map((id) => [id, QUALITY]));
  const stats: SessionStats = { durationS: 1, distanceKm: null, alerts: 0, streams };
  const changes = { list: unused, start: unused, end: unused, update: unused, remove: unused };
  const gateway = {
    ...bareGateway(),
    streams: () => [
      ...[speed, rpm, eeg, blink],
      ...ids
        .filter((id) => /^(many|gps|can|gateway|eeg.att)/.test(id))
        .map((id) => ({ ...speed, id })),
    ],
    reading: {
      ...noReading(),
      sessions: () => ({ ...changes, get: unused, current: () => sessions }),
      statistics: async () => stats,
      recent: async (...all: unknown[]) => {
        asked.push(all);
        return new TextEncoder().encode('{"streams":{}}');
      },
    },
  };
  await dispatch(ROUTES, gateway, request('GET', '/api/sessions/current/recent'), as(role));
  return asked;
}

test('without names it is all streams of samples that the session has, by id, and no others', async () => {
  expect(await askedOf([speed.id, rpm.id, eeg.id, blink.id, 'gone'])).toEqual([
    [[rpm.id, speed.id].toSorted(), 60, undefined],
  ]);
});

test('of more than an answer may have, the first by id', async () => {
  const ids = Array.from({ length: 60 }, (_, i) => `many.s${String(i).padStart(2, '0')}`);
  expect(await askedOf(ids.toReversed())).toEqual([[ids.slice(0, 50), 60, undefined]]);
});

test('what people look at comes before the hundreds of signals of a bus', async () => {
  const signals = Array.from({ length: 60 }, (_, i) => `can.body.m.s${String(i).padStart(2, '0')}`);
  const others = ['gateway.store', 'gps.speed', 'eeg.attention'];
  const [[asked]] = [await askedOf([...signals, ...others, speed.id, rpm.id])];
  const first = [rpm.id, speed.id, 'eeg.attention', 'gps.speed'];
  expect(asked).toEqual([[...first, ...signals.slice(0, 46)], 60, undefined]);
  const [[few]] = [await askedOf(['gateway.store', 'can.body.rate', rpm.id])];
  expect(few).toEqual([[rpm.id, 'can.body.rate', 'gateway.store'], 60, undefined]);
});

test('a session that has nothing yet is asked for nothing, and so is none', async () => {
  expect(await askedOf([])).toEqual([[[], 60, undefined]]);
  expect(await askedOf([rpm.id], { sessions: [] })).toEqual([[[], 60, undefined]]);
});

test('what is not for who asks is left out', async () => {
  const [[admin], [researcher]] = [
    await askedOf([rpm.id, 'gps.speed']),
    await askedOf([rpm.id, 'gps.speed'], { role: 'researcher' }),
  ];
  expect(admin).toEqual([[rpm.id, 'gps.speed'], 60, undefined]);
  expect(researcher).toEqual([[rpm.id], 60, undefined]);
});

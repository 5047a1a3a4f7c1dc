import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Session, Stretch } from '#core/session.ts';
import { aboutSession } from '../../../src/export/about.ts';

const MIDNIGHT = Date.UTC(2026, 2, 1);
const epoch = (id: number, trust: Epoch['trust']): Epoch => {
  return { id, wallMs: MIDNIGHT + id * 1_000, trust, bootId: '', monotonicMs: 0 };
};
const STRETCHES: readonly Stretch[] = [
  { epoch: epoch(1, 'ntp'), from: 500_000, to: 2e6, at: 0 },
  { epoch: epoch(2, 'rtc'), from: 0, to: 3_000_500, at: 2e6 },
];
const SESSION: Session = {
  ...{ id: 7, startedBy: 'manual', endedBy: 'manual', spans: [], stats: null, pinned: true },
  ...{
    owner: null,
    driver: 'Ada',
    vehicle: null,
    study: 'S1',
    tags: ['night'],
    notes: 'wet',
    consent: 'yes',
  },
};

test('of a session is told who, what, and when by the worst of its clocks', () => {
  expect(aboutSession(SESSION, STRETCHES)).toEqual({
    ...{ session: 7, driver: 'Ada', vehicle: null, study: 'S1', tags: ['night'] },
    ...{ notes: 'wet', consent: 'yes', clockTrust: 'rtc' },
    ...{ startedAt: '2026-03-01T00:00:01.500Z', endedAt: '2026-03-01T00:00:05.000Z' },
  });
});

test('one that lasts has no end, and one of which no start is known has no time', () => {
  const lasting = aboutSession({ ...SESSION, endedBy: null }, STRETCHES);
  expect(lasting).toMatchObject({ startedAt: '2026-03-01T00:00:01.500Z', endedAt: null });
  const lost = aboutSession(SESSION, []);
  expect(lost).toMatchObject({ startedAt: null, endedAt: null, clockTrust: 'none' });
});

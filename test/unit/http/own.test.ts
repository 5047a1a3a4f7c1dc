import { expect, test } from 'vitest';
import type { Instant } from '#core/alert.ts';
import type { Session, Span } from '#core/session.ts';
import { isOwn, type Owner, openSessions, ownTimes } from '../../../src/http/own.ts';
import { page } from '../../../src/sessions/listing.ts';
import { NO_NOTES } from '../../../src/sessions/notes.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { userOf } from './callers.ts';

const STUDENT: Owner = { scope: 'own', user: userOf('student') };
const TIMES = { epochs: new Map(), now: 0 };

function session(id: number, owner: string | null, spans: readonly Span[]): Session {
  const endedBy = spans.at(-1)?.to === null ? null : ('manual' as const);
  return { ...NO_NOTES, id, owner, startedBy: 'manual', endedBy, spans, stats: null };
}

function readingOf(sessions: readonly Session[]) {
  return {
    sessions: () => ({ list: (query: Parameters<typeof page>[1]) => page(sessions, query, TIMES) }),
  };
}

const at = (epoch: number, t: number): Instant => ({ epoch, t });

/** In the epochs 2 (from 10 to 20) and 3 (from 0 on). */
const MINE = session(1, STUDENT.user?.id ?? '', [
  { epoch: 2, from: 10, to: 20 },
  { epoch: 3, from: 0, to: null },
]);
const THEIRS = session(2, 'another', [{ epoch: 1, from: 0, to: null }]);

test.each<[string, Instant, Instant | null, boolean]>([
  ['before', at(2, 5), at(2, 9), false],
  ['in an earlier epoch', at(1, 15), at(1, 16), false],
  ['into it', at(2, 5), at(2, 10), true],
  ['from an earlier epoch into it', at(1, 5), at(2, 15), true],
  ['within', at(2, 12), at(2, 13), true],
  ['out of it', at(2, 19), at(2, 40), true],
  ['between its spans', at(2, 20), at(2, 40), false],
  ['over the gap', at(2, 20), at(3, 0), true],
  ['still, from between its spans', at(2, 30), null, true],
  ['within what lasts', at(3, 1e9), null, true],
])('what lasted %s', (_, startedAt, endedAt, expected) => {
  const reading = readingOf([MINE, THEIRS]);
  expect(ownTimes(STUDENT, reading)({ startedAt, endedAt })).toBe(expected);
  expect(ownTimes({ ...STUDENT, scope: 'all' }, reading)({ startedAt, endedAt })).toBe(true);
  expect(ownTimes(STUDENT, readingOf([THEIRS]))({ startedAt, endedAt })).toBe(false);
});

test('all sessions of somebody count, however many there are', () => {
  const others = Array.from({ length: 2_500 }, (_, i) =>
    session(i + 2, STUDENT.user?.id ?? '', []),
  );
  const isOwnTime = ownTimes(STUDENT, readingOf([MINE, ...others]));
  expect(isOwnTime({ startedAt: at(2, 12), endedAt: at(2, 13) })).toBe(true);
});

test('what is nobody’s is not one’s own', () => {
  expect(isOwn(STUDENT, MINE)).toBe(true);
  expect(isOwn(STUDENT, THEIRS)).toBe(false);
  expect(isOwn(STUDENT, session(3, null, []))).toBe(false);
  expect(isOwn({ scope: 'own', user: undefined }, session(3, null, []))).toBe(false);
  expect(isOwn({ ...STUDENT, scope: 'all' }, THEIRS)).toBe(true);
});

test('while the store is not open there are none', () => {
  const failing = (error: Error) => ({
    sessions: () => {
      throw error;
    },
  });
  expect(openSessions(failing(new StoreError('OFF', 'not yet')))).toEqual([]);
  expect(() => openSessions(failing(new TypeError('a bug')))).toThrow('a bug');
  expect(openSessions({ sessions: () => ({ current: () => [MINE] }) })).toEqual([MINE]);
});

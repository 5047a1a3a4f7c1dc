import { expect, test } from 'vitest';
import type { User } from '#core/account.ts';
import type { Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Reading } from '#core/stream.ts';
import { SysRecords } from '../../../src/gateway/sys-records.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const EPOCH: Epoch = {
  id: 7,
  wallMs: 1_795_000_000_000,
  trust: 'ntp',
  bootId: 'b',
  monotonicMs: 5,
};
const MARIA: User = {
  ...{ id: 'maria-----------', username: 'maria', role: 'researcher', grants: [], enabled: true },
  createdAt: '2026-11-22T00:00:00.000Z',
};
const SESSION: Session = {
  ...{ id: 3, startedBy: 'manual', endedBy: 'manual', owner: null, driver: 'maria', vehicle: '' },
  ...{ study: '', tags: [], notes: 'said much', consent: null, pinned: false, stats: null },
  spans: [{ epoch: 7, from: 10, to: 20 }],
};

/** A store that keeps what it is given. */
function begin({ isOff = false } = {}) {
  const kept: (readonly [string, object])[] = [];
  const keep = (batch: readonly Reading[]): void => {
    if (isOff) throw new StoreError('OFF', 'it is off');
    for (const one of batch) if (one.kind === 'event') kept.push([one.stream.id, one.data]);
  };
  const sys = new SysRecords(
    { keep, forget: async () => {}, durable: async () => {} },
    new FakeClock(),
  );
  const sessions = new Map<number, Session>([[3, SESSION]]);
  const records = sys.sessions({
    list: () => [...sessions.values()],
    lastId: () => 3,
    put: async (session) => void sessions.set(session.id, session),
    remove: async (id) => void sessions.delete(id),
  });
  return { sys, kept, records };
}

test('what is noted before the store is open goes in when it is, behind the clock', () => {
  const { sys, kept } = begin();
  sys.device({ name: 'golf-7', version: '1.2.3', simulated: true });
  expect(kept).toEqual([]);
  sys.open(EPOCH);
  expect(kept.map(([id]) => id)).toEqual(['sys.clock', 'sys.device']);
  expect(kept[0]?.[1]).toMatchObject({ epoch: 7, trust: 'ntp' });
});

test('of accounts only what has changed is noted, and nothing that opens anything', () => {
  const { sys, kept } = begin();
  sys.open(EPOCH);
  kept.splice(0);
  sys.users([{ ...MARIA, password: '$2b$12$canary' } as User]);
  sys.users([MARIA]);
  sys.users([{ ...MARIA, enabled: false }]);
  sys.users([]);
  expect(kept.map(([, data]) => data)).toEqual([
    { id: MARIA.id, username: 'maria', role: 'researcher', enabled: true, removed: false },
    { id: MARIA.id, username: 'maria', role: 'researcher', enabled: false, removed: false },
    { id: MARIA.id, removed: true },
  ]);
});

test('the removal of a session tells what was erased with it, and one that makes room nothing', async () => {
  const { sys, kept, records } = begin();
  sys.open(EPOCH);
  kept.splice(0);
  sys.erased([{ epoch: 7, from: 12, to: 20 }]);
  await records.remove(3);
  await records.put({ ...SESSION, id: 4 });
  await records.remove(4);
  expect(kept.map(([, data]) => data)).toEqual([
    { id: 3, removed: true, spans: [{ epoch: 7, from: 12, to: 20 }] },
    expect.objectContaining({ id: 4, driver: 'maria', removed: false }),
    { id: 4, removed: true, spans: [] },
  ]);
});

test('a store that is off costs the note, which is counted, and nothing else', async () => {
  const { sys, records } = begin({ isOff: true });
  sys.open(EPOCH);
  await records.put(SESSION);
  expect(sys.dropped).toBe(2);
});

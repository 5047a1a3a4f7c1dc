/** A person's right to be forgotten, in a real PostgreSQL with TimescaleDB. Each test is a car of its own. */
import { expect } from 'vitest';
import type { Json } from '#core/stream.ts';
import { eraseSome } from '../../../src/cloud/erasing.ts';
import { TABLES } from '../../../src/cloud/rows.ts';
import { BatchStore } from '../../../src/cloud/store.ts';
import type { Batch } from '../../../src/wire/batch.ts';
import {
  arrived,
  batch,
  declare,
  events,
  type From,
  STORE,
  samples,
  TENANT,
} from '../../support/cloud-batches.ts';
import { databaseInTree, inTree } from '../../support/in-tree.ts';
import { framesOf } from '../../unit/codec/columns-arbitrary.ts';

const parts = databaseInTree(4);
const { query } = parts;

async function put(...batches: Batch[]): Promise<void> {
  const { refused } = await parts.store.store(batches.map(arrived));
  expect([...refused.values()]).toEqual([]);
}

/** Does all that is to be done. @returns the rows of each piece */
async function eraseAll(rowsMax?: number): Promise<number[]> {
  const pieces: number[] = [];
  for (;;) {
    const rows = await eraseSome(parts.database, rowsMax);
    if (rows === undefined) return pieces.filter((one) => one > 0);
    pieces.push(rows);
  }
}

async function seqsOf(table: string, dev: string): Promise<number[]> {
  const rows = await query(
    `SELECT seq FROM ${table} JOIN feeds USING (feed) WHERE dev = $1 ORDER BY seq`,
    [dev],
  );
  return rows.map(({ seq }) => Number(seq));
}

const SESSIONS = { number: 20, stream: declare('sys.session', 'event') };
const USERS = { number: 21, stream: declare('sys.user', 'event') };
const S_US = 1_000_000;

/** What a gateway notes of its sessions, from seq on. */
function notes(dev: string, seq: number, ...data: Record<string, Json>[]): Batch {
  return batch(events(seq, data), { dev, ...SESSIONS });
}

function session(id: number, fromS: number, toS: number | null, epoch = 1): Record<string, Json> {
  const spans = [{ epoch, from: fromS * S_US, to: toS === null ? null : toS * S_US }];
  const told = { driver: 'Ada', notes: 'was tired', consent: 'I agree' };
  return { id, spans, ...told, removed: false };
}

function removal({ id, spans }: Record<string, Json>): Record<string, Json> {
  return { id: id ?? null, spans: spans ?? [], removed: true };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

inTree(
  'a session that is removed leaves its id and when, and nothing of its span in any table',
  async () => {
    const dev = 'forgotten';
    const from = (number: number, stream: From['stream']): From => ({
      dev,
      number,
      ...(stream && { stream }),
    });
    const wave = {
      kind: 'waves',
      seq: 0,
      t0: 0,
      span: 9e6,
      v: Int32Array.from(range(0, 10)),
    } as const;
    const frames = framesOf(
      range(0, 10).map((s) => ({ t: s * S_US, id: 0x7e8, data: [s] })),
      0,
    );
    const happened = events(
      0,
      range(0, 10).map((i) => ({ i })),
    );
    const one = session(1, 2, 6);
    await put(
      batch(samples(0, 100), { dev }),
      batch(wave, from(2, declare('eeg.raw', 'wave', { hz: 1 }))),
      batch(frames, from(3, declare('can.can0', 'frame'))),
      batch(happened, from(4, declare('alert', 'event'))),
      batch(happened, from(5, declare('face.blink', 'event'))),
      batch(happened, from(6, declare('game.lane', 'event'))),
      batch(happened, from(7, declare('obd.dtc', 'event'))),
      batch(samples(0, 100), { dev, epoch: 2, number: 8, stream: declare('obd.speed', 'sample') }),
      notes(dev, 0, one),
    );
    await put(notes(dev, 1, removal(one)));
    const [record] = await query(`SELECT id, data, removed_at FROM sessions WHERE dev = $1`, [dev]);
    expect(record).toEqual({ id: '1', data: {}, removed_at: expect.any(Date) });
    expect(await eraseAll()).toEqual([40 + 6 * 4]);
    const left = [...range(0, 20), ...range(60, 100)];
    // The other epoch has the same seqs, and all of them.
    expect(await seqsOf('obd_data', dev)).toEqual(
      [...left, ...range(0, 100)].sort((a, b) => a - b),
    );
    for (const table of Object.keys(TABLES).filter((name) => name !== 'obd_data')) {
      expect([table, await seqsOf(table, dev)]).toEqual([table, [0, 1, 6, 7, 8, 9]]);
    }
    const rest = await query(
      `SELECT (SELECT count(*)::integer FROM removals WHERE dev = $1) AS removals,
       (SELECT string_agg(to_jsonb(s)::text, '') FROM sessions s WHERE dev = $1) AS sessions`,
      [dev],
    );
    expect(rest[0]?.['removals']).toBe(0);
    expect(rest[0]?.['sessions']).not.toMatch(/Ada|tired|agree|spans/);
  },
);

inTree('what is sent again after the erasure is acknowledged, and does not come back', async () => {
  const dev = 'again';
  const one = session(1, 2, 6);
  const late = declare('obd.late', 'sample');
  await put(batch(samples(0, 100), { dev }), notes(dev, 0, one));
  await put(notes(dev, 1, removal(one)));
  await eraseAll();
  const left = [...range(0, 20), ...range(60, 100)];
  // A copy, one of a stream that nobody had heard of, and both records.
  await put(
    batch(samples(0, 100), { dev }),
    batch(samples(0, 100), { dev, number: 2, stream: late }),
  );
  await put(notes(dev, 0, one));
  await put(notes(dev, 1, removal(one)));
  expect(await eraseAll()).toEqual([]);
  expect(await seqsOf('obd_data', dev)).toEqual([...left, ...left].sort((a, b) => a - b));
  const next = await parts.store.next({ tenant: TENANT, device: dev }, STORE);
  expect([next.get(1), next.get(2), next.get(20)]).toEqual([100, 100, 2]);
  const records = await query('SELECT data FROM sessions WHERE dev = $1', [dev]);
  expect(records).toEqual([{ data: {} }]);
  expect(await query('SELECT 1 FROM erasures WHERE dev = $1', [dev])).toHaveLength(1);
});

inTree('what comes while the erasure waits is not stored either', async () => {
  const dev = 'between';
  const one = session(1, 0, 5);
  // Of its epoch nothing has come yet.
  await put(notes(dev, 0, one, removal(one)));
  expect(await eraseAll()).toEqual([]);
  await put(batch(samples(0, 100), { dev }));
  expect(await seqsOf('obd_data', dev)).toEqual(range(50, 100));
});

inTree(
  'what another session of the same gateway covers stays, until that is removed too',
  async () => {
    const dev = 'shared';
    const [whole, part, later] = [session(1, 0, 8), session(2, 3, 5), session(3, 7, null)];
    await put(batch(samples(0, 100), { dev }), notes(dev, 0, whole, part, later));
    // Another car with the same numbers.
    await put(batch(samples(0, 100), { dev: 'not-shared' }));
    await put(notes(dev, 3, removal(whole)));
    await eraseAll();
    expect(await seqsOf('obd_data', dev)).toEqual([...range(30, 50), ...range(70, 100)]);
    await put(notes(dev, 4, removal(part)));
    await eraseAll();
    expect(await seqsOf('obd_data', dev)).toEqual(range(70, 100));
    expect(await seqsOf('obd_data', 'not-shared')).toEqual(range(0, 100));
  },
);

inTree('a removal waits for what was noted before it: that may cover some of it', async () => {
  const dev = 'out-of-order';
  const [whole, part] = [session(1, 0, 8), session(2, 3, 5)];
  await put(batch(samples(0, 100), { dev }), notes(dev, 0, whole));
  await put(notes(dev, 2, removal(whole)));
  expect(await eraseAll()).toEqual([]);
  expect(await seqsOf('obd_data', dev)).toHaveLength(100);
  await put(notes(dev, 1, part));
  // On both sides of the other session.
  expect(await eraseAll()).toEqual([30, 30]);
  expect(await seqsOf('obd_data', dev)).toEqual([...range(30, 50), ...range(80, 100)]);
});

inTree(
  'what the gateway erased of its own notes is a gap that the removal does not wait for',
  async () => {
    const dev = 'gap';
    const one = session(1, 0, 8);
    const gap = { kind: 'gap', seq: 0, n: 1, reason: 'erased' } as const;
    await put(batch(samples(0, 100), { dev }), notes(dev, 1, removal(one)));
    await put(batch(gap, { dev, ...SESSIONS }));
    expect(await eraseAll()).toEqual([80]);
    const gaps = await query(
      'SELECT seq, n, reason FROM gaps JOIN feeds USING (feed) WHERE dev = $1',
      [dev],
    );
    expect(gaps).toEqual([{ seq: '0', n: '1', reason: 'erased' }]);
  },
);

inTree(
  'a long session goes piece by piece, and another instance goes on where one was killed',
  async () => {
    const dev = 'long';
    const one = session(1, 0, 95);
    const stream = declare('obd.speed', 'sample');
    await put(
      batch(samples(0, 1000), { dev }),
      batch(samples(0, 1000), { dev, number: 2, stream }),
      notes(dev, 0, one, removal(one)),
    );
    expect(await eraseSome(parts.database, 300)).toBe(0);
    expect(await eraseSome(parts.database, 300)).toBe(300);
    expect(await seqsOf('obd_data', dev)).toHaveLength(1700);
    // Two at once do not get into each other's way.
    const both = await Promise.all([eraseAll(300), eraseAll(300)]);
    expect(both.flat().reduce((sum, rows) => sum + rows, 0)).toBe(1600);
    expect(Math.max(...both.flat())).toBe(300);
    // Where one had nothing to do at the end, the other did it.
    await eraseAll();
    expect(await seqsOf('obd_data', dev)).toHaveLength(100);
    expect(await query('SELECT 1 FROM erasures WHERE dev = $1 AND done_at IS NULL', [dev])).toEqual(
      [],
    );
  },
);

inTree(
  'batches that are stored at the same time as the removal are erased or not stored',
  async () => {
    const dev = 'racing';
    const one = session(1, 0, 1000);
    const instances = [new BatchStore(parts.database), new BatchStore(parts.database)];
    const all = range(0, 40).map((k) => arrived(batch(samples(k * 100, 100), { dev })));
    const removing = async (): Promise<void> => {
      await put(notes(dev, 0, one, removal(one)));
      await eraseAll();
    };
    await Promise.all([
      ...instances.map(async (instance, i) => {
        for (const each of all.filter((_, k) => k % 2 === i)) await instance.store([each]);
      }),
      removing(),
    ]);
    await eraseAll();
    expect(await seqsOf('obd_data', dev)).toEqual([]);
    expect((await parts.store.next({ tenant: TENANT, device: dev }, STORE)).get(1)).toBe(4000);
  },
);

inTree('an account that is removed has no name any more, whatever comes after it', async () => {
  const dev = 'accounts';
  const user = (seq: number, data: Record<string, Json>): Batch =>
    batch(events(seq, [data]), { dev, ...USERS });
  const ada = { id: 'a1', username: 'ada', role: 'driver', enabled: true, removed: false };
  await put(user(0, ada), user(1, { ...ada, id: 'b2', username: 'bob' }));
  await put(user(2, { id: 'a1', removed: true }));
  await put(user(3, ada));
  const rows = await query('SELECT id, data, removed_at FROM users WHERE dev = $1 ORDER BY id', [
    dev,
  ]);
  expect(rows).toEqual([
    { id: 'a1', data: {}, removed_at: expect.any(Date) },
    { id: 'b2', data: expect.objectContaining({ username: 'bob' }), removed_at: null },
  ]);
});

inTree('spans that are none erase nothing', async () => {
  const dev = 'nonsense';
  const spans = [null, 'all', { epoch: 1, from: 0, to: null }, { epoch: 'x', from: {}, to: 9e99 }];
  await put(batch(samples(0, 10), { dev }), notes(dev, 0, { id: 1, removed: true, spans }));
  await put(notes(dev, 1, { id: 2, removed: true, spans: 'everything' }));
  expect(await eraseAll()).toEqual([]);
  expect(await seqsOf('obd_data', dev)).toHaveLength(10);
});

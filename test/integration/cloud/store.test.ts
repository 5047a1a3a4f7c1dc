/** Batches in a real PostgreSQL with TimescaleDB. Each test is a car of its own. */
import { expect } from 'vitest';
import { DatabaseError } from '../../../src/cloud/database.ts';
import { BatchStore } from '../../../src/cloud/store.ts';
import type { Batch } from '../../../src/wire/batch.ts';
import {
  arrived,
  batch,
  declare,
  events,
  type From,
  RPM,
  samples,
} from '../../support/cloud-batches.ts';
import { databaseInTree, inTree } from '../../support/in-tree.ts';
import { seededRandom } from '../../support/store-load.ts';
import { framesOf } from '../../unit/codec/columns-arbitrary.ts';

const parts = databaseInTree(6);
const { query, put, nextOf, rowsOf } = parts;

inTree('everything that a car measures has its table, and its value there', async () => {
  const from = (number: number, stream: From['stream']): From => ({
    dev: 'kinds',
    number,
    ...(stream && { stream }),
  });
  const wave = declare('eeg.head.raw', 'wave', { hz: 512, lsb: 0.5, unit: 'uV' });
  const frames = framesOf(
    [
      { t: 5, id: 0x7e8, data: [1, 2] },
      { t: 9, id: 0x98da_f110, data: [] },
    ],
    4,
  );
  await put(
    batch(samples(0, 3), from(1, RPM)),
    batch(
      { kind: 'waves', seq: 0, t0: 1000, span: 2000, v: Int32Array.of(-3, 4, 5) },
      from(2, wave),
    ),
    batch(frames, from(3, declare('can.can0', 'frame'))),
    batch(events(7, [{ state: 'started' }]), from(4, declare('alert', 'event'))),
    batch(events(0, [{ client: 'phone' }]), from(5, declare('face.blink', 'event'))),
    batch(samples(0, 1), from(6, declare('face.perclos60', 'sample'))),
    batch(events(0, [{ client: 'wheel' }]), from(7, declare('game.lane', 'event'))),
    batch(events(0, [{ codes: ['P0301'] }]), from(8, declare('obd.dtc', 'event'))),
  );
  const base = String(
    (await query(`SELECT base::text FROM epochs WHERE dev = 'kinds'`))[0]?.['base'],
  );
  const at = (us: number): Date => new Date(Date.parse(base) + us / 1000);
  expect(await rowsOf('obd_data', 'kinds')).toMatchObject([
    { value: 0 },
    { value: 1 },
    { value: 2, ts: at(200_000) },
  ]);
  expect(await rowsOf('eeg_data', 'kinds')).toMatchObject([
    { value: -1.5, ts: at(1000) },
    { value: 2, ts: at(2000) },
    { value: 2.5, ts: at(3000) },
  ]);
  expect(await rowsOf('can_frames', 'kinds')).toMatchObject([
    { seq: '4', id: 0x7e8, extended: false, data: Buffer.of(1, 2) },
    { seq: '5', id: 0x18da_f110, extended: true, data: Buffer.alloc(0) },
  ]);
  expect(await rowsOf('alerts', 'kinds')).toMatchObject([{ seq: '7', data: { state: 'started' } }]);
  expect(await rowsOf('face_events', 'kinds')).toMatchObject([
    { stream: expect.stringContaining('face.'), seq: '0' },
    { stream: expect.stringContaining('face.'), seq: '0' },
  ]);
  expect(await rowsOf('game_events', 'kinds')).toMatchObject([
    { data: { client: 'wheel' }, value: null },
  ]);
  expect(await rowsOf('events', 'kinds')).toMatchObject([{ data: { codes: ['P0301'] } }]);
  expect(await nextOf('kinds', 2)).toBe(3);
  // The alert with seq 7 came without those before it.
  expect(await nextOf('kinds', 4)).toBe(0);
});

inTree(
  'batches in any order, any number of times, by two instances, are each row once',
  async () => {
    const random = seededRandom(7);
    const cars = ['shuffled-1', 'shuffled-2', 'shuffled-3'];
    const all = cars.flatMap((dev) =>
      [1, 2].flatMap((number) =>
        Array.from({ length: 40 }, (_, k) => {
          const stream = declare(`obd.stream_${number}`, 'sample');
          return batch(samples(k * 5, 5), { dev, number, stream });
        }),
      ),
    );
    const copies = [...all, ...all, ...all.slice(0, 100)]
      .map((one) => ({ one, order: random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ one }) => one);
    const instances = [new BatchStore(parts.database), new BatchStore(parts.database)];
    const groups = Array.from({ length: copies.length / 20 }, (_, i) =>
      copies.slice(i * 20, (i + 1) * 20),
    );
    await Promise.all(
      instances.map(async (instance, i) => {
        for (const group of groups.filter((_, k) => k % 2 === i)) {
          // One may be the victim of a deadlock: it is tried again, as Ingest does.
          for (;;) {
            try {
              await instance.store(group.map(arrived));
              break;
            } catch (error) {
              if (!(error instanceof DatabaseError) || error.code !== 'UNAVAILABLE') throw error;
            }
          }
        }
      }),
    );
    for (const dev of cars) {
      const rows = await rowsOf('obd_data', dev);
      expect(rows).toHaveLength(400);
      expect(rows.every(({ seq, value }) => Number(seq) === value)).toBe(true);
      expect(await nextOf(dev, 1)).toBe(200);
      expect(await nextOf(dev, 2)).toBe(200);
    }
    expect(await query(`SELECT * FROM feeds WHERE dev LIKE 'shuffled-%'`)).toHaveLength(6);
  },
);

inTree(
  'nothing is acknowledged beyond a hole until it is filled, or known to be lost',
  async () => {
    const dev = 'holes';
    await put(batch(samples(0, 10), { dev }), batch(samples(30, 10), { dev }));
    expect(await nextOf(dev)).toBe(10);
    await put(batch(samples(10, 10), { dev }));
    expect(await nextOf(dev)).toBe(20);
    await put(batch({ kind: 'gap', seq: 20, n: 10, reason: 'evicted' }, { dev }));
    expect(await nextOf(dev)).toBe(40);
    const gaps = await query(
      'SELECT seq, n, reason FROM gaps JOIN feeds USING (feed) WHERE dev = $1',
      [dev],
    );
    expect(gaps).toEqual([{ seq: '20', n: '10', reason: 'evicted' }]);
    // One that was on its way when the gap was told is kept all the same.
    await put(batch(samples(20, 10), { dev }));
    expect(await rowsOf('obd_data', dev)).toHaveLength(40);
  },
);

inTree('a database that was set up anew goes on where the gateway is', async () => {
  const dev = 'restored';
  await put(batch(samples(5010, 10), { dev, acked: 5000 }));
  expect(await nextOf(dev)).toBe(5000);
  await put(batch(samples(5000, 10), { dev, acked: 5000 }));
  expect(await nextOf(dev)).toBe(5020);
  const gaps = await query(
    'SELECT seq, n, reason FROM gaps JOIN feeds USING (feed) WHERE dev = $1',
    [dev],
  );
  expect(gaps).toEqual([{ seq: '0', n: '5000', reason: 'elsewhere' }]);
});

inTree('rows of which the database has forgotten that they came are not there twice', async () => {
  const dev = 'forgotten';
  await put(batch(samples(0, 10), { dev }));
  await query(`UPDATE feeds SET received = '{}', next = 0 WHERE dev = $1`, [dev]);
  const { rows, inserted } = await put(
    batch(samples(5, 10), { dev }),
    batch(samples(0, 5), { dev }),
  );
  expect([rows, inserted]).toEqual([15, 5]);
  expect(await rowsOf('obd_data', dev)).toHaveLength(15);
  expect(await nextOf(dev)).toBe(15);
});

inTree(
  'a wave that is sent again with times a little different is there once, as it came first',
  async () => {
    const dev = 'wave-again';
    const from = { dev, stream: declare('eeg.raw', 'wave', { hz: 100, lsb: 1 }) };
    const wave = (seq: number, n: number, t0: number) => {
      const v = Int32Array.from({ length: n }, (_, i) => seq + i);
      return { kind: 'waves', seq, t0, span: (n - 1) * 10_000, v } as const;
    };
    await put(batch(wave(0, 100, 0), from));
    // A block, as the gateway makes of it later: its line leaves up to 1 ms to each side.
    const { rows, inserted } = await put(batch(wave(50, 100, 500_100), from));
    expect([rows, inserted]).toEqual([100, 50]);
    expect(await put(batch(wave(0, 150, 200), from))).toMatchObject({ rows: 150, inserted: 0 });
    const stored = await rowsOf('eeg_data', dev);
    expect(stored.map(({ value }) => value)).toEqual(Array.from({ length: 150 }, (_, i) => i));
  },
);

inTree('a store that begins anew, on an empty card, is another one', async () => {
  const dev = 'new-card';
  await put(batch(samples(0, 10), { dev }), batch(samples(0, 10), { dev, store: 'f'.repeat(16) }));
  expect(await rowsOf('obd_data', dev)).toHaveLength(20);
});

inTree(
  'a number that means another stream, and a time that cannot be, are refused alone',
  async () => {
    const dev = 'refused';
    const good = arrived(batch(samples(0, 10), { dev }));
    const other = arrived(batch(samples(10, 10), { dev, stream: declare('obd.other', 'sample') }));
    const late = {
      kind: 'scalars',
      seq: 10,
      t: Float64Array.of(1e14),
      v: Float64Array.of(1),
    } as const;
    const never = arrived(batch(late, { dev }));
    const { refused } = await parts.store.store([good, other, never]);
    expect(refused.get(other)).toBe(
      'stream 1 is obd.other (sample), and was obd.engine.rpm (sample)',
    );
    expect(refused.get(never)).toContain('us since the start of its epoch');
    expect(refused.has(good)).toBe(false);
    expect(await nextOf(dev)).toBe(10);
  },
);

inTree('a stream of holes is refused before it costs too much', async () => {
  const dev = 'scattered';
  const batches = Array.from({ length: 1001 }, (_, k) =>
    arrived(batch(samples(2 * k + 1, 1), { dev })),
  );
  const { refused } = await parts.store.store(batches);
  expect([...refused.values()]).toEqual(['1001 holes in its stream, 1000 at most']);
});

inTree('what the database does not take is told as such, and leaves nothing behind', async () => {
  const dev = 'bad-data';
  const bad = batch(samples(0, 1), { dev, stream: declare('obd.bad', 'sample', { name: 'a\0b' }) });
  await expect(put(batch(samples(0, 5), { dev, number: 2 }), bad)).rejects.toMatchObject({
    name: 'DatabaseError',
    code: 'BAD_DATA',
  });
  expect(await rowsOf('obd_data', dev)).toEqual([]);
  // What was rolled back is not remembered either.
  await put(batch(samples(0, 5), { dev, number: 2 }));
  expect(await rowsOf('obd_data', dev)).toHaveLength(5);
});

inTree('text that jsonb does not take is mended', async () => {
  await put(
    batch(events(0, [{ text: 'a\0\ud800' }]), {
      dev: 'mended',
      stream: declare('obd.dtc', 'event'),
    }),
  );
  expect(await rowsOf('events', 'mended')).toMatchObject([{ data: { text: 'a\ufffd\ufffd' } }]);
});

inTree(
  'the time of a row never changes; a clock that is corrected moves what the view says',
  async () => {
    const dev = 'clock';
    const clock = declare('sys.clock', 'event');
    const record = (seq: number, wallMs: number, trust: string): Batch =>
      batch(events(seq, [{ epoch: 1, wallMs, trust }]), { dev, number: 9, stream: clock });
    await put(batch(samples(0, 2), { dev }));
    const [before] = await rowsOf('obd_data', dev);
    const right = Date.UTC(2026, 4, 1, 12);
    await put(record(1, right, 'gps'), record(0, right - 5000, 'rtc'));
    // The same batch again, as after a lost acknowledgement.
    await put(batch(samples(0, 2), { dev }), record(0, right - 5000, 'rtc'));
    const rows = await rowsOf('obd_data', dev);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toEqual(before);
    const view = await query(
      'SELECT wall, trust, value, stream FROM obd_data_corrected WHERE dev = $1 ORDER BY seq',
      [dev],
    );
    expect(view).toEqual([
      { wall: new Date(right), trust: 'gps', value: 0, stream: 'obd.engine.rpm' },
      { wall: new Date(right + 100), trust: 'gps', value: 1, stream: 'obd.engine.rpm' },
    ]);
  },
);

inTree(
  'an epoch whose clock is known begins where it says, if that is a time that can be',
  async () => {
    const wallMs = Date.now() - 3 * 86_400_000;
    const clock = (dev: string, wallMs: number, trust: string): Batch => {
      const stream = declare('sys.clock', 'event');
      return batch(events(0, [{ epoch: 1, wallMs, trust }]), { dev, number: 9, stream });
    };
    await put(clock('known', wallMs, 'ntp'), batch(samples(0, 1), { dev: 'known' }));
    await put(clock('wrong', Date.UTC(2091, 1, 1), 'rtc'), batch(samples(0, 1), { dev: 'wrong' }));
    await put(clock('lost', Date.UTC(1991, 1, 1), 'none'), batch(samples(0, 1), { dev: 'lost' }));
    expect(await rowsOf('obd_data', 'known')).toMatchObject([{ ts: new Date(wallMs) }]);
    for (const dev of ['wrong', 'lost']) {
      const [row] = await query(
        `SELECT abs(extract(epoch FROM now() - ts)) < 120 AS near FROM obd_data JOIN feeds USING (feed) WHERE dev = $1`,
        [dev],
      );
      expect(row).toEqual({ near: true });
    }
  },
);

inTree('of a record the newest is kept, whatever came last', async () => {
  const dev = 'records';
  const from = { dev, number: 5, stream: declare('sys.session', 'event') };
  const device = { dev, number: 6, stream: declare('sys.device', 'event') };
  await put(
    batch(
      events(2, [
        { id: 1, tags: ['new'] },
        { id: 2, tags: [] },
      ]),
      from,
    ),
  );
  await put(
    batch(events(0, [{ id: 1, tags: ['old'] }]), from),
    batch(events(0, [{ version: '1' }]), device),
  );
  const rows = await query('SELECT id, seq, data FROM sessions WHERE dev = $1 ORDER BY id', [dev]);
  expect(rows).toEqual([
    { id: '1', seq: '2', data: { id: 1, tags: ['new'] } },
    { id: '2', seq: '3', data: { id: 2, tags: [] } },
  ]);
  const devices = await query('SELECT id, data FROM devices WHERE dev = $1', [dev]);
  expect(devices).toEqual([{ id: '', data: { version: '1' } }]);
  expect(await rowsOf('events', dev)).toEqual([]);
});

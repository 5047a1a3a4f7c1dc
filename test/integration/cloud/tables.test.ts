/** The tables in a real PostgreSQL with TimescaleDB: what they let go, and what they outlive. */
import { expect } from 'vitest';
import { migrate } from '../../../src/cloud/migrate.ts';
import { dropOld } from '../../../src/cloud/retention.ts';
import { batch, declare, events, samples } from '../../support/cloud-batches.ts';
import { MIGRATIONS } from '../../support/cloud-database.ts';
import { databaseInTree, inTree } from '../../support/in-tree.ts';

const parts = databaseInTree(6);
const { query, put, nextOf, rowsOf } = parts;

inTree('what is too old goes a chunk at a time, and is not asked for again', async () => {
  const dev = 'old';
  const clock = declare('sys.clock', 'event');
  const days = (n: number): number => Date.now() - n * 86_400_000;
  for (const [epoch, wallMs] of [
    [1, days(100)],
    [2, days(1)],
  ] as const) {
    const told = events(epoch - 1, [{ epoch, wallMs, trust: 'ntp' }]);
    const game = declare('game.speed', 'sample');
    await put(
      batch(told, { dev, epoch, number: 9, stream: clock }),
      batch(samples((epoch - 1) * 10, 10), { dev, epoch, stream: game }),
    );
  }
  const dropped = await dropOld(parts.database, new Map([['game_events', 30]]));
  expect(dropped).toHaveLength(1);
  expect(await rowsOf('game_events', dev)).toHaveLength(10);
  expect(await nextOf(dev)).toBe(20);
  expect(await dropOld(parts.database, new Map([['game_events', 30]]))).toEqual([]);
});

inTree('tables of a newer release are left alone', async () => {
  const number = MIGRATIONS.length + 1;
  await query(`INSERT INTO migrations (number, title) VALUES ($1, 'to come')`, [number]);
  await expect(migrate(parts.database, MIGRATIONS)).rejects.toThrow(
    `the database has tables of a newer release: migration ${number}, ${MIGRATIONS.length} is known here`,
  );
  await query('DELETE FROM migrations WHERE number = $1', [number]);
});

inTree(
  'a database that is killed is away, and all that was committed is there after it',
  async () => {
    const dev = 'killed';
    await put(batch(samples(0, 10), { dev }));
    await parts.cloud.kill('database');
    const error = await put(batch(samples(10, 10), { dev })).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'DatabaseError', code: 'UNAVAILABLE' });
    await parts.cloud.start('database');
    await expect
      .poll(() =>
        put(batch(samples(10, 10), { dev })).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    expect(await rowsOf('obd_data', dev)).toHaveLength(20);
  },
);

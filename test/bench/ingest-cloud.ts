/**
 * How many rows a second the fleet side stores: batches of cars, from their bytes to the commit, against
 * the same rows copied straight into a hypertable of the same shape, which knows nothing of copies that
 * come twice, of gaps and of acknowledgements. Needs root, for the Debian tree of scripts/cloud.sh.
 */
import { readFileSync } from 'node:fs';
import { type Database, openDatabase } from '../../src/cloud/database.ts';
import { migrate, readMigrations } from '../../src/cloud/migrate.ts';
import { RowWriter } from '../../src/cloud/rows.ts';
import { BatchStore } from '../../src/cloud/store.ts';
import { decodeBatch, encodeBatch } from '../../src/wire/batch.ts';
import { arrived, batch, declare } from '../support/cloud-batches.ts';
import { missingForCloud, startCloud } from '../support/cloud-tree.ts';
import { type Bench, interleave, Side, secondsOf } from './bench.ts';

/** A transaction as it is under load: what was prefetched meanwhile. */
const BATCHES = 200;
/** 10 s at 10 Hz. */
const ROWS = 100;
const STREAMS = 20;
const TRANSACTIONS = 5;
const ROUNDS = 5;
const PEERS = {
  hypertable: `CREATE TABLE peer_hypertable (LIKE obd_data INCLUDING ALL);
    SELECT create_hypertable('peer_hypertable', 'ts', chunk_time_interval => interval '1 day',
      create_default_indexes => false)`,
  plain: 'CREATE TABLE peer_plain (LIKE obd_data)',
};

export const ingestCloud: Bench = {
  name: 'ingest-cloud',
  async *run() {
    const missing = missingForCloud();
    if (missing !== '') throw new Error(`the database of this benchmark needs ${missing}`);
    await using cloud = await startCloud({ parts: ['database'] });
    const database = openDatabase(cloud.databaseUrl, 2);
    try {
      await migrate(database, readMigrations(readFileSync('src/cloud/schema.sql', 'utf8')));
      for (const sql of Object.values(PEERS).flatMap((text) => text.split(';'))) {
        await database.transaction(({ query }) => query(sql));
      }
      const store = new BatchStore(database);
      let round = 0;
      const ours = new Side(() => storeAll(store, `car-${++round}`));
      const again = new Side(() => storeAll(store, `car-${round}`));
      const hypertable = new Side(() => copyAll(database, 'peer_hypertable', ++round));
      const plain = new Side(() => copyAll(database, 'peer_plain', ++round));
      await interleave(ROUNDS, [ours, again, hypertable, plain]);
      const figure = { unit: 'rows/s', n: ROUNDS };
      const value = Math.round(ours.median);
      const peer = (name: string, side: Side) => ({ name, value: Math.round(side.median) });
      yield { metric: 'new', value, ...figure, peer: peer('COPY', hypertable), goal: '>= 0.5x' };
      yield { metric: 'new', value, ...figure, peer: peer('COPY without an index', plain) };
      yield {
        metric: 'come twice',
        value: Math.round(again.median),
        ...figure,
        peer: peer('COPY', hypertable),
      };
    } finally {
      await database.close();
    }
  },
};

/** Bytes as they come from the broker, for each transaction. */
function messages(dev: string): Uint8Array[][] {
  return Array.from({ length: TRANSACTIONS }, (_, k) =>
    Array.from({ length: BATCHES }, (_, i) => {
      const number = i % STREAMS;
      const seq = (k * (BATCHES / STREAMS) + Math.floor(i / STREAMS)) * ROWS;
      const t = Float64Array.from({ length: ROWS }, (_, j) => (seq + j) * 100_000);
      const v = Float64Array.from(t, (_, j) => 800 + ((seq + j) % 97));
      const stream = declare(`obd.stream_${number}`, 'sample');
      return encodeBatch(batch({ kind: 'scalars', seq, t, v }, { dev, number, stream }));
    }),
  );
}

const rowsPerSecond = (seconds: number): number => (TRANSACTIONS * BATCHES * ROWS) / seconds;

async function storeAll(store: BatchStore, dev: string): Promise<number> {
  const all = messages(dev);
  const seconds = await secondsOf(async () => {
    for (const group of all) await store.store(group.map((bytes) => arrived(decodeBatch(bytes))));
  });
  return rowsPerSecond(seconds);
}

async function copyAll(database: Database, table: string, round: number): Promise<number> {
  const baseUs = Date.now() * 1000;
  const all = messages('peer').map((group) => {
    const rows = new RowWriter();
    for (const bytes of group) {
      const one = decodeBatch(bytes);
      rows.add(one, { feed: 1000 * round + one.head.number, baseUs });
    }
    return [...rows.tables()].map(({ data }) => data);
  });
  const seconds = await secondsOf(async () => {
    for (const data of all.flat()) {
      await database.transaction(({ copy }) =>
        copy(`COPY ${table} (feed, epoch, seq, ts, value) FROM STDIN (FORMAT binary)`, data),
      );
    }
  });
  return rowsPerSecond(seconds);
}

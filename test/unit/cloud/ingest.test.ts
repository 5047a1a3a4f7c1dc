import { beforeEach, expect, test } from 'vitest';
import { Counters } from '../../../src/cloud/counters.ts';
import { DatabaseError } from '../../../src/cloud/database.ts';
import { Ingest } from '../../../src/cloud/ingest.ts';
import type { Arrived, Stored } from '../../../src/cloud/store.ts';
import { batchOf, encodeBatch } from '../../../src/wire/batch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { streamOf } from '../codec/columns-arbitrary.ts';

const KEY = 'v1.fleet.car-1.up.p2.obd.engine.rpm';
const AWAY = new DatabaseError('UNAVAILABLE', 'the database: it is away');
const BAD = new DatabaseError('BAD_DATA', 'the database: no such number');

function bytes(seq: number, dev = 'car-1'): Uint8Array {
  const origin = { dev, store: '0123456789abcdef', epoch: 1, session: null, number: 1 };
  const t = Float64Array.of(1000);
  const content = { kind: 'scalars', seq, t, v: Float64Array.of(1) } as const;
  return encodeBatch(batchOf({ ...origin, stream: streamOf('sample') }, content));
}

let clock: FakeClock;
let counters: Counters;
let stopping: AbortController;
/** Seqs of each transaction. */
let transactions: number[][];
let aside: Record<string, string>[];
let committed: string[];
let answer: (seqs: readonly number[], arrived: readonly Arrived[]) => Stored | Error;
let brokerAway: boolean;

const all = (seqs: readonly number[]): Stored => {
  return { refused: new Map(), rows: seqs.length, inserted: seqs.length };
};

beforeEach(() => {
  clock = new FakeClock();
  counters = new Counters();
  stopping = new AbortController();
  transactions = [];
  aside = [];
  committed = [];
  answer = all;
  brokerAway = false;
});

function create(): Ingest {
  const store = (arrived: readonly Arrived[]): Promise<Stored> => {
    const seqs = arrived.map(({ batch }) => batch.head.first);
    transactions.push(seqs);
    const result = answer(seqs, arrived);
    return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
  };
  const putAside = (_: Uint8Array, headers: Readonly<Record<string, string>>): Promise<void> => {
    if (brokerAway) return Promise.reject(new Error('it is away'));
    aside.push({ ...headers });
    return Promise.resolve();
  };
  const announce = ({ tenant, device }: Arrived['place'], store: string): void => {
    committed.push(`${tenant}/${device}/${store}`);
  };
  const options = { clock, log: SILENT_LOG, counters, store, committed: announce, putAside };
  return new Ingest(options, stopping.signal);
}

test('what comes at once is one transaction, and done with after it', async () => {
  const ingest = create();
  const verdicts = await Promise.all([0, 1, 2].map((seq) => ingest.take(KEY, bytes(seq))));
  expect(verdicts).toEqual(['done', 'done', 'done']);
  expect(transactions).toEqual([[0, 1, 2]]);
  expect(committed).toEqual(Array(3).fill('fleet/car-1/0123456789abcdef'));
  expect(counters).toMatchObject({ batches: 3, rows: 3, duplicates: 0, commits: 1 });
  expect(ingest.waiting).toBe(0);
});

test('what is damaged is put aside with its reason, and the rest is stored', async () => {
  const ingest = create();
  const damaged = bytes(1);
  damaged[20] = (damaged[20] ?? 0) ^ 1;
  const verdicts = await Promise.all([
    ingest.take(KEY, bytes(0)),
    ingest.take(KEY, damaged),
    ingest.take(KEY, Buffer.from('rubbish')),
    ingest.take('v1.fleet.car-1.ack', bytes(2)),
    ingest.take(KEY, bytes(3, 'car-2')),
  ]);
  expect(verdicts).toEqual(['done', 'done', 'done', 'done', 'done']);
  expect(transactions).toEqual([[0]]);
  expect(aside.map(({ code }) => code)).toEqual(['BAD_CRC', 'SHORT_BATCH', 'BAD_HEAD', 'BAD_HEAD']);
  expect(aside[3]).toMatchObject({ topic: KEY, reason: 'a batch of car-2 came from car-1' });
  expect([...counters.refused]).toEqual([
    ['BAD_CRC', 1],
    ['SHORT_BATCH', 1],
    ['BAD_HEAD', 2],
  ]);
});

test('what cannot be put aside comes again', async () => {
  brokerAway = true;
  expect(await create().take(KEY, Buffer.from('rubbish'))).toBe('again');
});

test('what the database refuses is found among the others', async () => {
  answer = (seqs) => (seqs.includes(1) ? BAD : all(seqs));
  const ingest = create();
  const verdicts = await Promise.all([0, 1, 2].map((seq) => ingest.take(KEY, bytes(seq))));
  expect(verdicts).toEqual(['done', 'done', 'done']);
  expect(transactions).toEqual([[0, 1, 2], [0], [1], [2]]);
  expect(aside).toEqual([{ topic: KEY, code: 'BAD_DATA', reason: BAD.message }]);
  expect(committed).toHaveLength(2);
});

test('what the store refuses is put aside, and not acknowledged', async () => {
  answer = (seqs, [first]) => ({ ...all(seqs), refused: new Map(first ? [[first, 'why']] : []) });
  expect(await create().take(KEY, bytes(0))).toBe('done');
  expect(aside).toEqual([{ topic: KEY, code: 'REFUSED', reason: 'why' }]);
  expect(committed).toEqual([]);
});

test('a database that is away is tried again, ever more slowly, and nothing is lost', async () => {
  let tries = 0;
  answer = (seqs) => (++tries <= 3 ? AWAY : all(seqs));
  const ingest = create();
  const verdict = ingest.take(KEY, bytes(0));
  for (const ms of [250, 500, 1000]) {
    await expect.poll(() => clock.sleepers).toBe(1);
    expect(ingest.reachable).toBe(false);
    await clock.advance(ms);
  }
  expect(await verdict).toBe('done');
  expect(ingest.reachable).toBe(true);
  expect(counters).toMatchObject({ retries: 3, commits: 1 });
});

test('what waits for ten minutes is given back to the broker', async () => {
  answer = () => AWAY;
  const ingest = create();
  const verdict = ingest.take(KEY, bytes(0));
  let settled = false;
  void verdict.then(() => {
    settled = true;
  });
  for (let s = 0; s < 700 && !settled; s += 5) await clock.advance(5_000);
  expect(await verdict).toBe('again');
  expect(counters.returned).toBe(1);
});

test('a stop gives back what waits', async () => {
  answer = () => AWAY;
  const verdict = create().take(KEY, bytes(0));
  await expect.poll(() => clock.sleepers).toBe(1);
  stopping.abort();
  expect(await verdict).toBe('again');
});

test('a bug is told to whoever brought the message', async () => {
  answer = () => new TypeError('undefined is not a function');
  await expect(create().take(KEY, bytes(0))).rejects.toThrow('undefined is not a function');
});

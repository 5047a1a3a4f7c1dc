/**
 * kill -9 while several clients push over MQTT: what has its PUBACK is stored, and what is sent again
 * because it has none is stored once.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EPOCH_US_MAX } from '../../../src/store/keys.ts';
import { openStore } from '../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../src/store/reading/reader.ts';
import type { IngestProcessOptions } from './ingest-process.ts';

const BATCHES = 400;
const CLIENTS = 4;
/** Pushes of all of them that wait for their PUBACK. */
const WINDOW = 20;
/** Each life is ended after so many; the last one goes to the end. */
const ACKS_A_LIFE = 90;
const QUOTA_BYTES = 32 * 2 ** 20;

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vigil-mqtt-ingest-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** The number stands for what is in it; its time is that of whenever it is sent. */
function pushOf(seq: number, epoch: number): string {
  const items = [{ t: 0, event: 'tick', data: { reaction_ms: seq } }];
  return JSON.stringify({ client: 'sim', seq, epoch, items });
}

/** One life of a broker, to which all of them are pushed. Those that were acknowledged in it. */
async function life(epoch: number, seqs: readonly number[]): Promise<number[]> {
  const options: IngestProcessOptions = { directory, quotaBytes: QUOTA_BYTES, epoch };
  const file = path.join(import.meta.dirname, 'ingest-process.ts');
  const child = spawn(process.execPath, [file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(([code]) => Promise.reject(new Error(`the broker ended with ${code}`))),
  ]);
  const port = Number(String(line).replace('port ', ''));
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      connectAsync({ host: '127.0.0.1', port, username: `c${i}`, reconnectPeriod: 0 }),
    ),
  );
  const acked: number[] = [];
  const ended = Promise.withResolvers<void>();
  for (const client of clients) {
    client.on('error', () => {}); // The kill.
    client.on('close', () => ended.resolve());
  }
  const waiting = [...seqs];
  const pushOn = async (i: number): Promise<void> => {
    for (let seq = waiting.shift(); seq !== undefined; seq = waiting.shift()) {
      const client = clients[i % CLIENTS];
      await client?.publishAsync('car/v1/ingest/game', pushOf(seq, epoch), { qos: 1 });
      acked.push(seq);
      if (acked.length === Math.min(ACKS_A_LIFE, seqs.length)) child.kill('SIGKILL');
    }
  };
  const pushes = Array.from({ length: WINDOW }, (_, i) => pushOn(i));
  for (const push of pushes) push.catch(() => {}); // It has no PUBACK, and is sent again.
  await Promise.all([exited, ended.promise]);
  for (const client of clients) client.end(true);
  await Promise.allSettled(pushes);
  return acked;
}

/** How often each is stored, by its number. */
async function stored(epochs: number): Promise<number[]> {
  const epoch = { id: epochs + 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const opened = await openStore({ directory, quotaBytes: QUOTA_BYTES, lowBytes: 0, epoch });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const found = Array.from({ length: BATCHES }, () => 0);
    for (let id = 1; id <= epochs; id++) {
      const range = { epoch: id, from: 0, to: EPOCH_US_MAX };
      const query = { streams: reader.numbersOf('game.tick'), limit: 10 * BATCHES };
      for (const { row } of reader.events(range, query)) {
        const seq = Number(Object(row.data['data']).reaction_ms);
        found[seq] = (found[seq] ?? 0) + 1;
      }
    }
    return found;
  } finally {
    await opened.close();
  }
}

test('over kills nothing that has its PUBACK is lost, and nothing is there twice', {
  timeout: 120_000,
}, async () => {
  const acknowledged = new Set<number>();
  const all = Array.from({ length: BATCHES }, (_, seq) => seq);
  let epoch = 0;
  while (acknowledged.size < BATCHES) {
    epoch++;
    const missing = all.filter((seq) => !acknowledged.has(seq));
    // And some that are there, as a client does that has lost its notes.
    const again = [...acknowledged].filter((seq) => seq % 7 === 0).slice(-10);
    for (const seq of await life(epoch, [...again, ...missing])) acknowledged.add(seq);
  }
  expect(epoch).toBeGreaterThan(3);
  expect(await stored(epoch)).toEqual(all.map(() => 1));
});

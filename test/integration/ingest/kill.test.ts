/**
 * kill -9 between an acknowledgement and whatever comes after it, again and again in one directory,
 * while 10,000 batches come, a third of them twice: nothing that was acknowledged is lost, and nothing
 * is there twice.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EPOCH_US_MAX } from '../../../src/store/keys.ts';
import { openStore } from '../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../src/store/reading/reader.ts';
import type { SenderOptions } from './sender.ts';

const BATCHES = 10_000;
/** Each life is ended after so many acknowledgements; the last one goes to the end. */
const ACKS_A_LIFE = 1_300;
const QUOTA_BYTES = 32 * 2 ** 20;
const EVENTS_MAX = 10_000;

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vigil-ingest-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Life {
  readonly acked: readonly number[];
  readonly again: readonly number[];
}

/** One life of a sender, ended by SIGKILL. */
async function life(options: SenderOptions): Promise<Life> {
  const file = path.join(import.meta.dirname, 'sender.ts');
  const child = spawn(process.execPath, [file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acked: number[] = [];
  const again: number[] = [];
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    const [word, seq] = line.split(' ');
    if (word === 'acked') acked.push(Number(seq));
    else if (word === 'again') again.push(Number(seq));
    if (word === 'done' || acked.length === ACKS_A_LIFE) child.kill('SIGKILL');
  });
  const [[, signal]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  expect(signal).toBe('SIGKILL');
  return { acked, again };
}

/** The numbers of the batches that are stored in an epoch, as their events say. */
function* eventsIn(reader: StoreReader, epoch: number): Generator<number> {
  const range = { epoch, from: 0, to: EPOCH_US_MAX };
  const query = { streams: reader.numbersOf('game.tick'), limit: EVENTS_MAX };
  let page = reader.events(range, query);
  for (let last = page.at(-1); last; last = page.at(-1)) {
    for (const { row } of page) yield Number(Object(row.data['data']).reaction_ms);
    page = reader.events(range, { ...query, after: last.key });
  }
}

/** The same, as their samples say. */
function* samplesIn(reader: StoreReader, epoch: number): Generator<number> {
  const range = { epoch, from: 0, to: EPOCH_US_MAX };
  for (const number of reader.numbersOf('game.reaction_ms')) {
    for (const piece of reader.columns(number, range)) {
      if (piece.kind === 'scalars') yield* piece.v;
    }
  }
}

/** How often each batch is stored, by its number, as events and as samples. */
async function stored(epochs: number): Promise<{ events: number[]; samples: number[] }> {
  const epoch = { id: epochs + 1, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const opened = await openStore({ directory, quotaBytes: QUOTA_BYTES, lowBytes: 0, epoch });
  try {
    expect(opened.problems).toEqual([]);
    const reader = new StoreReader(opened.database, undefined);
    const [events, samples]: [number[], number[]] = [[], []];
    for (let id = 1; id <= epochs; id++) {
      for (const seq of eventsIn(reader, id)) events[seq] = (events[seq] ?? 0) + 1;
      for (const seq of samplesIn(reader, id)) samples[seq] = (samples[seq] ?? 0) + 1;
    }
    return { events, samples };
  } finally {
    await opened.close();
  }
}

test(`of ${BATCHES} batches over kills nothing acknowledged is lost, and nothing is there twice`, {
  timeout: 120_000,
}, async () => {
  const acknowledged = new Set<number>();
  let repeated = 0;
  let epoch = 0;
  let from = 0;
  while (from < BATCHES) {
    epoch++;
    const { acked, again } = await life({
      ...{ directory, quotaBytes: QUOTA_BYTES, epoch, from, to: BATCHES },
    });
    // What one life has acknowledged no later one takes for new.
    expect(acked.filter((seq) => acknowledged.has(seq))).toEqual([]);
    for (const seq of [...acked, ...again]) acknowledged.add(seq);
    repeated += again.length;
    while (acknowledged.has(from)) from++;
  }
  expect(epoch).toBeGreaterThan(3);
  expect(repeated).toBeGreaterThan(BATCHES / 10);
  const { events, samples } = await stored(epoch);
  expect(events).toEqual(Array.from({ length: BATCHES }, () => 1));
  expect(samples).toEqual(events);
});

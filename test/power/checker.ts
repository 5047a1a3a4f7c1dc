/**
 * The start after the power cut, in a process of its own on the disk that it left: opens the store
 * the way the gateway does, looks for everything that has to be there, records a little more, stops,
 * and opens it once more.
 *
 *   node checker.ts DIRECTORY '<Expectation as JSON>'      prints a Verdict as JSON
 */
import { openStore } from '../../src/store/opening/opening.ts';
import { StoreReader } from '../../src/store/reading/reader.ts';
import type { VerifyStep } from '../../src/store/reading/verify.ts';
import { Store } from '../../src/store/store.ts';
import { fastClock } from '../support/fast-clock.ts';
import type { Expectation } from './expectation.ts';
import { elementAt, MODEL, readingsOf, START_US } from './model.ts';
import { checkRecording, type Verdict } from './recording-check.ts';
import { newestRecord, recordChanges, recordProblems } from './records.ts';
import { LOW_BYTES } from './writer.ts';

const SPEED = 100;
const QUOTA_BYTES = 12 * 2 ** 20;
/** Beyond those of the recording. */
const EPOCH = 100;
/** What is recorded after the cut. */
const MORE_US = 20_000_000;

function epochOf(id: number) {
  return { id, wallMs: 0, trust: 'none', bootId: `boot ${id}`, monotonicMs: 0 } as const;
}

function verifyProblems(steps: Iterable<VerifyStep>): string[] {
  return [...steps].flatMap((step) =>
    step.problems.map(({ table, key, text }) => `${table} ${key}: ${text}`),
  );
}

async function firstStart(directory: string, expectation: Expectation): Promise<Verdict> {
  const problems: string[] = [];
  const tell = (_fields: object, text: string) => problems.push(`the store says: ${text}`);
  const store = new Store({
    directory,
    quotaBytes: QUOTA_BYTES,
    lowBytes: LOW_BYTES,
    epoch: epochOf(EPOCH),
    clock: fastClock(SPEED, START_US),
    log: { debug: () => {}, info: () => {}, warn: tell, error: tell },
    pinned: () => [],
  });
  const stop = new AbortController();
  const running = store.run(stop.signal);
  await store.settled;
  if (!store.isOpen) return { lost: 0, problems };
  const reader = new StoreReader(store.reads, store.tail());
  problems.push(...verifyProblems(reader.verify()));
  const verdict = checkRecording({ reader, reads: store.reads }, expectation);
  const records = newestRecord(store.reads);
  const lostRecords = Math.max(0, expectation.records - records);
  if (lostRecords > 0)
    problems.push(`record ${records} is the last, ${expectation.records} was it`);
  if (records > expectation.records + 1) problems.push(`record ${records} was never committed`);
  problems.push(...verdict.problems, ...recordProblems(store.reads, records));
  for (const one of MODEL) store.take(readingsOf(one, EPOCH, ...more(one)));
  await store.durable();
  await store.commit(recordChanges(records + 1));
  stop.abort();
  await running;
  return { lost: verdict.lost + lostRecords, problems };
}

/** Elements of what is recorded after the cut. */
function more(one: (typeof MODEL)[number]): [from: number, to: number] {
  return [elementAt(one, START_US), elementAt(one, START_US + MORE_US)];
}

async function secondStart(directory: string): Promise<string[]> {
  const opened = await openStore({
    ...{ directory, quotaBytes: QUOTA_BYTES, lowBytes: LOW_BYTES, epoch: epochOf(EPOCH + 1) },
  });
  const reader = new StoreReader(opened.database, undefined);
  const acked = Object.fromEntries(MODEL.map((one) => [one.stream.id, more(one)[1]]));
  const { problems } = checkRecording(
    { reader, reads: opened.database },
    {
      epochs: [{ epoch: EPOCH, acked, taken: acked }],
      oldest: {},
      records: 0,
    },
  );
  const all = [
    ...opened.problems,
    ...verifyProblems(reader.verify(opened.database.use())),
    ...problems,
    ...recordProblems(opened.database, newestRecord(opened.database)),
  ];
  await opened.close();
  return all.map((text) => `after going on: ${text}`);
}

async function check(directory: string, expectation: Expectation): Promise<Verdict> {
  const { lost, problems } = await firstStart(directory, expectation);
  return { lost, problems: [...problems, ...(await secondStart(directory))] };
}

if (import.meta.main) {
  const [directory = '', expectation = ''] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await check(directory, JSON.parse(expectation))));
}

/**
 * A process that takes batches of a client through a real Ingest into a real Store, as fast as they are
 * acknowledged, each again at random. Its one argument is SenderOptions in JSON. It prints `open` when
 * the store is, then `acked SEQ` and `again SEQ` for each that it acknowledged, the second for one that
 * it said it had before, and `done` when it had them all. It is ended from outside.
 */
import { writeSync } from 'node:fs';
import type { Session } from '#core/session.ts';
import { Ingest } from '../../../src/ingest/ingest.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { EPOCH_US_MAX } from '../../../src/store/keys.ts';
import { Store } from '../../../src/store/store.ts';
import { ingestStoreOf } from '../../support/ingest-store.ts';
import { seededRandom } from '../../support/store-load.ts';

export interface SenderOptions {
  readonly directory: string;
  readonly quotaBytes: number;
  readonly epoch: number;
  /** Numbers from the first to before the last are sent. */
  readonly from: number;
  readonly to: number;
}

/** Batches that wait for their acknowledgement. */
const WINDOW = 400;
const SESSION = 1;

function nothing(): void {}

function createIngest(options: SenderOptions, store: Store): Ingest {
  const clock = monotonicClock();
  const spans = Array.from({ length: options.epoch }, (_, i) => {
    return { epoch: i + 1, from: 0, to: i + 1 === options.epoch ? null : EPOCH_US_MAX };
  });
  const session: Session = {
    ...{ id: SESSION, owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '' },
    ...{ consent: null, pinned: false, startedBy: 'manual', endedBy: null, stats: null, spans },
  };
  return new Ingest({
    ...{ clock, realTime: clock, epoch: options.epoch },
    store: ingestStoreOf(store),
    // The bus brings it too.
    emit: (reading) => store.take([reading]),
    session: () => session,
    ownStreams: () => [],
  });
}

if (import.meta.main) {
  const options: SenderOptions = JSON.parse(process.argv[2] ?? '');
  const clock = monotonicClock();
  const store = new Store({
    ...{ directory: options.directory, quotaBytes: options.quotaBytes, lowBytes: 0, clock },
    epoch: { id: options.epoch, wallMs: 0, trust: 'none', bootId: 'test', monotonicMs: 0 },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    pinned: () => [],
  });
  void store.run(new AbortController().signal);
  await store.opened(new AbortController().signal);
  writeSync(1, 'open\n');
  const ingest = createIngest(options, store);
  const random = seededRandom(options.epoch);
  const send = async (seq: number): Promise<void> => {
    // The number stands for what is in it; its time is that of whenever it is sent.
    const items = [{ t: 0, event: 'tick', data: { reaction_ms: seq } }];
    const body = { client: 'sim', seq, epoch: options.epoch, items };
    const { duplicate } = await ingest.send(SESSION, { kind: 'game', body });
    writeSync(1, `${duplicate ? 'again' : 'acked'} ${seq}\n`);
  };
  const waiting = new Set<Promise<void>>();
  const begin = async (seq: number): Promise<void> => {
    const sent = send(seq).finally(() => waiting.delete(sent));
    waiting.add(sent);
    if (waiting.size >= WINDOW) await Promise.race(waiting);
  };
  for (let seq = options.from; seq < options.to; seq++) {
    await begin(seq);
    if (random() < 0.3) await begin(Math.floor(random() * (seq + 1)));
  }
  await Promise.all(waiting);
  writeSync(1, 'done\n');
}

import type { IngestStore } from '../../src/ingest/ingest.ts';
import { EPOCH_US_MAX } from '../../src/store/keys.ts';
import { newestEvents } from '../../src/store/reading/newest-events.ts';
import type { Store } from '../../src/store/store.ts';

/** What ingest asks of a store, as the gateway's recording gives it. */
export function ingestStoreOf(store: Store): IngestStore {
  return {
    openings: () => store.openings,
    keep: (batch) => store.keep(batch),
    durable: () => store.durable(),
    streams: () => store.streams(),
    newest: (ids, among) => {
      const ranges = among.map(({ to, ...from }) => ({ ...from, to: to ?? EPOCH_US_MAX }));
      const ground = { reads: store.reads, tail: store.tail(new Set()) };
      return newestEvents(ground, store.numbersOf(ids), ranges);
    },
  };
}

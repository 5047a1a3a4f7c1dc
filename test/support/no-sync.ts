import type { SyncShape } from '../../src/http/routes/sync.ts';

/** What a gateway tells of its cloud that has none. */
export function noSync(): SyncShape {
  return {
    ...{ state: 'off', text: 'no cloud is configured', sinceS: 0, broker: null, bearer: null },
    ...{ acknowledgedS: null, backlog: [], inFlight: { batches: 0, bytes: 0 } },
    budget: { bytes: null, used: 0, month: null },
    counts: { sent: 0, acknowledged: 0, retries: 0, gaps: 0 },
  };
}

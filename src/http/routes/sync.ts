import * as v from 'valibot';
import { route } from '../route.ts';

const Amount = v.pipe(v.number(), v.minValue(0));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const Lane = v.object({
  /** `p0` alerts and events, `p1` state, `p2` what is measured on a drive, `p3` raw EEG and CAN. */
  priority: v.picklist(['p0', 'p1', 'p2', 'p3']),
  /** Values, frames and events that the cloud has not acknowledged. */
  records: Count,
  /** About what they take on the way. */
  bytes: Count,
  /** How old the oldest is; null where none waits. */
  oldestS: v.nullable(Amount),
  /** Why it is held back though there is a link; null where it is not. */
  held: v.nullable(v.string()),
});

const SyncShape = v.object({
  /** `off`: no cloud is configured. `waiting`: another try follows. */
  state: v.picklist(['off', 'connecting', 'online', 'waiting']),
  /** A sentence for a person. */
  text: v.string(),
  /** Seconds since it has been so. */
  sinceS: Amount,
  /** Host and port; null where none is configured. */
  broker: v.nullable(v.string()),
  /** What carries the link, as far as the system tells. */
  bearer: v.nullable(v.picklist(['local', 'ethernet', 'wifi', 'cellular', 'unknown'])),
  /** Seconds since the cloud last acknowledged something; null where it has not since the start. */
  acknowledgedS: v.nullable(Amount),
  backlog: v.array(Lane),
  /** What is on its way. */
  inFlight: v.object({ batches: Count, bytes: Count }),
  budget: v.object({
    /** Bytes of a month; null where there is no limit. */
    bytes: v.nullable(Count),
    /** Of them, those that have gone this month. */
    used: Count,
    /** `2026-11`; null while nobody knows the time. */
    month: v.nullable(v.string()),
  }),
  /** Since the start. */
  counts: v.object({ sent: Count, acknowledged: Count, retries: Count, gaps: Count }),
});
export type SyncShape = v.InferOutput<typeof SyncShape>;

/** What the route needs: `Bridging` of bridging.ts has it. */
export interface SyncDeps {
  sync(): SyncShape;
}

export const readSync = route({
  method: 'GET',
  path: '/sync',
  summary: 'How far the cloud is: what waits, what it has acknowledged, and what it has cost.',
  access: 'service',
  query: undefined,
  body: undefined,
  reply: SyncShape,
  handle: (gateway: SyncDeps) => gateway.sync(),
});

import * as v from 'valibot';
import { TRUST } from '#core/clock.ts';
import { type Frozen, route } from '../route.ts';
import { SourceShape } from './sources-shape.ts';

const Amount = v.pipe(v.number(), v.minValue(0));

const System = v.object({
  versions: v.object({
    gateway: v.string(),
    node: v.string(),
    lmdb: v.string(),
    kernel: v.string(),
  }),
  device: v.string(),
  uptimeS: Amount,
  clock: v.object({ epoch: Amount, time: v.string(), trust: v.picklist(TRUST) }),
  sources: v.array(SourceShape),
  store: v.object({
    status: v.picklist(['ok', 'waiting', 'failed']),
    text: v.string(),
    details: v.record(v.string(), v.unknown()),
  }),
  eventLoop: v.object({ p50Ms: Amount, p99Ms: Amount, maxMs: Amount }),
  memory: v.object({ rssMB: Amount, heapMB: Amount, externalMB: Amount, freeMB: Amount }),
  disk: v.nullable(v.object({ freeMB: Amount, totalMB: Amount })),
});
type System = v.InferOutput<typeof System>;

/** What the route needs: `systemOf` of system.ts makes it. */
export interface SystemDeps {
  system(): Promise<Frozen<System>>;
}

export const readSystem = route({
  method: 'GET',
  path: '/diagnostics/system',
  summary: 'Versions, clock, sources, store, memory and disk, and how late the event loop runs.',
  access: 'service',
  query: undefined,
  body: undefined,
  reply: System,
  handle: (gateway: SystemDeps) => gateway.system(),
});

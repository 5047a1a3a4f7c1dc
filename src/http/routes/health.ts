import * as v from 'valibot';
import { TRUST } from '#core/clock.ts';
import type { Health } from '#core/health.ts';
import { route } from '../route.ts';

interface HealthDeps {
  health(): Health;
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const readHealth = route({
  method: 'GET',
  path: '/health',
  atRoot: true,
  summary:
    'What works, what is being retried, and what was dropped. 503 when the gateway cannot do its job.',
  query: undefined,
  body: undefined,
  reply: v.object({
    status: v.picklist(['ok', 'degraded', 'failed']),
    version: v.string(),
    uptimeS: v.number(),
    epoch: Count,
    clockTrust: v.picklist(TRUST),
    parts: v.array(
      v.object({
        id: v.string(),
        status: v.picklist(['ok', 'waiting', 'failed']),
        text: v.string(),
        details: v.record(v.string(), v.unknown()),
      }),
    ),
    consumers: v.array(
      v.object({ name: v.string(), queued: Count, dropped: Count, delivered: Count }),
    ),
  }),
  status: ({ status }) => (status === 'failed' ? 503 : 200),
  handle: (gateway: HealthDeps) => gateway.health(),
});

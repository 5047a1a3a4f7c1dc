import * as v from 'valibot';
import type { User } from '#core/account.ts';
import { TRUST } from '#core/clock.ts';
import type { Health } from '#core/health.ts';
import { scopeOf } from '../../accounts/roles.ts';
import { route } from '../route.ts';

interface HealthDeps {
  health(): Health;
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Whole = v.picklist(['ok', 'degraded', 'failed']);
const Part = v.picklist(['ok', 'waiting', 'failed']);

/** What whoever has logged in gets. */
export const HealthShape = v.object({
  status: Whole,
  version: v.string(),
  uptimeS: v.number(),
  epoch: Count,
  clockTrust: v.picklist(TRUST),
  parts: v.array(
    v.object({
      id: v.string(),
      status: Part,
      text: v.string(),
      details: v.record(v.string(), v.unknown()),
    }),
  ),
  consumers: v.array(
    v.object({ name: v.string(), queued: Count, dropped: Count, delivered: Count }),
  ),
});

/** What everybody else does: texts name devices and versions, which help whoever looks for a way in. */
export const HealthSummary = v.object({
  status: Whole,
  parts: v.array(v.object({ id: v.string(), status: Part })),
});

export const readHealth = route({
  method: 'GET',
  path: '/health',
  atRoot: true,
  summary:
    'What works, what is being retried, and for who has logged in also what was dropped. 503 when the gateway cannot do its job.',
  access: 'open',
  query: undefined,
  body: undefined,
  reply: v.union([HealthShape, HealthSummary]),
  status: ({ status }) => (status === 'failed' ? 503 : 200),
  statuses: [200, 503],
  handle: (gateway: HealthDeps, { caller }) => {
    const health = gateway.health();
    if (caller.user !== undefined) return shownTo(caller.user, health);
    const { status, parts } = health;
    return { status, parts: parts.map(({ id, status }) => ({ id, status })) };
  },
});

/** What the parts have found out of the car is for those who see it whenever it drives. */
function shownTo({ role }: User, health: Health): Health {
  if (scopeOf(role, 'see') === 'all') return health;
  const parts = health.parts.map((part) => {
    const { simulated } = part.details;
    return { ...part, details: simulated === undefined ? {} : { simulated } };
  });
  return { ...health, parts };
}

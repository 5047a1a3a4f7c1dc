import * as v from 'valibot';
import type { Session } from '#core/session.ts';
import type { Marked } from '../../ingest/ingest.ts';
import type { Maker } from '../../ingest/markers.ts';
import { MarkerBody } from '../../ingest/shapes.ts';
import { idempotencyKey } from '../idempotency.ts';
import { checkOwn } from '../own.ts';
import { route } from '../route.ts';
import { answering } from './problems.ts';
import { sessionId } from './sessions-shape.ts';

/** What the route needs. */
export interface SessionEventsDeps {
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session };
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
  /** `Ingest` of ingest/ingest.ts. */
  readonly ingest: {
    mark(session: number, body: MarkerBody, maker: Maker): Promise<Marked>;
  };
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const markSession = route({
  method: 'POST',
  path: '/sessions/:id/events',
  summary:
    'Marks a moment of an open session; with an Idempotency-Key once, however often it is asked.',
  access: 'send',
  query: undefined,
  body: MarkerBody,
  reply: v.object({
    epoch: Count,
    /** Microseconds since its start; null for what was marked before. */
    t: v.nullable(Count),
    duplicate: v.boolean(),
  }),
  status: ({ duplicate }) => (duplicate ? 200 : 201),
  statuses: [200, 201],
  reads: { 'Idempotency-Key': 'optional' },
  problems: [400, 404, 409, 503],
  handle: ({ reading, ingest }: SessionEventsDeps, { params, body, headers, caller }) =>
    answering(() => {
      const key = idempotencyKey(headers);
      const session = reading.sessions().get(sessionId(params['id']));
      checkOwn(caller, session);
      const by = caller.user?.id ?? '';
      return reading.inTime(ingest.mark(session.id, body, { by, key }));
    }),
});

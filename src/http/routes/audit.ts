import * as v from 'valibot';
import type { AuditCheck, AuditPage, AuditQuery } from '../../accounts/audit-log.ts';
import { route } from '../route.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';

/** What the routes need: `AuditLog` of accounts/audit-log.ts has it. */
export interface AuditDeps {
  readonly audit: {
    /** @throws StoreError OFF */
    list(query: AuditQuery): Promise<AuditPage>;
    check(): Promise<AuditCheck>;
  };
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const listAudit = route({
  method: 'GET',
  path: '/audit',
  summary: 'Who did what, the newest first, page by page; of one action or one account if wanted.',
  access: 'manage',
  query: v.strictObject({
    cursor: cursor(/^[1-9]\d{0,9}$/),
    limit: Limit,
    action: v.optional(v.string()),
    who: v.optional(v.string()),
  }),
  body: undefined,
  reply: v.object({
    items: v.array(
      v.object({
        n: Count,
        time: v.string(),
        action: v.string(),
        who: v.string(),
        from: v.string(),
        target: v.string(),
        result: v.picklist(['done', 'refused', 'failed']),
        details: v.record(v.string(), v.unknown()),
      }),
    ),
    next: v.nullable(v.string()),
  }),
  tells: { Link: [200] },
  headers: ({ next }, query) => nextLink(next, query),
  handle: ({ audit }: AuditDeps, { query: { cursor: before, ...query } }) =>
    answering(async () => {
      const wanted = { ...query, before: before === undefined ? undefined : Number(before) };
      const { items, next } = await audit.list(wanted);
      return {
        items: items.map(({ at: _at, before: _before, hash: _hash, ...shown }) => shown),
        next: next === null ? null : String(next),
      };
    }),
});

export const checkAudit = route({
  method: 'GET',
  path: '/audit/check',
  summary:
    'Whether the audit log is as it was written: the number of the first entry that was changed, or before which one is missing, or null.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: v.object({
    whole: v.boolean(),
    entries: Count,
    /** The oldest that is kept, and the newest; null where there is none. */
    first: v.nullable(Count),
    last: v.nullable(Count),
    brokenAt: v.nullable(Count),
  }),
  handle: ({ audit }: AuditDeps) => answering(() => audit.check()),
});

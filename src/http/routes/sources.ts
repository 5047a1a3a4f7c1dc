import * as v from 'valibot';
import type { AuditFact } from '../../accounts/audit.ts';
import { Problem } from '../problem.ts';
import { route } from '../route.ts';
import { askingOf } from './asking.ts';
import { SourceShape } from './sources-shape.ts';

/** What the routes of sources need. */
export interface SourcesDeps {
  readonly sources: {
    list(): readonly SourceShape[];
    /** Closes the link and opens it anew. False where there is no such source. */
    restart(id: string): boolean;
  };
  readonly audit: { note(fact: AuditFact): void };
}

export const listSources = route({
  method: 'GET',
  path: '/sources',
  summary: 'The devices that are read, how each of them does, and what it has counted.',
  access: 'service',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(SourceShape), next: v.null() }),
  handle: ({ sources }: SourcesDeps) => ({ items: sources.list(), next: null }),
});

export const restartSource = route({
  method: 'POST',
  path: '/sources/:id/restart',
  summary: 'Closes the link to a device and opens it anew at once.',
  access: 'service',
  query: undefined,
  body: v.optional(v.strictObject({})),
  reply: v.void(),
  handle: ({ sources, audit }: SourcesDeps, { params, caller }) => {
    const id = params['id'] ?? '';
    if (!sources.restart(id)) {
      const known = sources.list().map((source) => source.id);
      const list = known.length === 0 ? 'none' : known.join(', ');
      throw new Problem(404, `There is no source ${JSON.stringify(id)}; there is: ${list}.`);
    }
    const fact = { action: 'source.restart', target: id, result: 'done' } as const;
    audit.note({ ...fact, ...askingOf(caller), details: {} });
  },
});

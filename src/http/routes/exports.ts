import * as v from 'valibot';
import type { Session } from '#core/session.ts';
import type { ExportJob } from '../../exporting/exports.ts';
import { checkOwnId } from '../own.ts';
import { seesNames } from '../privacy.ts';
import { Problem } from '../problem.ts';
import { parseRange } from '../range.ts';
import { type Caller, Content, route } from '../route.ts';
import { answering } from './problems.ts';

/** Exports that are made into files. */

export const ExportJobShape = v.object({
  id: v.string(),
  session: v.number(),
  state: v.picklist(['running', 'done', 'failed']),
  /** Written so far. */
  bytes: v.number(),
  /** 0 to 1, by estimate until it is done. */
  progress: v.number(),
  /** Null until it is done; then it is there for a day, unless newer ones need its place. */
  file: v.nullable(v.object({ name: v.string(), type: v.string(), url: v.string() })),
  /** Why it failed; else null. */
  error: v.nullable(v.string()),
});

export function exportJobShape({ id, session, state, bytes, progress, ...job }: ExportJob) {
  const { fileName: name, mime: type, error } = job;
  const url = `/api/v1/exports/${id}/file`;
  return {
    ...{ id, session, state, bytes, progress },
    file: state === 'done' ? { name, type, url } : null,
    error: error === '' ? null : error,
  };
}

/** What the routes need: `Exports` of exporting/exports.ts has it. */
export interface ExportsDeps {
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session };
  };
  /** Undefined where no files are kept. */
  readonly exports?:
    | {
        /** @throws ExportJobError NOT_FOUND */
        get(id: string): ExportJob;
        read(id: string, from: number, to: number): AsyncIterable<Uint8Array>;
        remove(id: string): Promise<void>;
        removeAll(isOf: (job: ExportJob) => boolean): Promise<void>;
        /** For WebSockets: tells of every change, until what is returned is called. */
        onChange(listener: (job: ExportJob) => void): () => void;
      }
    | undefined;
}

export const readExport = route({
  method: 'GET',
  path: '/exports/:id',
  summary: 'How far an export has got that is made into a file.',
  access: 'export',
  query: undefined,
  body: undefined,
  reply: ExportJobShape,
  problems: [404],
  handle: (deps: ExportsDeps, { params, caller }) =>
    answering(() => exportJobShape(jobOf(deps, params['id'], caller))),
});

export const readExportFile = route({
  method: 'GET',
  path: '/exports/:id/file',
  summary: 'The file of an export that is done, or with a Range header a part of it.',
  access: 'export',
  query: undefined,
  body: undefined,
  reply: v.instance(Content),
  statuses: [200, 206],
  reads: { Range: 'optional', 'If-Range': 'optional' },
  tells: {
    ...{ ETag: [200, 206], 'Accept-Ranges': [200, 206], 'Content-Disposition': [200, 206] },
    'Content-Range': [206],
  },
  problems: [404, 409, 416],
  handle: (deps: ExportsDeps, { params, headers, caller }) =>
    answering(() => {
      const { id, state, bytes, fileName, mime } = jobOf(deps, params['id'], caller);
      if (state !== 'done') throw new Problem(409, `The export is ${state}.`);
      // Strong, RFC 9110 clause 8.8.1: a file that is done never changes.
      const etag = `"${id}"`;
      const sent = {
        etag,
        'content-type': mime,
        'accept-ranges': 'bytes',
        // RFC 6266; the name needs no quoting beyond this.
        'content-disposition': `attachment; filename="${fileName}"`,
      };
      const range = parseRange(headers, { etag, bytes });
      const { from, to } = range ?? { from: 0, to: bytes };
      const body = deps.exports?.read(id, from, to) ?? new Uint8Array();
      if (!range) return new Content(sent, body);
      const part = { ...sent, 'content-range': `bytes ${from}-${to - 1}/${bytes}` };
      return new Content(part, body, 206);
    }),
});

export const deleteExport = route({
  method: 'DELETE',
  path: '/exports/:id',
  summary: 'Ends an export that is under way, and removes its file.',
  access: 'export',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [404],
  handle: (deps: ExportsDeps, { params, caller }) =>
    answering(async () => {
      await deps.exports?.remove(jobOf(deps, params['id'], caller).id);
    }),
});

/**
 * @throws Problem 404, for one that is another's too, or has in it what they are not shown any more; who
 *   manages the gateway gets all
 */
function jobOf({ exports, reading }: ExportsDeps, id = '', caller: Caller): ExportJob {
  const { user } = caller;
  const job = exports?.get(id);
  const isTheirs = job && user && (job.owner === user.id || user.role === 'admin');
  if (!isTheirs || (job.names && !seesNames(caller))) {
    throw new Problem(404, 'There is no such export.');
  }
  checkOwnId(caller, reading, job.session);
  return job;
}

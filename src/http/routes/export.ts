import * as v from 'valibot';
import type { Session } from '#core/session.ts';
import { ExportJobError } from '../../exporting/errors.ts';
import type { ExportJob, ExportOrder } from '../../exporting/exports.ts';
import type { ExportFile } from '../../reading/client.ts';
import type { ExportRequest } from '../../reading/service.ts';
import { idempotencyKey } from '../idempotency.ts';
import { checkOwnId } from '../own.ts';
import { checkShown, hiddenFrom, type People, saidOf, seesNames } from '../privacy.ts';
import { type Caller, Content, route } from '../route.ts';
import { exportJobShape } from './exports.ts';
import { answering } from './problems.ts';

/** Streams that can be named; without a list there may be more. */
const STREAMS_MAX = 200;
/** What is about as long or longer becomes a file first, which can be fetched in parts. */
const STREAMED_BYTES_MAX = 10e6;

/** What the route needs. */
export interface ExportDeps {
  readonly accounts: People;
  /** `Reading` of reading/service.ts has it. */
  readonly reading: {
    sessions(): { get(id: number): Session };
    export(request: ExportRequest): Promise<ExportFile>;
  };
  /** `Exports` of exporting/exports.ts has most of it. Undefined where no files are kept. */
  readonly exports?:
    | {
        /** About how many bytes. @throws SessionError NOT_FOUND; ReadingError BAD_WINDOW */
        estimate(request: ExportRequest): number;
        /** @throws ExportJobError RUNNING, NO_ROOM, OFF; what the order rejects with */
        start(order: ExportOrder): Promise<ExportJob>;
      }
    | undefined;
}

/** Named here, as the formats themselves are for the reading thread to load. */
const FORMAT_NAMES = [
  ...['csv', 'csv-wide', 'jsonl', 'parquet', 'parquet-wide', 'candump', 'asc', 'blf'],
] as const;

const Micros = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

export const exportSession = route({
  method: 'POST',
  path: '/export',
  summary:
    'A session, or a part of it, as a file. A large one, or any with "Prefer: respond-async", is made first: 202 and the Location of /exports/{id}. "Prefer: wait=60" has any streamed at once.',
  access: 'export',
  query: undefined,
  body: v.strictObject({
    session: v.pipe(v.number(), v.integer(), v.minValue(1)),
    format: v.picklist(FORMAT_NAMES),
    streams: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(STREAMS_MAX))),
    from: Micros,
    to: Micros,
  }),
  reply: v.instance(Content),
  statuses: [200, 202],
  reads: { Prefer: 'optional', 'Idempotency-Key': 'optional' },
  tells: { Location: [202], 'Content-Disposition': [200] },
  problems: [404, 429, 503],
  handle: (deps: ExportDeps, { body, headers, caller }) =>
    answering(async () => {
      const { reading } = deps;
      checkOwnId(caller, reading, body.session);
      checkShown(caller, body.streams ?? []);
      const request = { ...body, ...withoutNames(body.session, caller, deps) };
      const job = await fileFor(request, deps, { headers, caller });
      if (job) return accepted(job);
      const { fileName, mime, pieces } = await reading.export(request);
      // RFC 6266; the name needs no quoting beyond this.
      const disposition = `attachment; filename="${fileName}"`;
      return new Content({ 'content-type': mime, 'content-disposition': disposition }, pieces);
    }),
});

/** Begins the making of a file where that is better, or wanted; undefined where it is to be streamed. */
async function fileFor(
  request: ExportRequest,
  { reading, exports }: ExportDeps,
  { headers, caller }: { headers: ReadonlyMap<string, string>; caller: Caller },
): Promise<ExportJob | undefined> {
  const { session } = request;
  const key = idempotencyKey(headers);
  if (!exports || !caller.user) return undefined;
  const isWanted = prefers(headers, 'respond-async');
  const estimate = exports.estimate(request);
  const isBetter = estimate > STREAMED_BYTES_MAX && !prefers(headers, 'wait');
  if (!isWanted && !isBetter) return undefined;
  const whose = { owner: caller.user.id, names: seesNames(caller) };
  const order = { ...whose, session, estimate, key, what: JSON.stringify(request) };
  try {
    return await exports.start({ ...order, begin: () => reading.export(request) });
  } catch (error) {
    // A full disk must not keep anybody from what is on it.
    if (!isWanted && isNoPlace(error)) return undefined;
    throw error;
  }
}

/** What of the request is different for who is not shown names. */
function withoutNames(
  id: number,
  caller: Caller,
  { reading, accounts }: ExportDeps,
): Pick<ExportRequest, 'without' | 'said'> {
  if (seesNames(caller)) return {};
  const said = saidOf(reading.sessions().get(id), caller, accounts);
  return { without: hiddenFrom(caller), said };
}

function isNoPlace(error: unknown): boolean {
  return error instanceof ExportJobError && (error.code === 'NO_ROOM' || error.code === 'OFF');
}

/** RFC 7240 clauses 4.1 and 4.3; who would wait, however long, gets it streamed. */
function prefers(headers: ReadonlyMap<string, string>, what: 'respond-async' | 'wait'): boolean {
  const preferences = (headers.get('prefer') ?? '').split(/[,;]/);
  return preferences.some((one) => one.split('=')[0]?.trim().toLowerCase() === what);
}

/** RFC 9110 clause 15.3.3: it is under way, and can be watched there. */
function accepted(job: ExportJob): Content {
  const headers = {
    'content-type': 'application/json',
    location: `/api/v1/exports/${job.id}`,
  };
  return new Content(headers, Buffer.from(JSON.stringify(exportJobShape(job))), 202);
}

import * as v from 'valibot';
import type { ExportFile } from '../../reading/client.ts';
import type { ExportRequest } from '../../reading/service.ts';
import { Content, route } from '../route.ts';
import { answering } from './problems.ts';

/** Streams that can be named; without a list there may be more. */
const STREAMS_MAX = 200;

/** What the route needs: `Reading` of reading/service.ts has it. */
export interface ExportDeps {
  readonly reading: {
    export(request: ExportRequest): Promise<ExportFile>;
  };
}

/** Named here, as the formats themselves are for the reading thread to load. */
const FORMAT_NAMES = ['csv', 'csv-wide', 'jsonl', 'parquet', 'parquet-wide', 'candump'] as const;

const Micros = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

export const exportSession = route({
  method: 'POST',
  path: '/export',
  summary: 'A session, or a part of it, as a file.',
  query: undefined,
  body: v.strictObject({
    session: v.pipe(v.number(), v.integer(), v.minValue(1)),
    format: v.picklist(FORMAT_NAMES),
    streams: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(STREAMS_MAX))),
    from: Micros,
    to: Micros,
  }),
  reply: v.instance(Content),
  handle: ({ reading }: ExportDeps, { body }) =>
    answering(async () => {
      const { fileName, mime, pieces } = await reading.export(body);
      // RFC 6266; the name needs no quoting beyond this.
      const disposition = `attachment; filename="${fileName}"`;
      return new Content({ 'content-type': mime, 'content-disposition': disposition }, pieces);
    }),
});

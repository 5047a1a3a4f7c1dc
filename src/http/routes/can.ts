import * as v from 'valibot';
import type { AuditFact } from '../../accounts/audit.ts';
import type { CanStatus } from '../../sources/can/can.ts';
import { FILE_BYTES_MAX } from '../../sources/can/dbc/text.ts';
import type { ShelfFile } from '../../sources/can/shelf.ts';
import { ShelfError } from '../../sources/can/shelf-errors.ts';
import { type Caller, Content, route } from '../route.ts';
import { askingOf } from './asking.ts';
import { BusShape, busShape, DbcFileShape, dbcFileShape } from './can-shape.ts';
import { answering } from './problems.ts';

/** What the routes of CAN buses need: `Canning` of canning.ts has it. */
export interface CanDeps {
  /** Undefined where no bus is read. */
  readonly can?:
    | {
        buses(): readonly CanStatus[];
        readonly files: {
          /** @throws ShelfError NOT_FOUND */
          list(bus: string): readonly ShelfFile[];
          /** @throws ShelfError NOT_FOUND, UNREADABLE */
          read(bus: string, name: string): Promise<Uint8Array>;
          /** @throws ShelfError; its codes say what */
          put(bus: string, name: string, bytes: Uint8Array): Promise<ShelfFile>;
          /** @throws ShelfError NOT_FOUND, FROM_SETTING, UNWRITABLE */
          remove(bus: string, name: string): Promise<void>;
        };
      }
    | undefined;
  readonly audit: { note(fact: AuditFact): void };
}

type Params = Readonly<Record<string, string>>;

const TYPE = 'text/plain';

export const listBuses = route({
  method: 'GET',
  path: '/can',
  summary: 'The CAN buses that are read, how each of them does, and which DBC files it has.',
  access: 'see',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(BusShape), next: v.null() }),
  handle: ({ can }: CanDeps) => ({ items: (can?.buses() ?? []).map(busShape), next: null }),
});

export const listDbcFiles = route({
  method: 'GET',
  path: '/can/:bus/dbc',
  summary: 'The DBC files of a bus, with what was wrong in each, by line.',
  access: 'see',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(DbcFileShape), next: v.null() }),
  handle: ({ can }: CanDeps, { params }) =>
    answering(() => ({
      items: filesOf(can, params).list(busOf(params)).map(dbcFileShape),
      next: null,
    })),
});

export const putDbcFile = route({
  method: 'PUT',
  path: '/can/:bus/dbc/:name',
  summary:
    'Takes a DBC file in place of one with its name, and decodes with it at once. What could not be taken as it stands is in the reply, by line; of a file without any message it is 422.',
  access: 'service',
  query: undefined,
  body: v.instance(Uint8Array),
  takes: [TYPE, 'application/octet-stream'],
  bodyBytesMax: FILE_BYTES_MAX,
  reply: DbcFileShape,
  problems: [409, 422],
  handle: ({ can, audit }: CanDeps, { params, body, caller }) =>
    answering(async () => {
      const file = await filesOf(can, params).put(busOf(params), nameOf(params), body);
      const shape = dbcFileShape(file);
      const { bytes, messages, signals, warnings, unlisted } = shape;
      const details = { bytes, messages, signals, warnings: warnings.length + unlisted };
      audit.note({ ...factOf('can.dbc.put', params, caller), details });
      return shape;
    }),
});

export const readDbcFile = route({
  method: 'GET',
  path: '/can/:bus/dbc/:name',
  summary: 'A DBC file as it was sent.',
  access: 'service',
  query: undefined,
  body: undefined,
  reply: v.instance(Content),
  problems: [422],
  produces: [TYPE],
  tells: { 'Content-Disposition': [200] },
  handle: ({ can }: CanDeps, { params }) =>
    answering(async () => {
      const [bus, name] = [busOf(params), nameOf(params)];
      const bytes = await filesOf(can, params).read(bus, name);
      // A file that is there has a name that needs no quoting beyond this: RFC 6266.
      const disposition = `attachment; filename="${name}.dbc"`;
      return new Content({ 'content-type': TYPE, 'content-disposition': disposition }, bytes);
    }),
});

export const deleteDbcFile = route({
  method: 'DELETE',
  path: '/can/:bus/dbc/:name',
  summary: 'Removes a DBC file. Its signals are there no more; what was recorded of them stays.',
  access: 'service',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [409],
  handle: ({ can, audit }: CanDeps, { params, caller }) =>
    answering(async () => {
      await filesOf(can, params).remove(busOf(params), nameOf(params));
      audit.note({ ...factOf('can.dbc.delete', params, caller), details: {} });
    }),
});

/** @throws ShelfError NOT_FOUND where no bus is read */
function filesOf(can: CanDeps['can'], params: Params) {
  if (can) return can.files;
  throw new ShelfError(
    'NOT_FOUND',
    `there is no bus ${JSON.stringify(busOf(params))}; none is read`,
  );
}

function busOf(params: Params): string {
  return params['bus'] ?? '';
}

function nameOf(params: Params): string {
  return params['name'] ?? '';
}

function factOf(action: string, params: Params, caller: Caller) {
  const target = `${busOf(params)}/${nameOf(params)}`;
  return { action, target, result: 'done', ...askingOf(caller) } as const;
}

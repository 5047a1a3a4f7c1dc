import * as v from 'valibot';
import type { Epoch } from '#core/clock.ts';
import type { Session, SessionStats, Span } from '#core/session.ts';
import type { SessionPage, SessionQuery } from '../../sessions/listing.ts';
import type { NotesChange } from '../../sessions/notes.ts';
import { Problem } from '../problem.ts';
import { route } from '../route.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';
import { NotesFields, SessionShape, sessionId, shapeOf } from './sessions-shape.ts';

/** What the routes need: `Reading` of reading/service.ts has it. */
export interface SessionsDeps {
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): {
      list(query: SessionQuery): SessionPage;
      get(id: number): Session;
      current(): readonly Session[];
      start(notes: NotesChange): Promise<Session>;
      end(id: number): Promise<Session>;
      update(id: number, change: NotesChange): Promise<Session>;
      remove(id: number): Promise<void>;
    };
    epochs(): ReadonlyMap<number, Epoch>;
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
    statistics(spans: readonly Span[]): Promise<SessionStats>;
  };
}

const Timestamp = v.optional(v.pipe(v.string(), v.isoTimestamp()));
const SessionList = v.object({ items: v.array(SessionShape), next: v.nullable(v.string()) });

export const listSessions = route({
  method: 'GET',
  path: '/sessions',
  summary: 'The sessions, newest first, page by page.',
  query: v.strictObject({
    cursor: cursor(/^[1-9]\d{0,9}$/),
    limit: Limit,
    driver: v.optional(v.string()),
    vehicle: v.optional(v.string()),
    tag: v.optional(v.string()),
    from: Timestamp,
    to: Timestamp,
  }),
  body: undefined,
  reply: SessionList,
  headers: ({ next }, query) => nextLink(next, query),
  handle: ({ reading }: SessionsDeps, { query: { cursor: before, limit, from, to, ...filter } }) =>
    answering(() => {
      const { items, next } = reading.sessions().list({
        ...filter,
        limit,
        before: before === undefined ? undefined : Number(before),
        from: from === undefined ? undefined : Date.parse(from),
        to: to === undefined ? undefined : Date.parse(to),
      });
      const epochs = reading.epochs();
      return {
        items: items.map((session) => shapeOf(session, epochs)),
        next: next === null ? null : String(next),
      };
    }),
});

export const listCurrentSessions = route({
  method: 'GET',
  path: '/sessions/current',
  summary:
    'The sessions that are open, oldest first: that of the drive, and those started by hand.',
  query: undefined,
  body: undefined,
  reply: SessionList,
  handle: ({ reading }: SessionsDeps) =>
    answering(() => {
      const epochs = reading.epochs();
      const items = reading.sessions().current();
      return { items: items.map((session) => shapeOf(session, epochs)), next: null };
    }),
});

export const startSession = route({
  method: 'POST',
  path: '/sessions',
  summary: 'Starts a session by hand; it lasts until it is ended, whatever the car does.',
  query: undefined,
  body: v.strictObject(NotesFields),
  reply: SessionShape,
  status: () => 201,
  headers: ({ id }) => ({ location: `/api/v1/sessions/${id}` }),
  handle: ({ reading }: SessionsDeps, { body }) =>
    answering(async () => {
      const session = await reading.inTime(reading.sessions().start(body));
      return shapeOf(session, reading.epochs());
    }),
});

export const readSession = route({
  method: 'GET',
  path: '/sessions/:id',
  summary: 'One session; the statistics of one that is open are those of this moment.',
  query: undefined,
  body: undefined,
  reply: SessionShape,
  handle: ({ reading }: SessionsDeps, { params }) =>
    answering(async () => {
      const session = reading.sessions().get(sessionId(params['id']));
      const stats =
        session.endedBy === null ? await reading.statistics(session.spans) : session.stats;
      return shapeOf(session, reading.epochs(), stats);
    }),
});

export const changeSession = route({
  method: 'PATCH',
  path: '/sessions/:id',
  summary: 'Ends a session with {"state":"ended"}, or changes what is said of it, or both.',
  query: undefined,
  body: v.strictObject({ ...NotesFields, state: v.optional(v.literal('ended')) }),
  reply: SessionShape,
  handle: ({ reading }: SessionsDeps, { params, body: { state, ...notes } }) =>
    answering(async () => {
      const id = sessionId(params['id']);
      const sessions = reading.sessions();
      // Both or none: what could be refused comes before what changes anything.
      const before = sessions.get(id);
      if (state && before.endedBy !== null)
        throw new Problem(409, `Session ${id} has ended already.`);
      const change = async (): Promise<Session> => {
        const noted = Object.keys(notes).length > 0 ? await sessions.update(id, notes) : before;
        return state ? await sessions.end(id) : noted;
      };
      return shapeOf(await reading.inTime(change()), reading.epochs());
    }),
});

export const deleteSession = route({
  method: 'DELETE',
  path: '/sessions/:id',
  summary: 'Deletes an ended session with what was recorded in it and in no other.',
  query: undefined,
  body: undefined,
  reply: v.void(),
  handle: ({ reading }: SessionsDeps, { params }) =>
    answering(() => reading.sessions().remove(sessionId(params['id']))),
});

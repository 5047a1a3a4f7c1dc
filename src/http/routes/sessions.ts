import * as v from 'valibot';
import type { Epoch } from '#core/clock.ts';
import type { Session, SessionStats, Span } from '#core/session.ts';
import type { AuditFact } from '../../accounts/audit.ts';
import type { SessionPage, SessionQuery } from '../../sessions/listing.ts';
import type { NotesChange } from '../../sessions/notes.ts';
import { seen } from '../fault.ts';
import { checkOwn, checkOwnId, isOwn, ownerWanted } from '../own.ts';
import { callsFor, checkedChange, type People, seesNames } from '../privacy.ts';
import { Problem } from '../problem.ts';
import { type Caller, route } from '../route.ts';
import { askingOf } from './asking.ts';
import type { ExportsDeps } from './exports.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';
import { type Audience, NotesFields, SessionShape, sessionId, shapeOf } from './sessions-shape.ts';

/** What the routes need. */
export interface SessionsDeps {
  readonly accounts: People;
  readonly audit: { note(fact: AuditFact): void };
  /** Undefined where no files are kept. */
  readonly exports?: Pick<NonNullable<ExportsDeps['exports']>, 'removeAll'> | undefined;
  /** `Reading` of reading/service.ts has it. */
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
  access: 'see',
  tagged: true,
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
  tells: { Link: [200] },
  headers: ({ next }, query) => nextLink(next, query),
  handle: (deps: SessionsDeps, { query: { cursor: before, limit, from, to, ...filter }, caller }) =>
    answering(() => {
      const { items, next } = deps.reading.sessions().list({
        ...filter,
        limit,
        owner: ownerWanted(caller),
        calls: callsFor(caller, deps.accounts),
        before: before === undefined ? undefined : Number(before),
        from: from === undefined ? undefined : Date.parse(from),
        to: to === undefined ? undefined : Date.parse(to),
      });
      const audience = audienceOf(caller, deps);
      return {
        items: items.map((session) => shapeOf(session, audience)),
        next: next === null ? null : String(next),
      };
    }),
});

export const listCurrentSessions = route({
  method: 'GET',
  path: '/sessions/current',
  summary:
    'The sessions that are open, oldest first: that of the drive, and those started by hand.',
  access: 'see',
  tagged: true,
  query: undefined,
  body: undefined,
  reply: SessionList,
  handle: (deps: SessionsDeps, { caller }) =>
    answering(() => {
      const current = deps.reading.sessions().current();
      const audience = audienceOf(caller, deps);
      const items = current.filter((session) => isOwn(caller, session));
      return { items: items.map((session) => shapeOf(session, audience)), next: null };
    }),
});

export const startSession = route({
  method: 'POST',
  path: '/sessions',
  summary:
    'Starts a session of who asks, by hand; it lasts until it is ended, whatever the car does. One of a student or in a study needs the words of the consent.',
  access: 'record',
  query: undefined,
  body: v.strictObject(NotesFields),
  reply: SessionShape,
  status: () => 201,
  tells: { Location: [201] },
  headers: ({ id }) => ({ location: `/api/v1/sessions/${id}` }),
  problems: [409],
  handle: (deps: SessionsDeps, { body, caller }) =>
    answering(async () => {
      const { reading } = deps;
      if (caller.scope !== 'all') checkConsent(body, 'A session of a student');
      else if (body.study) checkConsent(body, 'A session in a study');
      const owner = caller.user?.id ?? null;
      if (caller.scope !== 'all') checkAlone(owner, reading.sessions().current());
      const session = await reading.inTime(reading.sessions().start({ ...body, owner }));
      return shapeOf(session, audienceOf(caller, deps));
    }),
});

export const readSession = route({
  method: 'GET',
  path: '/sessions/:id',
  summary: 'One session; the statistics of one that is open are those of this moment.',
  access: 'see',
  tagged: true,
  query: undefined,
  body: undefined,
  reply: SessionShape,
  handle: (deps: SessionsDeps, { params, caller }) =>
    answering(async () => {
      const { reading } = deps;
      const session = reading.sessions().get(sessionId(params['id']));
      checkOwn(caller, session);
      const stats =
        session.endedBy === null ? await reading.statistics(session.spans) : session.stats;
      return shapeOf(session, audienceOf(caller, deps), stats);
    }),
});

export const changeSession = route({
  method: 'PATCH',
  path: '/sessions/:id',
  summary:
    'Ends a session with {"state":"ended"}, changes what is said of it, gives it to the account with the id `owner`, or all of it.',
  access: 'record',
  query: undefined,
  body: v.strictObject({
    ...NotesFields,
    owner: v.optional(v.nullable(v.string())),
    state: v.optional(v.literal('ended')),
  }),
  reply: SessionShape,
  problems: [409],
  handle: (deps: SessionsDeps, { params, body: { state, ...said }, caller }) =>
    answering(async () => {
      const { reading } = deps;
      const id = sessionId(params['id']);
      const sessions = reading.sessions();
      // Both or none: what could be refused comes before what changes anything.
      const before = sessions.get(id);
      checkOwn(caller, before);
      if (said.owner !== undefined && said.owner !== before.owner) {
        checkOwner(said.owner, caller, deps);
        checkNameless({ ...before, ...said }, caller);
      }
      const notes = checkedChange(said, before, { asker: caller, people: deps.accounts });
      if (notes.study && notes.study !== before.study)
        checkConsent({ ...before, ...notes }, 'A session in a study');
      if (state && before.endedBy !== null)
        throw new Problem(409, `Session ${id} has ended already.`);
      const change = async (): Promise<Session> => {
        const noted = Object.keys(notes).length > 0 ? await sessions.update(id, notes) : before;
        return state ? await sessions.end(id) : noted;
      };
      return shapeOf(await reading.inTime(change()), audienceOf(caller, deps));
    }),
});

export const deleteSession = route({
  method: 'DELETE',
  path: '/sessions/:id',
  summary: 'Deletes an ended session with what was recorded in it and in no other.',
  access: 'record',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [409],
  handle: ({ reading, exports, audit }: SessionsDeps, { params, caller }) =>
    answering(async () => {
      const id = sessionId(params['id']);
      checkOwnId(caller, reading, id);
      await reading.inTime(reading.sessions().remove(id));
      const fact = { action: 'session.delete', target: String(id), result: 'done' } as const;
      audit.note({ ...fact, ...askingOf(caller), details: {} });
      await exports?.removeAll((job) => job.session === id);
    }),
});

function audienceOf(asker: Caller, { reading, accounts }: SessionsDeps): Audience {
  return { asker, people: accounts, epochs: reading.epochs() };
}

/** @throws Problem 422 without the words that the driver agreed to */
function checkConsent({ consent }: { consent?: string | null | undefined }, what: string): void {
  if (consent?.trim()) return;
  const message = `${what} needs the words that the driver has agreed to.`;
  throw new Problem(422, message, [{ pointer: '/consent', message }]);
}

/**
 * What is sent in one session is seen in every other that is open: there is one car, and one recording
 * of it. So two who see their own only do not record at a time.
 *
 * @throws Problem 409
 */
function checkAlone(owner: string | null, open: readonly Session[]): void {
  const others = open.filter((session) => session.owner !== null && session.owner !== owner);
  if (others.length === 0) return;
  throw new Problem(409, 'Somebody else is recording at this moment; wait until they have ended.');
}

/** @throws Problem 403 where a name that they have written would be shown to them as a pseudonym */
function checkNameless({ driver }: { driver?: string | null | undefined }, caller: Caller): void {
  if (!driver || seesNames(caller)) return;
  throw new Problem(403, 'A session with a driver cannot be given away by this account.');
}

/**
 * @throws Problem 403 for whoever sees only their own, and for who would be shown by it what they are
 *   not; 422 for an account that is not there
 */
function checkOwner(owner: string | null, caller: Caller, { accounts }: SessionsDeps): void {
  const { scope, user } = caller;
  if (scope !== 'all') throw new Problem(403, 'Your own sessions cannot be given to others.');
  if (owner === null) return;
  if (owner === user?.id && !seesNames(caller)) {
    throw new Problem(
      403,
      'Sessions of others, with what was noted of them, cannot be made yours.',
    );
  }
  if (accounts.members.find(owner)) return;
  const message = `Expected the id of an account, found ${seen(owner)}.`;
  throw new Problem(422, message, [{ pointer: '/owner', message }]);
}

import * as v from 'valibot';
import type { Session, SessionStats, Span } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import { ReadingError } from '../../reading/errors.ts';
import type { EventPage } from '../../reading/questions.ts';
import type { DataQuery, SessionEventsQuery } from '../../reading/service.ts';
import type { EventKey } from '../../store/keys.ts';
import { seen } from '../fault.ts';
import { checkOwnId, isOwn } from '../own.ts';
import { PATTERN, PATTERN_EXPECTED, PatternIndex } from '../pattern.ts';
import { checkShown, hiddenFrom, isAlertOf, isHidden } from '../privacy.ts';
import { Problem, sentence } from '../problem.ts';
import { type Caller, Content, route } from '../route.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';
import { sessionId } from './sessions-shape.ts';

/** Streams of one question. */
const STREAMS_MAX = 50;
/** As many as store/downsample.ts makes. */
const POINTS_MAX = 10_000;
const RECENT_S_DEFAULT = 60;
const RECENT_S_MAX = 3_600;
/** The key of the last event of a page: epoch, time, number at that time. */
const CURSOR = /^\d{1,10}-\d{1,15}-\d{1,5}$/;

/** What the routes need: `Reading` of reading/service.ts has the questions. */
export interface SessionDataDeps {
  streams(): readonly Stream[];
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session; current(): readonly Session[] };
    statistics(spans: readonly Span[]): Promise<SessionStats>;
    data(id: number, query: DataQuery): Promise<Uint8Array>;
    recent(streams: readonly string[], seconds: number, id?: number): Promise<Uint8Array>;
    events(id: number, query: SessionEventsQuery): Promise<EventPage>;
  };
}

const Numbers = v.array(v.number());
/** Numbers that JSON has no word for are null. */
const Values = v.array(v.nullable(v.number()));
const Data = v.object({
  streams: v.record(
    v.string(),
    v.union([
      v.object({ t: Numbers, v: Values }),
      v.object({ t: Numbers, min: Values, max: Values, mean: Values, n: Numbers }),
    ]),
  ),
});

const Streams = v.pipe(v.string(), v.minLength(1));
const Micros = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

export const readData = route({
  method: 'GET',
  path: '/sessions/:id/data',
  summary: 'Values of streams: as they were recorded, or reduced to points with min, max and mean.',
  access: 'see',
  query: v.strictObject({
    streams: Streams,
    from: Micros,
    to: Micros,
    points: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(POINTS_MAX))),
  }),
  body: undefined,
  reply: Data,
  handle: (deps: SessionDataDeps, { params, query: { streams, ...query }, caller }) =>
    answering(async () => {
      const { reading } = deps;
      const id = sessionId(params['id']);
      checkOwnId(caller, reading, id);
      const session = () => reading.sessions().get(id);
      const ids = await idsOf(streams, deps, { caller, session });
      return json(await reading.data(id, { ...query, streams: ids }));
    }),
});

export const readRecentData = route({
  method: 'GET',
  path: '/sessions/current/recent',
  summary:
    'The last seconds of streams, in the open session that began last: of those that are named, or ' +
    `without names of all that have samples, ${STREAMS_MAX} at most: those of the car first, then those of ` +
    'headsets, of clients and of CAN signals, each in the order of their ids. Waves come where they are named.',
  access: 'see',
  query: v.strictObject({
    streams: v.optional(Streams),
    seconds: v.optional(
      v.pipe(v.number(), v.minValue(0), v.maxValue(RECENT_S_MAX)),
      RECENT_S_DEFAULT,
    ),
  }),
  body: undefined,
  reply: Data,
  handle: (deps: SessionDataDeps, { query: { streams, seconds }, caller }) =>
    answering(async () => {
      const { reading } = deps;
      const own = caller.scope === 'all' ? undefined : ownCurrent(caller, deps);
      const session = () => own ?? reading.sessions().current().at(-1);
      const looking = { caller, session };
      const ids = await (streams === undefined
        ? sampledIds(deps, looking)
        : idsOf(streams, deps, looking));
      return json(await reading.recent(ids, seconds, own?.id));
    }),
});

export const listEvents = route({
  method: 'GET',
  path: '/sessions/:id/events',
  summary: 'What happened in a session, in the order of time, page by page.',
  access: 'see',
  query: v.strictObject({
    types: v.optional(v.pipe(v.string(), v.minLength(1))),
    limit: Limit,
    cursor: cursor(CURSOR),
  }),
  body: undefined,
  reply: v.object({
    items: v.array(
      v.object({ t: v.number(), stream: v.string(), data: v.record(v.string(), v.unknown()) }),
    ),
    next: v.nullable(v.string()),
  }),
  tells: { Link: [200] },
  headers: ({ next }, query) => nextLink(next, query),
  handle: (
    { reading }: SessionDataDeps,
    { params, query: { types, limit, cursor: after }, caller },
  ) =>
    answering(async () => {
      const id = sessionId(params['id']);
      checkOwnId(caller, reading, id);
      const named = types === undefined ? undefined : typesOf(types);
      checkShown(caller, named ?? []);
      const without = hiddenFrom(caller);
      const { items, next } = await reading.events(id, {
        types: named,
        without,
        limit,
        after: after === undefined ? undefined : parseCursor(after),
      });
      const shown = items.filter((event) => !isAlertOf(without, event));
      return { items: shown, next: next && cursorOf(next) };
    }),
});

/** @throws ReadingError NO_SESSION */
function ownCurrent(caller: Caller, { reading }: SessionDataDeps): Session {
  const own = reading
    .sessions()
    .current()
    .filter((session) => isOwn(caller, session));
  const last = own.at(-1);
  if (last) return last;
  throw new ReadingError('NO_SESSION', 'no session of yours is open');
}

interface Looking {
  readonly caller: Caller;
  /** Undefined where there is none to look in: the question itself will say so. */
  session(): Session | undefined;
}

/**
 * The ids that a list means: those that it names, and where a pattern stands in it, those of the
 * session's series that it covers.
 *
 * @throws Problem 422, 403
 */
async function idsOf(
  text: string,
  { reading, streams }: SessionDataDeps,
  { caller, session }: Looking,
): Promise<readonly string[]> {
  const named = listOf(text, '/streams');
  checkShown(
    caller,
    named.filter((one) => !one.includes('*')),
  );
  const patterns = named.filter((one) => one.includes('*'));
  const bad = patterns.find((one) => !PATTERN.test(one));
  if (bad !== undefined) refuse('/streams', `${PATTERN_EXPECTED}, found ${seen(bad)}`);
  const found = patterns.length > 0 ? session() : undefined;
  if (!found) return named;
  const recorded = await recordedIds(found, reading);
  // Of a stream that the gateway no longer has, nobody knows the kind.
  const others = new Set(streams().flatMap(({ id, kind }) => (isSeries(kind) ? [] : id)));
  const index = new PatternIndex([patterns]);
  const covered = recorded.filter((id) => {
    return !others.has(id) && !isHidden(caller, id) && index.first(id) >= 0;
  });
  if (covered.length === 0) refuse('/streams', `nothing was recorded of ${patterns.join(', ')}`);
  return checkCount([...named.filter((one) => !one.includes('*')), ...covered], '/streams');
}

/**
 * What is meant by no list: the streams of samples that the session has, the first by PLACES where there are
 * more than may be asked for. Unlike with a pattern that covers nothing, a session too young for any is answered.
 */
async function sampledIds(
  { reading, streams }: SessionDataDeps,
  { caller, session }: Looking,
): Promise<readonly string[]> {
  const found = session();
  if (!found) return [];
  const recorded = await recordedIds(found, reading);
  const samples = new Set(streams().flatMap(({ id, kind }) => (kind === 'sample' ? id : [])));
  const shown = recorded.filter((id) => samples.has(id) && !isHidden(caller, id));
  const byPlace = Map.groupBy(shown.toSorted(), placeOf);
  const places = [...byPlace.keys()].toSorted((a, b) => a - b);
  return places.flatMap((place) => byPlace.get(place) ?? []).slice(0, STREAMS_MAX);
}

/** By the first part of an id: what people look at comes first, and what there are hundreds of last. */
const PLACES: readonly RegExp[] = [/^obd\./, /^eeg/, /^(?!can\.|gateway\.)/, /^can\./];

function placeOf(id: string): number {
  const place = PLACES.findIndex((pattern) => pattern.test(id));
  return place < 0 ? PLACES.length : place;
}

async function recordedIds(
  { stats, spans }: Session,
  reading: Pick<SessionDataDeps['reading'], 'statistics'>,
): Promise<readonly string[]> {
  const { streams } = stats ?? (await reading.statistics(spans));
  return Object.keys(streams);
}

/** @throws Problem 422 */
function typesOf(text: string): readonly string[] {
  const types = listOf(text, '/types');
  const pattern = types.find((type) => type.includes('*'));
  if (pattern === undefined) return types;
  return refuse(
    '/types',
    `expected a stream id, which includes those below it, found ${seen(pattern)}`,
  );
}

/** `a,b` as a list. @throws Problem 422 where it has more than STREAMS_MAX or an empty one */
function listOf(text: string, pointer: string): readonly string[] {
  const list = text.split(',');
  if (list.includes('')) refuse(pointer, 'one of the names is empty');
  return checkCount(list, pointer);
}

function checkCount(list: readonly string[], pointer: string): readonly string[] {
  if (list.length <= STREAMS_MAX) return list;
  return refuse(pointer, `expected at most ${STREAMS_MAX} names, found ${list.length}`);
}

function refuse(pointer: string, text: string): never {
  const message = sentence(text);
  throw new Problem(422, message, [{ pointer, message }]);
}

function isSeries(kind: Stream['kind']): boolean {
  return kind === 'sample' || kind === 'wave';
}

function cursorOf({ epoch, t, seq }: EventKey): string {
  return `${epoch}-${t}-${seq}`;
}

function parseCursor(text: string): EventKey {
  const [epoch = 0, t = 0, seq = 0] = text.split('-').map(Number);
  return { epoch, t, seq };
}

function json(bytes: Uint8Array): Content {
  return new Content({ 'content-type': 'application/json' }, bytes);
}

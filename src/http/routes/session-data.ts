import * as v from 'valibot';
import type { EventPage } from '../../reading/questions.ts';
import type { DataQuery, SessionEventsQuery } from '../../reading/service.ts';
import type { EventKey } from '../../store/keys.ts';
import { Problem } from '../problem.ts';
import { Content, route } from '../route.ts';
import { answering } from './sessions-problems.ts';
import { sessionId } from './sessions-shape.ts';

/** Streams of one question. */
const STREAMS_MAX = 50;
/** As many as store/downsample.ts makes. */
const POINTS_MAX = 10_000;
const RECENT_S_DEFAULT = 60;
const RECENT_S_MAX = 3_600;
const EVENTS_DEFAULT = 100;
const EVENTS_MAX = 1_000;
/** The key of the last event of a page: epoch, time, number at that time. */
const CURSOR = /^\d{1,10}-\d{1,15}-\d{1,5}$/;

/** What the routes need: `Reading` of reading/service.ts has it. */
export interface SessionDataDeps {
  readonly reading: {
    data(id: number, query: DataQuery): Promise<Uint8Array>;
    recent(streams: readonly string[], seconds: number): Promise<Uint8Array>;
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
  query: v.object({
    streams: Streams,
    from: Micros,
    to: Micros,
    points: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(POINTS_MAX))),
  }),
  body: undefined,
  reply: Data,
  handle: ({ reading }: SessionDataDeps, { params, query: { streams, ...query } }) =>
    answering(async () =>
      json(await reading.data(sessionId(params['id']), { ...query, streams: listOf(streams) })),
    ),
});

export const readRecentData = route({
  method: 'GET',
  path: '/sessions/current/recent',
  summary: 'The last seconds of streams, in the open session that began last.',
  query: v.object({
    streams: Streams,
    seconds: v.optional(
      v.pipe(v.number(), v.minValue(0), v.maxValue(RECENT_S_MAX)),
      RECENT_S_DEFAULT,
    ),
  }),
  body: undefined,
  reply: Data,
  handle: ({ reading }: SessionDataDeps, { query: { streams, seconds } }) =>
    answering(async () => json(await reading.recent(listOf(streams), seconds))),
});

export const listEvents = route({
  method: 'GET',
  path: '/sessions/:id/events',
  summary: 'What happened in a session, in the order of time, page by page.',
  query: v.object({
    types: v.optional(v.pipe(v.string(), v.minLength(1))),
    limit: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(EVENTS_MAX)),
      EVENTS_DEFAULT,
    ),
    cursor: v.optional(v.pipe(v.string(), v.regex(CURSOR, 'This is no cursor.'))),
  }),
  body: undefined,
  reply: v.object({
    items: v.array(
      v.object({ t: v.number(), stream: v.string(), data: v.record(v.string(), v.unknown()) }),
    ),
    next: v.nullable(v.string()),
  }),
  handle: ({ reading }: SessionDataDeps, { params, query: { types, limit, cursor } }) =>
    answering(async () => {
      const { items, next } = await reading.events(sessionId(params['id']), {
        types: types === undefined ? undefined : listOf(types, '/types'),
        limit,
        after: cursor === undefined ? undefined : parseCursor(cursor),
      });
      return { items, next: next && cursorOf(next) };
    }),
});

/** `a,b` as a list. @throws Problem 422 where it has more than STREAMS_MAX or an empty one */
function listOf(text: string, pointer = '/streams'): string[] {
  const list = text.split(',');
  const message = list.includes('')
    ? 'One of the names is empty.'
    : `At most ${STREAMS_MAX} names can be told, here are ${list.length}.`;
  if (list.length <= STREAMS_MAX && !list.includes('')) return list;
  throw new Problem(422, message, [{ pointer, message }]);
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

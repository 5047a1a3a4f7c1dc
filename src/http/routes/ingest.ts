import * as v from 'valibot';
import type { Session } from '#core/session.ts';
import type { ClockEstimate } from '../../ingest/clock-map.ts';
import type { Taken } from '../../ingest/ingest.ts';
import {
  AlertBody,
  type Batch,
  ClockBody,
  EegBody,
  FaceBody,
  GameBody,
} from '../../ingest/shapes.ts';
import { checkOwn } from '../own.ts';
import { type Caller, route } from '../route.ts';
import { answering } from './problems.ts';
import { sessionId } from './sessions-shape.ts';

/** A batch of many channels is long. */
const BATCH_BYTES_MAX = 1024 * 1024;

/** What the routes need. */
export interface IngestDeps {
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session };
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
  /** `Ingest` of ingest/ingest.ts. */
  readonly ingest: {
    now(): number;
    /** Number of the epoch that `now` counts from. */
    readonly epoch: number;
    send(session: number, batch: Batch): Promise<Taken>;
    tellClock(session: number, body: ClockBody): ClockEstimate;
  };
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const shared = {
  ...({ method: 'POST', access: 'send', query: undefined } as const),
  bodyBytesMax: BATCH_BYTES_MAX,
  problems: [404, 409, 503],
  /** It is on the disk, of this time or of one before. */
  reply: v.object({ seq: Count, duplicate: v.boolean() }),
};

export const sendEeg = route({
  ...shared,
  path: '/sessions/:id/eeg',
  summary:
    'Stores a batch of EEG of an open session, all of it or nothing, and each number once. What was ' +
    'not stored before the gateway was started again is refused for its epoch or its times, for good.',
  body: EegBody,
  handle: (deps: IngestDeps, { params, body, caller }) =>
    take(deps, { id: params['id'], caller }, { kind: 'eeg', body }),
});

export const sendFace = route({
  ...shared,
  path: '/sessions/:id/face',
  summary: "Stores a batch of what a camera saw of the driver's face, as with EEG.",
  body: FaceBody,
  handle: (deps: IngestDeps, { params, body, caller }) =>
    take(deps, { id: params['id'], caller }, { kind: 'face', body }),
});

export const sendGame = route({
  ...shared,
  path: '/sessions/:id/game',
  summary: 'Stores a batch of what happened in a driving task, as with EEG.',
  body: GameBody,
  handle: (deps: IngestDeps, { params, body, caller }) =>
    take(deps, { id: params['id'], caller }, { kind: 'game', body }),
});

export const sendAlerts = route({
  ...shared,
  path: '/sessions/:id/alerts',
  summary:
    'Stores a batch of alerts that a client has found by itself, as with EEG. They are events of ' +
    'client.alert, which everybody in the session gets, and which a rule may watch.',
  body: AlertBody,
  handle: (deps: IngestDeps, { params, body, caller }) =>
    take(deps, { id: params['id'], caller }, { kind: 'alert', body }),
});

export const exchangeTime = route({
  method: 'POST',
  path: '/sessions/:id/time',
  summary:
    'Tells when this came (t2) and is answered (t3), for a client to compare its clock with.',
  access: 'send',
  query: undefined,
  body: v.strictObject({ t1: v.number() }),
  problems: [404, 503],
  reply: v.object({ t1: v.number(), t2: Count, t3: Count, epoch: Count }),
  handle: (deps: IngestDeps, { params, body: { t1 }, caller }) =>
    answering(() => {
      const { ingest } = deps;
      const t2 = ingest.now();
      ownSession(deps, { id: params['id'], caller });
      return { t1, t2, t3: ingest.now(), epoch: ingest.epoch };
    }),
});

export const tellClock = route({
  method: 'POST',
  path: '/sessions/:id/clock',
  summary: 'Tells how the clock of a client goes, by exchanges of which one is the quickest.',
  access: 'send',
  query: undefined,
  body: ClockBody,
  problems: [404, 409, 503],
  reply: v.object({
    offset: v.number(),
    t: v.number(),
    drift: v.number(),
    roundTrip: v.number(),
  }),
  handle: (deps: IngestDeps, { params, body, caller }) =>
    answering(() => deps.ingest.tellClock(ownSession(deps, { id: params['id'], caller }).id, body)),
});

interface Asked {
  readonly id: string | undefined;
  readonly caller: Caller;
}

function take(deps: IngestDeps, asked: Asked, batch: Batch): Promise<Taken> {
  return answering(() => {
    const { id } = ownSession(deps, asked);
    return deps.reading.inTime(deps.ingest.send(id, batch));
  });
}

/** @throws Problem 404, SessionError NOT_FOUND, StoreError OFF */
function ownSession({ reading }: Pick<IngestDeps, 'reading'>, { id, caller }: Asked): Session {
  const session = reading.sessions().get(sessionId(id));
  checkOwn(caller, session);
  return session;
}

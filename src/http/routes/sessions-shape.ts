import * as v from 'valibot';
import { type Epoch, TRUST } from '#core/clock.ts';
import { leastTrust, type Session, type SessionStats, type Span } from '#core/session.ts';
import { seen } from '../fault.ts';
import { type Asker, isHidden, ownerOf, type People, saidOf } from '../privacy.ts';
import { Problem } from '../problem.ts';
import { WallTime, wallTime } from './wall-time.ts';

/** A session as clients see it. */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const Stats = v.object({
  /** Seconds, without the gaps between two runs of the gateway. */
  durationS: v.number(),
  distanceKm: v.nullable(v.number()),
  alerts: Count,
  streams: v.record(
    v.string(),
    v.object({ n: Count, lost: Count, coverage: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  ),
});

export const SessionShape = v.object({
  id: Count,
  state: v.picklist(['active', 'ended']),
  startedAt: WallTime,
  endedAt: WallTime,
  /** How far both can be believed. */
  clockTrust: v.picklist(TRUST),
  endedBy: v.nullable(v.picklist(['ignition', 'manual', 'power'])),
  /** Whose own it is; the name is null where the account is no longer there. */
  owner: v.nullable(v.object({ id: v.string(), username: v.nullable(v.string()) })),
  /** A pseudonym, `P-7K3M9Q2A`, for who is not shown names; they get no notes and no words either. */
  driver: v.nullable(v.string()),
  vehicle: v.nullable(v.string()),
  study: v.nullable(v.string()),
  tags: v.array(v.string()),
  notes: v.string(),
  consent: v.nullable(v.string()),
  pinned: v.boolean(),
  /** Null until they are computed. */
  stats: v.nullable(Stats),
});

/** What a person may say of a session. What is left out stays as it is. */
export const NotesFields = {
  driver: v.optional(v.nullable(v.string())),
  vehicle: v.optional(v.nullable(v.string())),
  study: v.optional(v.nullable(v.string())),
  tags: v.optional(v.array(v.string())),
  notes: v.optional(v.string()),
  consent: v.optional(v.nullable(v.string())),
  pinned: v.optional(v.boolean()),
};

/** To whom a session is told. */
export interface Audience {
  readonly asker: Asker;
  readonly people: People;
  readonly epochs: ReadonlyMap<number, Epoch>;
}

export function shapeOf(
  session: Session,
  { asker, people, epochs }: Audience,
  stats: SessionStats | null = session.stats,
) {
  const { id, endedBy, spans, vehicle, study, tags, pinned } = session;
  const [first] = spans;
  const last = spans.at(-1);
  const trusts = spans.map(({ epoch }) => epochs.get(epoch)?.trust ?? 'none');
  return {
    id,
    state: endedBy === null ? ('active' as const) : ('ended' as const),
    startedAt: first ? wallTime({ epoch: first.epoch, t: first.from }, epochs) : null,
    endedAt: endedBy === null ? null : endOf(last, epochs),
    clockTrust: leastTrust(trusts),
    owner: ownerOf(session, asker, people),
    ...{ endedBy, vehicle, study, tags, pinned, ...saidOf(session, asker, people) },
    stats: stats && { ...stats, streams: shownStreams(stats, asker) },
  };
}

function shownStreams({ streams }: SessionStats, asker: Asker): SessionStats['streams'] {
  return Object.fromEntries(Object.entries(streams).filter(([id]) => !isHidden(asker, id)));
}

function endOf(last: Span | undefined, epochs: ReadonlyMap<number, Epoch>): string | null {
  if (!last || last.to === null) return null;
  return wallTime({ epoch: last.epoch, t: last.to }, epochs);
}

const ID_MAX = 0xffff_ffff;

/** @throws Problem 404 for what is no id of any session */
export function sessionId(text = ''): number {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= ID_MAX) return Number(text);
  throw new Problem(404, `There is no session ${seen(text)}.`);
}

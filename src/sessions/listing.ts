import { type Epoch, wallMs } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';

/** More are not given at once. */
const LIST_MAX = 1_000;

/** Which sessions; what is undefined does not matter. */
export interface SessionQuery {
  /** Only older ones than the session with this id: `next` of the page before. */
  readonly before?: number | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly driver?: string | undefined;
  /** What drivers are called for who asks; by their names where it is left out. */
  readonly calls?: ((driver: string, session: Session) => string) | undefined;
  /** Id of the account whose own they are. */
  readonly owner?: string | undefined;
  readonly vehicle?: string | undefined;
  readonly tag?: string | undefined;
  /** Wall time in milliseconds since 1970: sessions of which any part lies between the two. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
}

export interface SessionPage {
  /** Newest first. */
  readonly items: readonly Session[];
  /** `before` of the next page; null when this is the last. */
  readonly next: number | null;
}

export interface WallTimes {
  readonly epochs: ReadonlyMap<number, Epoch>;
  /** Where sessions that last have got to, in the newest epoch. */
  readonly now: Micros;
}

/**
 * One page. Paging is by id, so that it neither repeats nor skips when sessions come and go between
 * two pages.
 *
 * @param sessions in the order of their ids
 */
export function page(
  sessions: Iterable<Session>,
  query: SessionQuery,
  times: WallTimes,
): SessionPage {
  const limit = Math.max(1, Math.min(query.limit, LIST_MAX));
  const items: Session[] = [];
  for (const session of [...sessions].reverse()) {
    if (query.before !== undefined && session.id >= query.before) continue;
    if (!matches(session, query) || !isWithin(session, query, times)) continue;
    if (items.length === limit) return { items, next: items.at(-1)?.id ?? null };
    items.push(session);
  }
  return { items, next: null };
}

function matches(session: Session, query: SessionQuery): boolean {
  const { driver, calls = (name) => name, vehicle, tag, owner } = query;
  return (
    (owner === undefined || session.owner === owner) &&
    (driver === undefined ||
      (session.driver !== null && calls(session.driver, session) === driver)) &&
    (vehicle === undefined || session.vehicle === vehicle) &&
    (tag === undefined || session.tags.includes(tag))
  );
}

/** A session whose epoch nobody knows was at no time. */
function isWithin(
  { spans }: Session,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: SessionQuery,
  { epochs, now }: WallTimes,
): boolean {
  if (from === Number.NEGATIVE_INFINITY && to === Number.POSITIVE_INFINITY) return true;
  return spans.some((span) => {
    const epoch = epochs.get(span.epoch);
    if (!epoch) return false;
    const begin = wallMs(epoch, span.from);
    const end = wallMs(epoch, span.to ?? now);
    // An empty one lies where it begins.
    return begin < to && (end > from || begin >= from);
  });
}

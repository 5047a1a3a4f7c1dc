import type { Alert, Severity } from '#core/alert.ts';

/** More are not given at once. */
const LIST_MAX = 1_000;

/** Which alerts; what is undefined does not matter. */
export interface AlertQuery {
  /** Only what comes behind the alert with this id: `next` of the page before. */
  readonly before?: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  /** Id. */
  readonly rule?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly state?: 'active' | 'ended' | undefined;
  readonly acknowledged?: boolean | undefined;
}

export interface AlertPage {
  /** Newest first. */
  readonly items: readonly Alert[];
  /** `before` of the next page; null when this is the last. */
  readonly next: string | null;
}

/**
 * One page, as those of sessions: alerts that come between two pages are in neither, and one that is
 * forgotten meanwhile ends the list.
 *
 * @param alerts oldest first
 */
export function page(alerts: Iterable<Alert>, query: AlertQuery): AlertPage {
  const limit = Math.max(1, Math.min(query.limit, LIST_MAX));
  const newestFirst = [...alerts].reverse();
  const place = newestFirst.findIndex(({ id }) => id === query.before);
  const rest = query.before === undefined ? newestFirst : newestFirst.slice(place + 1);
  if (query.before !== undefined && place < 0) return { items: [], next: null };
  const found = rest.filter((alert) => matches(alert, query));
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

function matches(alert: Alert, { rule, severity, state, acknowledged }: AlertQuery): boolean {
  return (
    (rule === undefined || alert.rule.id === rule) &&
    (severity === undefined || alert.severity === severity) &&
    (state === undefined || (alert.endedAt === null) === (state === 'active')) &&
    (acknowledged === undefined || (alert.acknowledged !== null) === acknowledged)
  );
}

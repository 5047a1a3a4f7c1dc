import * as v from 'valibot';
import { type Alert, SEVERITIES, SILENCE_MINUTES_MAX } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import { AlertError } from '../../alerts/errors.ts';
import type { AlertPage, AlertQuery } from '../../alerts/history.ts';
import type { SessionPage, SessionQuery } from '../../sessions/listing.ts';
import { ownTimes } from '../own.ts';
import { isHiddenAlert, seesNames } from '../privacy.ts';
import { type Caller, route } from '../route.ts';
import { AlertShape, alertShape } from './alerts-shape.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';

/** Id of an alert: the start of the gateway, and the number in it. */
const CURSOR = /^\d{1,10}-\d{1,10}$/;
/** Longer texts are refused. */
const NOTE_CHARS_MAX = 2_000;
/** Alerts that are gone through at a time for those of somebody's own sessions. */
const LIST_ALERTS = 1_000;

/** What the routes of alerts need. */
export interface AlertHistoryDeps {
  /** `AlertBook` of alerts/book.ts has most of it. */
  readonly alerting: {
    /** Those that last, oldest first. */
    ongoing(): readonly Alert[];
    list(query: AlertQuery): AlertPage;
    get(id: string): Alert;
    /** Changes take effect at once and resolve when they are durable. */
    acknowledge(id: string, by: string): Promise<Alert>;
    silence(id: string, minutes: number): Promise<Alert>;
    note(id: string, by: string, text: string): Promise<Alert>;
  };
  readonly reading: {
    epochs(): ReadonlyMap<number, Epoch>;
    /** @throws StoreError OFF */
    sessions(): { list(query: SessionQuery): SessionPage };
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
}

export const listActiveAlerts = route({
  method: 'GET',
  path: '/alerts/active',
  summary: 'The alerts that last, oldest first.',
  access: 'alerts',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(AlertShape), next: v.null() }),
  handle: ({ alerting, reading }: AlertHistoryDeps, { caller }) =>
    answering(() => {
      const epochs = reading.epochs();
      const own = alerting.ongoing().filter(shownTo(caller, reading));
      return { items: own.map((alert) => alertShape(alert, epochs, caller)), next: null };
    }),
});

export const listAlerts = route({
  method: 'GET',
  path: '/alerts/history',
  summary: 'All alerts that are kept, newest first, page by page.',
  access: 'alerts',
  query: v.strictObject({
    cursor: cursor(CURSOR),
    limit: Limit,
    rule: v.optional(v.string()),
    severity: v.optional(v.picklist(SEVERITIES)),
    state: v.optional(v.picklist(['active', 'ended'])),
    acknowledged: v.optional(v.boolean()),
  }),
  body: undefined,
  reply: v.object({ items: v.array(AlertShape), next: v.nullable(v.string()) }),
  tells: { Link: [200] },
  headers: ({ next }, query) => nextLink(next, query),
  handle: (
    { alerting, reading }: AlertHistoryDeps,
    { query: { cursor: before, ...query }, caller },
  ) =>
    answering(() => {
      const wanted = { ...query, before };
      const seesAll = caller.scope === 'all' && seesNames(caller);
      const { items, next } = seesAll
        ? alerting.list(wanted)
        : shownPage(alerting, wanted, shownTo(caller, reading));
      const epochs = reading.epochs();
      return { items: items.map((alert) => alertShape(alert, epochs, caller)), next };
    }),
});

export const readAlert = route({
  method: 'GET',
  path: '/alerts/history/:id',
  summary: 'One alert.',
  access: 'alerts',
  query: undefined,
  body: undefined,
  reply: AlertShape,
  handle: ({ alerting, reading }: AlertHistoryDeps, { params, caller }) =>
    answering(() => {
      const alert = shownAlert({ alerting, reading }, params['id'], caller);
      return alertShape(alert, reading.epochs(), caller);
    }),
});

export const acknowledgeAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/ack',
  summary: 'Says that somebody has seen an alert: it does not get more severe by time alone.',
  access: 'watch',
  query: undefined,
  body: v.optional(v.strictObject({})),
  reply: AlertShape,
  handle: (deps: AlertHistoryDeps, { params, caller }) =>
    changed(deps, { id: params['id'], caller }, (id) =>
      deps.alerting.acknowledge(id, nameOf(caller)),
    ),
});

export const silenceAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/silence',
  summary: 'Keeps the actions of an alert that lasts, and of later ones of its cause, quiet.',
  access: 'watch',
  query: undefined,
  body: v.strictObject({
    minutes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(SILENCE_MINUTES_MAX)),
  }),
  reply: AlertShape,
  problems: [409],
  handle: (deps: AlertHistoryDeps, { params, body, caller }) =>
    changed(deps, { id: params['id'], caller }, (id) => deps.alerting.silence(id, body.minutes)),
});

export const noteAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/notes',
  summary: 'Adds a remark to an alert.',
  access: 'watch',
  query: undefined,
  body: v.strictObject({
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(NOTE_CHARS_MAX)),
  }),
  reply: AlertShape,
  handle: (deps: AlertHistoryDeps, { params, body, caller }) =>
    changed(deps, { id: params['id'], caller }, (id) =>
      deps.alerting.note(id, nameOf(caller), body.text),
    ),
});

/** Those who watch are staff: everybody who sees alerts sees who has dealt with them. */
function nameOf({ user }: Caller): string {
  return user?.username ?? '';
}

/** Tells of the alerts that somebody is shown. @throws StoreError OFF */
function shownTo(caller: Caller, reading: AlertHistoryDeps['reading']): (alert: Alert) => boolean {
  const isOwn = ownTimes(caller, reading);
  return (alert) => isOwn(alert) && !isHiddenAlert(caller, alert);
}

/** @throws AlertError NOT_FOUND, for one that somebody is not shown too */
function shownAlert(
  { alerting, reading }: AlertHistoryDeps,
  id: string | undefined,
  caller: Caller,
): Alert {
  const alert = alerting.get(id ?? '');
  if (shownTo(caller, reading)(alert)) return alert;
  throw new AlertError('NOT_FOUND', `there is no alert ${JSON.stringify(alert.id)}`);
}

/** A page of those that somebody is shown, whatever lies between them. */
function shownPage(
  alerting: AlertHistoryDeps['alerting'],
  query: AlertQuery,
  isShown: (alert: Alert) => boolean,
): AlertPage {
  const { limit } = query;
  const found: Alert[] = [];
  let before = query.before;
  do {
    const { items, next } = alerting.list({ ...query, before, limit: LIST_ALERTS });
    found.push(...items.filter(isShown));
    before = next ?? undefined;
  } while (before !== undefined && found.length <= limit);
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

function changed(
  deps: AlertHistoryDeps,
  { id, caller }: { readonly id: string | undefined; readonly caller: Caller },
  change: (id: string) => Promise<Alert>,
) {
  return answering(async () => {
    const { reading } = deps;
    const alert = await reading.inTime(change(shownAlert(deps, id, caller).id));
    return alertShape(alert, reading.epochs(), caller);
  });
}

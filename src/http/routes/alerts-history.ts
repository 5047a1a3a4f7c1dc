import * as v from 'valibot';
import { type Alert, SEVERITIES, SILENCE_MINUTES_MAX } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import type { AlertPage, AlertQuery } from '../../alerts/history.ts';
import { route } from '../route.ts';
import { AlertShape, alertShape } from './alerts-shape.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';

/** Id of an alert: the start of the gateway, and the number in it. */
const CURSOR = /^\d{1,10}-\d{1,10}$/;
/** Longer texts are refused. */
const NOTE_CHARS_MAX = 2_000;
/** Who acts while there are no accounts. */
const BY = 'dashboard';

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
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
}

export const listActiveAlerts = route({
  method: 'GET',
  path: '/alerts/active',
  summary: 'The alerts that last, oldest first.',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(AlertShape) }),
  handle: ({ alerting, reading }: AlertHistoryDeps) => {
    const epochs = reading.epochs();
    return { items: alerting.ongoing().map((alert) => alertShape(alert, epochs)) };
  },
});

export const listAlerts = route({
  method: 'GET',
  path: '/alerts/history',
  summary: 'All alerts that are kept, newest first, page by page.',
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
  headers: ({ next }, query) => nextLink(next, query),
  handle: ({ alerting, reading }: AlertHistoryDeps, { query: { cursor: before, ...query } }) => {
    const { items, next } = alerting.list({ ...query, before });
    const epochs = reading.epochs();
    return { items: items.map((alert) => alertShape(alert, epochs)), next };
  },
});

export const readAlert = route({
  method: 'GET',
  path: '/alerts/history/:id',
  summary: 'One alert.',
  query: undefined,
  body: undefined,
  reply: AlertShape,
  handle: ({ alerting, reading }: AlertHistoryDeps, { params }) =>
    answering(() => alertShape(alerting.get(params['id'] ?? ''), reading.epochs())),
});

export const acknowledgeAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/ack',
  summary: 'Says that somebody has seen an alert: it does not get more severe by time alone.',
  query: undefined,
  body: v.optional(v.strictObject({})),
  reply: AlertShape,
  handle: ({ alerting, reading }: AlertHistoryDeps, { params }) =>
    changed(reading, () => alerting.acknowledge(params['id'] ?? '', BY)),
});

export const silenceAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/silence',
  summary: 'Keeps the actions of an alert that lasts, and of later ones of its cause, quiet.',
  query: undefined,
  body: v.strictObject({
    minutes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(SILENCE_MINUTES_MAX)),
  }),
  reply: AlertShape,
  handle: ({ alerting, reading }: AlertHistoryDeps, { params, body }) =>
    changed(reading, () => alerting.silence(params['id'] ?? '', body.minutes)),
});

export const noteAlert = route({
  method: 'POST',
  path: '/alerts/history/:id/notes',
  summary: 'Adds a remark to an alert.',
  query: undefined,
  body: v.strictObject({
    text: v.pipe(v.string(), v.minLength(1), v.maxLength(NOTE_CHARS_MAX)),
  }),
  reply: AlertShape,
  handle: ({ alerting, reading }: AlertHistoryDeps, { params, body }) =>
    changed(reading, () => alerting.note(params['id'] ?? '', BY, body.text)),
});

function changed(reading: AlertHistoryDeps['reading'], change: () => Promise<Alert>) {
  return answering(async () => alertShape(await reading.inTime(change()), reading.epochs()));
}

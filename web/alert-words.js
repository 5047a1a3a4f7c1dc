/** What alerts are told in. */
import { unitWords } from './units.js';
import { durationText, valueText } from './words.js';

/** @typedef {import('./alerts-api.js').Alert} Alert */

const ENDS = {
  cleared: 'Over by itself',
  silent: 'Its data ended',
  changed: 'Its rule was changed or removed',
};
const dateAndTime = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

/** @param {string | null} at RFC 3339 */
export function timeText(at) {
  return at === null ? 'time not known' : dateAndTime.format(new Date(at));
}

/**
 * How long an alert lasted; empty where it is not over, or nobody knows.
 * @param {Pick<Alert, 'startedAt' | 'endedAt'>} alert
 */
export function lastedText({ startedAt, endedAt }) {
  if (startedAt === null || endedAt === null) return '';
  return durationText(Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000));
}

/** @param {Pick<Alert, 'endedBy'>} alert */
export function endedText({ endedBy }) {
  return endedBy === null ? 'Lasts' : ENDS[endedBy];
}

/**
 * A value with its unit as people write both.
 * @param {number | null} v
 * @param {string} unit UCUM
 */
export function quantityText(v, unit) {
  return v === null ? '–' : `${valueText(v)} ${unitWords(unit)}`.trim();
}

/**
 * How often a rule has fired among the newest alerts.
 * @param {string} id of the rule
 * @param {{ items: readonly { rule: { id: string } }[], next: string | null } | undefined} page
 */
export function firedText(id, page) {
  if (!page) return '';
  const n = page.items.filter(({ rule }) => rule.id === id).length;
  const times = n === 0 ? 'Never fired' : n === 1 ? 'Fired once' : `Fired ${n} times`;
  return page.next === null ? times : `${times} of the last ${page.items.length} alerts`;
}

/** Alerts, rules and actions as the gateway tells of them, and what can be asked of it. */
import { ask } from './api.js';

/** @typedef {import('valibot').InferOutput<typeof import('../src/http/routes/alerts-shape.ts').AlertShape>} Alert */
/** @typedef {import('../src/core/alert.ts').AlertRule} AlertRule */
/** @typedef {import('../src/core/alert.ts').Severity} Severity */
/** @typedef {import('./api.js').Fault} Fault */
/**
 * @typedef {object} RuleState
 * @property {'shipped' | 'changed' | 'own'} origin
 * @property {string} sentence
 * @property {number} ongoing alerts of it that last
 * @property {readonly Fault[]} faults why it cannot be used as it is
 */
/** @typedef {AlertRule & RuleState} Rule */
/** @typedef {{ items: readonly Rule[] }} RuleList */
/** @typedef {{ id: string, kind: 'mail' | 'webhook' | 'buzzer', status: 'ok' | 'waiting' | 'failed', text: string }} Action */
/** @typedef {{ items: readonly Action[] }} ActionList */
/** @typedef {import('./api.js').Page<Alert>} AlertPage */
/** @typedef {{ severity: Severity | '', state: 'active' | 'ended' | '' }} Filter */

/**
 * An alert that there would have been, in microseconds since the session's start.
 * @typedef {object} TriedAlert
 * @property {number} startedAt below 0 where it was on already when the session began
 * @property {number | null} endedAt null where it lasted at the end
 * @property {Severity} severity
 * @property {string} text
 */
/** @typedef {{ alerts: readonly TriedAlert[], totals: { count: number, onS: number } }} TriedRule */
/**
 * @typedef {object} Tried
 * @property {number} durationS
 * @property {readonly string[]} notes what was not as it would be live
 * @property {readonly TriedRule[]} rules the one that was asked for, then the one to compare it with
 */

const PAGE_ALERTS = 50;

/** @param {Filter} filter */
export function historyPath(filter) {
  const query = new URLSearchParams({ limit: String(PAGE_ALERTS) });
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value);
  return `/alerts/history?${query}`;
}

/**
 * The rules whose name or streams have each word of what is looked for.
 * @param {readonly Rule[]} rules
 * @param {string} text
 */
export function matchingRules(rules, text) {
  const words = text.toLowerCase().split(/\s+/);
  return rules.filter((rule) => {
    // The sentence has the names of the streams.
    const known = [rule.name, rule.sentence, ...streamsIn(rule)].join(' ').toLowerCase();
    return words.every((word) => known.includes(word));
  });
}

/**
 * @param {import('../src/core/alert.ts').Condition} condition
 * @returns {readonly string[]}
 */
function streamsIn(condition) {
  if ('stream' in condition) return [condition.stream];
  if ('all' in condition) return condition.all.flatMap(streamsIn);
  return ('any' in condition ? condition.any : condition.not).flatMap(streamsIn);
}

/** @param {string} id */
export function acknowledge(id) {
  return ask(`/alerts/history/${id}/ack`, { method: 'POST', body: {} });
}

/**
 * @param {string} id
 * @param {number} minutes
 */
export function silence(id, minutes) {
  return ask(`/alerts/history/${id}/silence`, { method: 'POST', body: { minutes } });
}

/**
 * @param {string} id
 * @param {string} text
 */
export function comment(id, text) {
  return ask(`/alerts/history/${id}/notes`, { method: 'POST', body: { text } });
}

/**
 * @param {string} id
 * @param {object} change
 */
export function changeRule(id, change) {
  return ask(`/alerts/${id}`, { method: 'PATCH', body: change });
}

/** @param {object} draft */
export function createRule(draft) {
  return ask('/alerts', { method: 'POST', body: draft });
}

/** @param {string} id */
export function removeRule(id) {
  return ask(`/alerts/${id}`, { method: 'DELETE' });
}

/** @param {string} id */
export function testAction(id) {
  return ask(`/alerts/actions/${id}/test`, { method: 'POST', body: {} });
}

/**
 * When a rule would have fired in a session.
 * @param {{ rule: object, against?: string, sessions: readonly number[] }} question `against`: the
 *   id of a rule as it is saved
 * @param {AbortSignal} signal
 * @returns {Promise<Tried | undefined>}
 */
export async function tryRule(question, signal) {
  const answer = await ask('/alerts/backtest', { method: 'POST', body: question, signal });
  return answer.sessions[0];
}

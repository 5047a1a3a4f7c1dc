import { type AlertEnd, SEVERITIES, type Severity } from '#core/alert.ts';
import type { Micros } from '#core/stream.ts';
import type { Truth } from './condition.ts';
import { earliestAfter, NEVER } from './due.ts';

/**
 * The life of one cause of a rule, as a pure state machine over what its condition is:
 *
 *     idle    -> pending   the condition is true
 *     pending -> idle      it is not any more
 *     pending -> active    it was true for `holdUs`, and the cool-down is over or would be broken by
 *                          a higher severity than the last alert reached
 *     active  -> idle      it is false (`cleared`) or unknown (`silent`)
 *
 * A condition that is true only because it has not fallen to its `clear` yet is not firm. It keeps an
 * alert, and the hold time goes on, but it starts none: that waits for a value beyond the threshold.
 *
 * A cause that began more than STARTS_PER_MINUTE_MAX alerts within a minute is latched: the last of
 * them ends only when the condition was not true for LATCH_US. So there are never more of them in a
 * minute than one above the limit, and they end in one long alert: neither flicker nor silence.
 *
 * Escalation by time counts the time that alerts of the cause were on, those before within
 * ESCALATION_MEMORY_US included, up to when somebody acknowledged them. It happens only while the
 * condition is true, which an alert that is latched need not be.
 *
 * `dueAt` is when time alone changes something, and always later than the last turn.
 */
export const STARTS_PER_MINUTE_MAX = 6;
const MINUTE_US = 60_000_000;
const LATCH_US = 60_000_000;
export const ESCALATION_MEMORY_US = 600_000_000;

/** What of a rule decides the life of its causes. */
export interface Terms {
  readonly holdUs: number;
  readonly cooldownUs: number;
  readonly severity: Severity;
  readonly byTime: readonly { readonly afterUs: number; readonly severity: Severity }[];
}

/** What a turn is about. */
export interface Finding {
  readonly truth: Truth;
  readonly firm: boolean;
  /** By value. */
  readonly severity: Severity;
}

interface Memory {
  /** Starts within a minute before the last one, it included; STARTS_PER_MINUTE_MAX + 1 at most. */
  readonly starts: readonly Micros[];
  /** End of the last alert. */
  readonly endedAt: Micros;
  /** Until when the cool-down lasts. */
  readonly quietUntil: Micros;
  /** What the last alert reached. */
  readonly reached: Severity;
  /** What escalation by time has counted so far. */
  readonly countedUs: number;
  readonly dueAt: Micros;
}

interface Idle extends Memory {
  readonly phase: 'idle';
}

interface Pending extends Memory {
  readonly phase: 'pending';
  /** Since when the condition has been true. */
  readonly since: Micros;
}

interface Active extends Memory {
  readonly phase: 'active';
  readonly severity: Severity;
  /** From when time is to be added to `countedUs`; undefined once it is acknowledged. */
  readonly countedFrom: Micros | undefined;
  readonly latched: boolean;
  /** Since when the condition has not been true, while it is latched. */
  readonly untrueSince: Micros | undefined;
  /** Of one from before a restart: until then it may be unknown whether it goes on. */
  readonly graceUntil: Micros;
}

export type Life = Idle | Pending | Active;

export type News =
  | { readonly kind: 'started' | 'escalated'; readonly severity: Severity }
  | { readonly kind: 'ended'; readonly by: AlertEnd };

export interface Turn {
  readonly life: Life;
  readonly news?: News;
}

/** Nothing has happened yet. */
export const UNBORN: Idle = {
  phase: 'idle',
  starts: [],
  endedAt: -NEVER,
  quietUntil: -NEVER,
  reached: 'info',
  countedUs: 0,
  dueAt: NEVER,
};

/** @param t not before that of the last turn, nor after `life.dueAt` */
export function turn(terms: Terms, life: Life, finding: Finding, t: Micros): Turn {
  if (life.phase === 'active') {
    return finding.truth === true
      ? goesOn(terms, life, finding, t)
      : runsOut(terms, life, finding.truth, t);
  }
  if (finding.truth === true) return waits(terms, life, finding, t);
  return { life: life.phase === 'idle' ? life : idle(life) };
}

/** An alert that was on before a restart. Until `graceUntil` it may be unknown whether it goes on. */
export function resumed(
  { severity, countedUs }: { readonly severity: Severity; readonly countedUs: number },
  t: Micros,
  graceUntil: Micros,
): Active {
  return {
    ...UNBORN,
    phase: 'active',
    severity,
    countedUs,
    countedFrom: t,
    latched: false,
    untrueSince: undefined,
    graceUntil,
    dueAt: graceUntil,
  };
}

/** Somebody knows: it does not escalate by time any more. */
export function acknowledged(life: Life, t: Micros): Life {
  if (life.phase !== 'active') return life;
  return { ...life, countedUs: counted(life, t), countedFrom: undefined };
}

/** Whether nothing is lost by forgetting it. */
export function isForgettable(life: Life, t: Micros): boolean {
  const lastStart = life.starts.at(-1) ?? -NEVER;
  return life.phase === 'idle' && t >= life.quietUntil && t - lastStart >= MINUTE_US;
}

export function higher(a: Severity, b: Severity): Severity {
  return isHigher(b, a) ? b : a;
}

function isHigher(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b);
}

function waits(terms: Terms, life: Idle | Pending, finding: Finding, t: Micros): Turn {
  const since = life.phase === 'pending' ? life.since : t;
  if (t - since >= terms.holdUs && finding.firm) {
    const countedUs = t - life.endedAt > ESCALATION_MEMORY_US ? 0 : life.countedUs;
    const severity = higher(finding.severity, severityAfter(terms, countedUs));
    if (t >= life.quietUntil || isHigher(severity, life.reached)) {
      return start(terms, { ...life, countedUs }, severity, t);
    }
  }
  const dueAt = earliestAfter(t, since + terms.holdUs, life.quietUntil);
  if (life.phase === 'pending' && life.dueAt === dueAt) return { life };
  return { life: { ...memory(life), phase: 'pending', since, dueAt } };
}

function start(terms: Terms, life: Memory, severity: Severity, t: Micros): Turn {
  const starts = [...life.starts.filter((other) => t - other < MINUTE_US), t];
  const active: Active = {
    ...memory(life),
    phase: 'active',
    starts,
    severity,
    countedFrom: t,
    latched: starts.length > STARTS_PER_MINUTE_MAX,
    untrueSince: undefined,
    graceUntil: -NEVER,
    dueAt: NEVER,
  };
  const dueAt = escalatesAt(terms, active, t);
  return { life: { ...active, dueAt }, news: { kind: 'started', severity } };
}

function goesOn(terms: Terms, life: Active, finding: Finding, t: Micros): Turn {
  const byTime = severityAfter(terms, counted(life, t));
  const severity = higher(life.severity, higher(finding.severity, byTime));
  const dueAt = escalatesAt(terms, life, t);
  const sure = life.untrueSince === undefined && life.graceUntil === -NEVER;
  if (sure && severity === life.severity && dueAt === life.dueAt) return { life };
  const next = { ...life, severity, untrueSince: undefined, graceUntil: -NEVER, dueAt };
  if (severity === life.severity) return { life: next };
  return { life: next, news: { kind: 'escalated', severity } };
}

function runsOut(terms: Terms, life: Active, truth: Truth, t: Micros): Turn {
  if (truth === undefined && t < life.graceUntil) return { life: due(life, life.graceUntil) };
  if (life.latched) {
    const untrueSince = life.untrueSince ?? t;
    const freeAt = untrueSince + LATCH_US;
    if (t < freeAt) return { life: due({ ...life, untrueSince }, freeAt) };
  }
  const ended: Idle = {
    ...memory(life),
    phase: 'idle',
    endedAt: t,
    quietUntil: t + terms.cooldownUs,
    reached: life.severity,
    countedUs: counted(life, t),
    dueAt: NEVER,
  };
  return { life: ended, news: { kind: 'ended', by: truth === false ? 'cleared' : 'silent' } };
}

function counted({ countedUs, countedFrom }: Active, t: Micros): number {
  return countedFrom === undefined ? countedUs : countedUs + (t - countedFrom);
}

function severityAfter({ severity, byTime }: Terms, us: number): Severity {
  return byTime.reduce(
    (most, step) => (us >= step.afterUs ? higher(most, step.severity) : most),
    severity,
  );
}

function escalatesAt({ byTime }: Terms, { countedFrom, countedUs }: Active, t: Micros): Micros {
  if (countedFrom === undefined) return NEVER;
  return earliestAfter(t, ...byTime.map(({ afterUs }) => countedFrom + afterUs - countedUs));
}

function due(life: Active, dueAt: Micros): Active {
  return life.dueAt === dueAt ? life : { ...life, dueAt };
}

function idle(life: Memory): Idle {
  return { ...memory(life), phase: 'idle', dueAt: NEVER };
}

/** Without what only one phase has, so that equal lives look equal. */
function memory({ starts, endedAt, quietUntil, reached, countedUs, dueAt }: Memory): Memory {
  return { starts, endedAt, quietUntil, reached, countedUs, dueAt };
}

import type { AlertChange, AlertEnd, AlertRule, Evidence, Severity } from '#core/alert.ts';
import { type Epoch, onClockOf } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import { isPattern, type Micros } from '#core/stream.ts';
import type { RuleSet } from '../watch/rule-set.ts';
import type { AroundSeries, Surroundings } from './surroundings.ts';
import { compare, type VersionComparison } from './versions.ts';

/** Alerts of a session that are given; those beyond are counted. */
const ALERTS_MAX = 1_000;

/** One alert that there would have been. Times are microseconds since the session's start. */
export interface BacktestAlert {
  readonly cause: string;
  /** The highest that it reached. */
  readonly severity: Severity;
  /** Below 0 where it was on already when the session began. */
  readonly startedAt: number;
  /** Null where it lasted at the end of the session. */
  readonly endedAt: number | null;
  readonly endedBy: AlertEnd | null;
  /** This and the next three as of its start, or of its last escalation. */
  readonly stream: string | null;
  readonly value: number | null;
  /** UCUM. */
  readonly unit: string | null;
  readonly text: string;
  /** What the streams of the rule said around its start. */
  readonly readings: readonly AroundSeries[];
}

export interface RuleBacktest {
  readonly rule: { readonly id: string; readonly name: string };
  /** Oldest first; of all rules together at most ALERTS_MAX. */
  readonly alerts: readonly BacktestAlert[];
  /** Alerts that are counted, but not given. */
  readonly truncated: number;
  readonly totals: {
    readonly count: number;
    /** Seconds of the session with an alert of the rule. */
    readonly onS: number;
    /** The same as a share of the session, 0 to 1. */
    readonly share: number;
  };
}

export interface Backtest {
  /** Without the gaps between spans. */
  readonly durationS: number;
  /** In the order in which they were given. */
  readonly rules: readonly RuleBacktest[];
  /** Of two versions of a rule; null without. */
  readonly versions: VersionComparison | null;
}

/** An alert that was found. */
interface Found {
  /** Position of its rule. */
  readonly rule: number;
  readonly cause: string;
  readonly startedAt: number;
  /** The same on the clock of its start of the gateway. */
  readonly began: { readonly epoch: Epoch; readonly t: Micros };
  /** Whether there is a place for it in the answer. */
  readonly given: boolean;
  severity: Severity;
  evidence: Evidence;
  endedAt: number | null;
  endedBy: AlertEnd | null;
  readings: readonly AroundSeries[];
}

interface Tally {
  readonly rule: AlertRule;
  count: number;
  truncated: number;
  onUs: number;
  /** Alerts that are on. */
  lasting: number;
  /** Since when there have been any. */
  onSince: number;
}

/** Where changes come from. */
export interface Leg {
  readonly epoch: Epoch;
  /** What is added to a time of the epoch to have it on the session's axis. */
  readonly shift: number;
  readonly surroundings: Surroundings;
  /** Ids and patterns of the streams that a rule needs. */
  streamsOf(rule: AlertRule): readonly string[];
}

/** What the rules found in a session so far. The ids of the rules of changes are their positions. */
export class Findings {
  readonly #stretches: readonly Stretch[];
  readonly #tallies: readonly Tally[];
  readonly #lasting = new Map<string, Found>();
  readonly #found: Found[] = [];
  /** Places in the answer that are taken. */
  #given = 0;
  /** Start of the first alert for which there was none. */
  #truncatedAt = Number.POSITIVE_INFINITY;

  constructor(rules: readonly AlertRule[], stretches: readonly Stretch[]) {
    this.#stretches = stretches;
    this.#tallies = rules.map((rule) => {
      return { rule, count: 0, truncated: 0, onUs: 0, lasting: 0, onSince: 0 };
    });
  }

  /** As AlertBook does: what comes of a cause that has an alert belongs to that. */
  take(changes: readonly AlertChange[], leg: Leg): void {
    for (const change of changes) {
      const key = `${change.rule.id}\n${change.cause}`;
      const lasting = this.#lasting.get(key);
      if (change.kind === 'ended') {
        this.#lasting.delete(key);
        if (lasting) this.#end(lasting, change.t + leg.shift, change.by);
      } else if (lasting) {
        lasting.severity = change.severity;
        lasting.evidence = change.evidence;
      } else this.#lasting.set(key, this.#start(change, leg));
    }
  }

  /**
   * The alerts that lasted when the gateway stopped are on again, as AlertEngine does.
   *
   * @param epoch of the start that follows
   */
  resume(ruleSet: RuleSet, epoch: Epoch): void {
    for (const { rule, cause, severity, began } of this.#lasting.values()) {
      const since = onClockOf(epoch, began.epoch, began.t);
      ruleSet.watch(String(rule))?.resume(cause, { severity, since });
    }
  }

  /** @param versions whether the first two rules are versions of one */
  result(versions: boolean): Backtest {
    const found = [...this.#found];
    for (const one of this.#lasting.values()) this.#close(one, found);
    found.sort((a, b) => a.startedAt - b.startedAt);
    const us = this.#within(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const rules = this.#tallies.map((tally, i) => {
      const { rule, count, truncated, lasting, onSince } = tally;
      const rest = lasting > 0 ? this.#within(onSince, Number.POSITIVE_INFINITY) : 0;
      const onUs = tally.onUs + rest;
      return {
        rule: { id: rule.id, name: rule.name },
        alerts: found.filter((one) => one.rule === i).map(alertOf),
        truncated,
        totals: { count, onS: onUs / 1e6, share: us > 0 ? onUs / us : 0 },
      };
    });
    const [first, second] = rules;
    const both = versions && first && second;
    return {
      durationS: us / 1e6,
      rules,
      versions: both ? compare(first.alerts, second.alerts, this.#truncatedAt) : null,
    };
  }

  #start(
    { rule, cause, severity, evidence, t }: AlertChange & { kind: 'started' | 'escalated' },
    { epoch, shift, surroundings, streamsOf }: Leg,
  ): Found {
    const startedAt = t + shift;
    const given = this.#given < ALERTS_MAX;
    if (given) this.#given++;
    else this.#truncatedAt = Math.min(this.#truncatedAt, startedAt);
    const position = Number(rule.id);
    const tally = this.#tallies[position];
    if (tally && tally.lasting++ === 0) tally.onSince = startedAt;
    const found: Found = {
      ...{ rule: position, cause, severity, evidence, startedAt, began: { epoch, t }, given },
      ...{ endedAt: null, endedBy: null, readings: [] },
    };
    if (!given) return found;
    // Of a pattern, the stream that the alert is about.
    const streams = streamsOf(rule).map((id) => (isPattern(id) ? cause : id));
    surroundings.want(streams, t, (readings) => {
      found.readings = readings.map((one) => ({ ...one, t: one.t.map((time) => time + shift) }));
    });
    return found;
  }

  #end(found: Found, endedAt: number, by: AlertEnd): void {
    found.endedAt = endedAt;
    found.endedBy = by;
    const tally = this.#tallies[found.rule];
    if (tally && --tally.lasting === 0) tally.onUs += this.#within(tally.onSince, endedAt);
    this.#close(found, this.#found);
  }

  /** What was over when the session began, or began and ended while it paused, is none of it. */
  #close(found: Found, into: Found[]): void {
    const { rule, startedAt, endedAt, given } = found;
    const tally = this.#tallies[rule];
    const lasted = this.#within(startedAt, endedAt ?? Number.POSITIVE_INFINITY);
    const belongs = lasted > 0 || this.#includes(startedAt);
    if (!belongs && given) this.#given--;
    if (!belongs || !tally) return;
    tally.count++;
    if (given) into.push(found);
    else tally.truncated++;
  }

  #includes(time: number): boolean {
    return this.#stretches.some(({ at, from, to }) => time >= at && time < at + to - from);
  }

  /** Microseconds of the session between two times of its axis. */
  #within(begin: number, end: number): number {
    return this.#stretches.reduce((sum, { at, from, to }) => {
      return sum + Math.max(0, Math.min(end, at + to - from) - Math.max(begin, at));
    }, 0);
  }
}

function alertOf(found: Found): BacktestAlert {
  const { cause, severity, startedAt, endedAt, endedBy, evidence, readings } = found;
  const { stream, value, unit, text } = evidence;
  return { cause, severity, startedAt, endedAt, endedBy, stream, value, unit, text, readings };
}

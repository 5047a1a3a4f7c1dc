import type { AlertRule } from '#core/alert.ts';
import type { Stretch } from '#core/session.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import { GRACE_MS, TICK_MS } from '../pace.ts';
import { RuleSet } from '../watch/rule-set.ts';
import type { LocalTime } from '../watch/situation.ts';
import { BacktestClock, type StudyTime } from './clock.ts';
import { type Backtest, Findings } from './findings.ts';
import { leadUs } from './lead.ts';
import { Surroundings } from './surroundings.ts';

/**
 * Rules against what was recorded of a session, by the code that decides live: the readings in the
 * order in which they came, and timers looked at as often and with the same patience.
 *
 * Rules begin before the session, so that timers, cool-downs and what is known of the streams are at
 * its start as they were. Between two starts of the gateway everything is forgotten but the alerts
 * that lasted, which go on, as they did.
 */

/** Readings between two pauses: some 10 ms of work, 50 ms on a Raspberry Pi 4. */
const PIECE_READINGS = 10_000;

/** A reading, and when it came. */
export interface Came {
  readonly at: Micros;
  readonly reading: Reading;
}

export interface BacktestParts {
  /** They need not be enabled. */
  readonly rules: readonly AlertRule[];
  /** The first two are versions of one rule. */
  readonly versions: boolean;
  /** In the order of time, on the axis of the session. */
  readonly stretches: readonly Stretch[];
  readonly studies: readonly StudyTime[];
  readonly streamOf: (id: string) => Stream | undefined;
  /** Undefined where the wall clock of the epoch cannot be believed. */
  readonly localTime: (epoch: Stretch['epoch'], t: Micros) => LocalTime | undefined;
  /** What is stored of streams with these ids or patterns, in the order in which it came. */
  readonly readings: (stretch: Stretch, streams: ReadonlySet<string>) => Iterable<Came>;
}

/** Rules that begin together. */
interface Group {
  readonly rules: readonly AlertRule[];
  readonly leadUs: Micros;
}

/** Runs the rules over a session. The work is done between two steps; the last one returns. */
export function* backtest(parts: BacktestParts): Generator<undefined, Backtest> {
  const { rules, stretches, versions } = parts;
  const findings = new Findings(rules, stretches);
  const groups = groupsOf(parts);
  for (const leg of legsOf(stretches)) {
    for (const group of groups) yield* follow(parts, group, leg, findings);
  }
  return findings.result(versions);
}

/**
 * Few rules need all that there was since the gateway started, and these need few streams of it. Two
 * versions of a rule have the same id, so that rules go by their positions.
 */
function groupsOf({ rules, streamOf }: BacktestParts): Group[] {
  const led = rules.map((rule, i) => {
    return { rule: { ...rule, id: String(i), enabled: true }, us: leadUs(rule, streamOf) };
  });
  const groups = [
    led.filter(({ us }) => !Number.isFinite(us)),
    led.filter(({ us }) => Number.isFinite(us)),
  ];
  return groups
    .filter((group) => group.length > 0)
    .map((group) => ({
      rules: group.map(({ rule }) => rule),
      leadUs: group.reduce((most, { us }) => Math.max(most, us), 0),
    }));
}

/** The starts of the gateway. What is between two stretches of one is gone through as well. */
function legsOf(stretches: readonly Stretch[]): Stretch[] {
  const legs: Stretch[] = [];
  for (const stretch of stretches) {
    const before = legs.at(-1);
    if (before?.epoch.id !== stretch.epoch.id) legs.push(stretch);
    else legs.splice(-1, 1, { ...before, to: Math.max(before.to, stretch.to) });
  }
  return legs;
}

function* follow(
  parts: BacktestParts,
  group: Group,
  leg: Stretch,
  findings: Findings,
): Generator<undefined> {
  const { epoch } = leg;
  const from = Math.max(0, leg.from - group.leadUs);
  const studies = parts.studies.filter((study) => study.epoch === epoch.id);
  const clock = new BacktestClock(studies, (t) => parts.localTime(epoch, t), from);
  const ruleSet = new RuleSet(clock.situation, parts.streamOf);
  const surroundings = new Surroundings();
  const streamsOf = ({ id }: AlertRule): readonly string[] => ruleSet.watch(id)?.streams ?? [];
  const source = { epoch, shift: leg.at - leg.from, surroundings, streamsOf };
  const look = (t: Micros): void => {
    for (let change = clock.next(t); change !== undefined; change = clock.next(t)) {
      findings.take(ruleSet.advance(change), source);
      clock.moveTo(change);
      findings.take(ruleSet.advance(change), source);
    }
    if (t >= ruleSet.dueAt) findings.take(ruleSet.advance(t), source);
  };
  findings.take(ruleSet.set(group.rules, from), source);
  findings.resume(ruleSet, epoch);
  let nextLook = from;
  let left = PIECE_READINGS;
  const streams = new Set(group.rules.flatMap(streamsOf));
  for (const { at, reading } of parts.readings({ ...leg, from }, streams)) {
    if (at >= nextLook) {
      nextLook = at + TICK_MS * 1000;
      look(at - GRACE_MS * 1000);
      surroundings.settle(at);
    }
    const changes = ruleSet.take(reading);
    if (changes.length > 0) findings.take(changes, source);
    if (reading.kind === 'sample') surroundings.add(reading);
    if (--left > 0) continue;
    left = PIECE_READINGS;
    yield;
  }
  // The end is exclusive: what is due just then is not of it any more.
  look(leg.to - 1);
  surroundings.settle(Number.POSITIVE_INFINITY);
}

/**
 * Rules over readings as the engine follows them live, and what a car may say that gives them work:
 * values around thresholds, silence, flicker, codes that come and go.
 */
import type { Alert, AlertChange, AlertRule } from '#core/alert.ts';
import { type Epoch, onClockOf } from '#core/clock.ts';
import { FATIGUE_LEVEL, sourceStream } from '#core/gateway-streams.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import { AlertBook } from '../../src/alerts/book.ts';
import { GRACE_MS, TICK_MS } from '../../src/alerts/pace.ts';
import { RuleSet } from '../../src/alerts/watch/rule-set.ts';
import type { Situation } from '../../src/alerts/watch/situation.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { MemoryRecords } from './alert-fixture.ts';

const GRACE_US = GRACE_MS * 1000;

const sample = (id: string, unit: string, hz: number): Stream => {
  return { id, name: id, unit, range: [-1e6, 1e6], hz, kind: 'sample' };
};
export const COOLANT = sample('obd.engine.coolant', 'Cel', 1);
export const SPEED = sample('obd.vehicle.speed', 'km/h', 2);
export const CODES: Stream = { ...sample('obd.dtc', '1', 0), kind: 'event' };
export const SOURCES = [sourceStream('obd'), sourceStream('eeg')];
export const STREAMS: readonly Stream[] = [COOLANT, SPEED, CODES, FATIGUE_LEVEL, ...SOURCES];

const USUAL = {
  ...{ holdMs: 0, cooldownMs: 0, severity: 'info' as const, escalate: [], while: {}, actions: [] },
  enabled: true,
};
const speed = (op: '>' | '<', value: number) => ({ stream: SPEED.id, when: { op, value } });

/** Rules of every kind. */
export const RULES: readonly AlertRule[] = [
  {
    ...{ ...USUAL, id: 'hot', name: 'Hot', holdMs: 2_500, cooldownMs: 7_000 },
    ...{ stream: COOLANT.id, when: { op: '>', value: 100, clear: 99 } },
    escalate: [{ value: 103, afterMs: 20_000, severity: 'alarm' }],
  },
  { ...USUAL, id: 'edge', name: 'Edge', stream: COOLANT.id, when: { op: '>', value: 100 } },
  {
    ...{ ...USUAL, id: 'rate', name: 'Rate', stream: SPEED.id },
    when: { op: 'rate>', value: 2, windowS: 3 },
    while: { moving: true },
  },
  { ...USUAL, id: 'stale', name: 'Stale', stream: SPEED.id, when: { op: 'stale', value: 5.5 } },
  {
    ...{ ...USUAL, id: 'codes', name: 'Codes', stream: CODES.id },
    when: { op: 'event', match: { on: true }, key: ['code'], until: { on: false } },
  },
  {
    ...{ ...USUAL, id: 'count', name: 'Count', stream: CODES.id },
    when: { op: 'count', value: 3, windowS: 30 },
  },
  {
    ...{ ...USUAL, id: 'all', name: 'All', holdMs: 1_000 },
    all: [speed('>', 20), { not: [{ stream: COOLANT.id, when: { op: '>', value: 101 } }] }],
  },
  {
    ...{ ...USUAL, id: 'lost', name: 'Lost', holdMs: 3_000 },
    ...{ stream: 'gateway.source.*', when: { op: '<', value: 1.5 } },
  },
];

/** What comes within so many seconds of a start, in order; times are whole milliseconds. */
export function drive(seed: number, seconds: number): Reading[] {
  const random = seededRandom(seed);
  const all = [
    ...coolantOf(random, seconds),
    ...speedOf(random, seconds),
    ...codesOf(random, seconds),
    ...SOURCES.flatMap((stream) => [...stateOf(stream, random, seconds)]),
  ];
  return all.sort((a, b) => a.t - b.t);
}

type Random = () => number;

function at(s: number, random: Random): Micros {
  return Math.round(s * 1000 + random() * 80) * 1000;
}

/** Goes up and down around the threshold. */
function* coolantOf(random: Random, seconds: number): Generator<Reading> {
  let v = 99;
  for (let s = 0; s < seconds; s++) {
    v = Math.min(105, Math.max(95, v + Math.round(random() * 4 - 2) / 2));
    yield { kind: 'sample', stream: COOLANT, t: at(s, random), v };
  }
}

/** With pauses of up to a minute and a half. */
function* speedOf(random: Random, seconds: number): Generator<Reading> {
  let v = 30;
  for (let s = 0; s < seconds; s += 0.5) {
    if (random() < 0.005) s += 90 * random();
    v = Math.max(0, v + Math.round(random() * 10 - 5));
    yield { kind: 'sample', stream: SPEED, t: at(s, random), v };
  }
}

function* codesOf(random: Random, seconds: number): Generator<Reading> {
  for (let s = 0; s < seconds; s += 1 + 30 * random()) {
    const data = { code: `P030${Math.floor(random() * 3)}`, on: random() < 0.6 };
    yield { kind: 'event', stream: CODES, t: at(s, random), data };
  }
}

/** Every 10 s and at changes. */
function* stateOf(stream: Stream, random: Random, seconds: number): Generator<Reading> {
  for (let s = 0; s < seconds; s++) {
    if (s % 10 !== 0 && random() > 0.04) continue;
    yield { kind: 'sample', stream, t: at(s, random), v: random() < 0.3 ? 1 : 2 };
  }
}

/** One start of the gateway, from its time 0. */
export interface Start {
  readonly epoch: Epoch;
  readonly readings: readonly Reading[];
  /** Exclusive. */
  readonly end: Micros;
}

/** Everything that the rules found, oldest first. */
export async function liveAlerts(
  rules: readonly AlertRule[],
  starts: readonly Start[],
  situation: Situation = { localTime: () => undefined, studies: new Set() },
): Promise<readonly Alert[]> {
  const records = new MemoryRecords<string, Alert>();
  const epochs = starts.map(({ epoch }) => epoch);
  for (const start of starts) {
    const clock = { now: 0 };
    const options = {
      epoch: start.epoch.id,
      now: () => clock.now,
      emit: () => {},
      notify: () => [],
    };
    const book = new AlertBook(records, options);
    follow(book, new RuleSet(situation, streamOf), { rules, epochs, start, clock });
    await book.flush();
  }
  return records.list();
}

function streamOf(id: string): Stream | undefined {
  return STREAMS.find((stream) => stream.id === id);
}

interface Following {
  readonly rules: readonly AlertRule[];
  /** Of all starts. */
  readonly epochs: readonly Epoch[];
  readonly start: Start;
  readonly clock: { now: Micros };
}

/** Readings as they come, and a look at the timers every 100 ms. */
function follow(
  book: AlertBook,
  ruleSet: RuleSet,
  { rules, epochs, start, clock }: Following,
): void {
  const take = (changes: readonly AlertChange[]): void => {
    for (const change of changes) book.take(change);
  };
  take(ruleSet.set(rules, 0));
  for (const { rule, cause, severity, startedAt } of book.load()) {
    const began = epochs.find(({ id }) => id === startedAt.epoch);
    const since = began && onClockOf(start.epoch, began, startedAt.t);
    ruleSet.watch(rule.id)?.resume(cause, { severity, since });
  }
  const coming = start.readings.values();
  let next = coming.next().value;
  for (; clock.now < start.end; clock.now += TICK_MS * 1000) {
    for (; next && next.t <= clock.now; next = coming.next().value) take(ruleSet.take(next));
    if (clock.now - GRACE_US >= ruleSet.dueAt) take(ruleSet.advance(clock.now - GRACE_US));
  }
  for (; next && next.t < start.end; next = coming.next().value) take(ruleSet.take(next));
  take(ruleSet.advance(start.end - 1));
}

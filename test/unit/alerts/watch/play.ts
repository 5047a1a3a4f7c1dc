import type { AlertChange, AlertRule, Condition } from '#core/alert.ts';
import type { Json, Reading, Stream } from '#core/stream.ts';
import { compile } from '../../../../src/alerts/watch/program.ts';
import type { Situation } from '../../../../src/alerts/watch/situation.ts';
import { type RuleState, unbegun } from '../../../../src/alerts/watch/state.ts';
import { type Input, step } from '../../../../src/alerts/watch/step.ts';

/** Rules played through in seconds, for tests. */

export function stream(id: string, more: Partial<Stream> = {}): Stream {
  return { id, name: id, unit: 'Cel', range: [-1000, 1000], hz: 1, kind: 'sample', ...more };
}

export const STREAMS: Readonly<Record<string, Stream>> = Object.fromEntries(
  [
    stream('a'),
    stream('b'),
    stream('rare', { hz: 0.01 }),
    stream('still', { hz: 0 }),
    stream('dtc', { kind: 'event', unit: '1', hz: 0 }),
    stream('face', { kind: 'event', unit: '1', hz: 1 }),
    stream('gps', { kind: 'event', unit: '1', hz: 1 }),
    stream('eeg', { kind: 'wave', unit: 'uV', hz: 4, lsb: 0.5 }),
    stream('part.x'),
    stream('part.y'),
    stream('obd.vehicle.speed', { unit: 'km/h' }),
    stream('obd.ignition', { unit: '1' }),
  ].map((one) => [one.id, one]),
);

type Terms = Omit<AlertRule, keyof Condition>;

export function rule(condition: Condition, terms: Partial<Terms> = {}): AlertRule {
  return {
    ...{ id: 'test', name: 'Test', holdMs: 0, cooldownMs: 0, severity: 'warn', escalate: [] },
    ...{ while: {}, actions: [], enabled: true },
    ...terms,
    ...condition,
  };
}

/** Seconds; a stream and what it brought, or null where only time goes by. */
export type Line =
  | readonly [s: number, id: string, what: number | { readonly [key: string]: Json }]
  | readonly [s: number, id: null];

export const ANYTIME: Situation = { localTime: () => undefined, studies: new Set() };

export function inputOf(line: Line): Input {
  const t = Math.round(line[0] * 1e6);
  if (line[1] === null) return { kind: 'advance', t };
  return { kind: 'reading', reading: readingOf(t, line[1], line[2]) };
}

export function readingOf(
  t: number,
  id: string,
  what: number | { readonly [key: string]: Json },
): Reading {
  const of = STREAMS[id] ?? stream(id);
  if (typeof what === 'number') return { kind: 'sample', stream: of, t, v: what };
  return { kind: 'event', stream: of, t, data: what };
}

export interface Played {
  readonly state: RuleState;
  readonly changes: readonly AlertChange[];
  /** As `started 3 warn`, `x escalated 5 alarm` with a cause, `ended 7 cleared`. */
  readonly told: readonly string[];
}

/** From an `advance` to second 0 on. */
export function play(
  of: AlertRule,
  lines: readonly Line[],
  situation: Situation = ANYTIME,
): Played {
  return playInputs(of, [[0, null] as const, ...lines].map(inputOf), situation);
}

export function playInputs(
  of: AlertRule,
  inputs: readonly Input[],
  situation: Situation = ANYTIME,
): Played {
  const program = compile(of, (id) => STREAMS[id]);
  let state = unbegun(program);
  const changes: AlertChange[] = [];
  for (const input of inputs) {
    const next = step(program, state, input, situation);
    state = next.state;
    changes.push(...next.changes);
  }
  return { state, changes, told: changes.map(written) };
}

export function written(change: AlertChange): string {
  const cause = change.cause === '' ? '' : `${change.cause} `;
  const how = change.kind === 'ended' ? change.by : change.severity;
  return `${cause}${change.kind} ${change.t / 1e6} ${how}`;
}

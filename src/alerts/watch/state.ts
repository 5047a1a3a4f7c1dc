import type { AlertChange } from '#core/alert.ts';
import type { Micros } from '#core/stream.ts';
import type { Leaf } from './comparison.ts';
import { NEVER } from './due.ts';
import { type Life, UNBORN } from './machine.ts';
import type { Program } from './program.ts';
import type { Situation } from './situation.ts';

/** What a rule knows at a moment. Nothing of it ever changes: a step makes a new one. */
export interface RuleState {
  /** The largest time of a reading or of a timer that the rule has got to; -Infinity before any. */
  readonly clock: Micros;
  /** When time alone changes something; always later than `clock`. */
  readonly dueAt: Micros;
  /** What is known of each comparison of the program, in its order. */
  readonly leaves: readonly Leaf[];
  readonly causes: readonly Cause[];
  /** What else has to be so; true where the rule does not ask. */
  readonly inStudy: boolean;
  readonly inSchedule: boolean;
  /** When the schedule is to be looked at again; Infinity where there is none. */
  readonly scheduleDueAt: Micros;
  readonly counts: Counts;
}

export interface Cause {
  readonly key: string;
  /** The comparison of this cause, where each has its own. */
  readonly leaf: Leaf | undefined;
  readonly life: Life;
}

export interface Counts {
  /** Readings older than the last one of their stream. */
  readonly late: number;
  /** Readings without the number or the place on earth that is needed. */
  readonly notFinite: number;
  /** Readings of a cause above CAUSES_MAX. */
  readonly refused: number;
  /** Alerts that a storm made into a long one. */
  readonly latched: number;
}

/** What goes along with one step. */
export interface Context {
  readonly program: Program;
  readonly situation: Situation;
  /** What the step has to say, in order. */
  readonly changes: AlertChange[];
  /** What the step counts, each at most once. */
  readonly counted: Set<keyof Counts>;
}

const NO_COUNTS: Counts = { late: 0, notFinite: 0, refused: 0, latched: 0 };

/** Before the first input, with which a rule begins. */
export function unbegun({ causes, rule }: Program): RuleState {
  return {
    clock: -NEVER,
    dueAt: -NEVER,
    leaves: [],
    causes: causes === 'one' ? [{ key: '', leaf: undefined, life: UNBORN }] : [],
    inStudy: true,
    inSchedule: true,
    scheduleDueAt: rule.while.schedule ? -NEVER : NEVER,
    counts: NO_COUNTS,
  };
}

export function isBegun({ clock }: RuleState): boolean {
  return clock > -NEVER;
}

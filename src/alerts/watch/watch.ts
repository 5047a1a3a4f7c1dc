import type { AlertChange, AlertRule, Severity } from '#core/alert.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import { acknowledged } from './machine.ts';
import { compile, type Program, streamsOf } from './program.ts';
import { withResumed } from './resume.ts';
import type { Situation } from './situation.ts';
import { type Counts, isBegun, type RuleState, unbegun } from './state.ts';
import { step } from './step.ts';

type StreamOf = (id: string) => Stream | undefined;

/** One rule as it is followed: the pure `step`, and the state that it has got to. */
export class RuleWatch {
  /** Ids and patterns of the streams that it needs. */
  readonly streams: readonly string[];
  #program: Program;
  #state: RuleState;

  constructor(rule: AlertRule, streamOf: StreamOf) {
    this.#program = compile(rule, streamOf);
    this.streams = streamsOf(this.#program);
    this.#state = unbegun(this.#program);
  }

  get rule(): AlertRule {
    return this.#program.rule;
  }

  /** When time alone changes something: Infinity for never, -Infinity before the first input. */
  get dueAt(): Micros {
    return this.#state.dueAt;
  }

  get counters(): Counts {
    return this.#state.counts;
  }

  /** Takes up a rule that decides as this one, and goes on with what is known. */
  adopt(rule: AlertRule): void {
    this.#program = { ...this.#program, rule };
  }

  /** Takes a reading of one of its streams. */
  take(reading: Reading, situation: Situation): readonly AlertChange[] {
    const next = step(this.#program, this.#state, { kind: 'reading', reading }, situation);
    this.#state = next.state;
    return next.changes;
  }

  /** Does all that is due up to `t`. */
  advance(t: Micros, situation: Situation): readonly AlertChange[] {
    const next = step(this.#program, this.#state, { kind: 'advance', t }, situation);
    this.#state = next.state;
    return next.changes;
  }

  /** Whether a session was opened or closed that its `while` asks for. */
  isOutdated({ studies }: Situation): boolean {
    const { study } = this.rule.while;
    return study !== undefined && studies.has(study) !== this.#state.inStudy;
  }

  /** The rule does not count any more: what lasts ends. */
  stop(t: Micros): readonly AlertChange[] {
    const { causes, clock } = this.#state;
    const at = Math.max(t, clock);
    const ends = causes
      .filter(({ life }) => life.phase === 'active')
      .map(
        ({ key }) =>
          ({ rule: this.rule, cause: key, t: at, kind: 'ended', by: 'changed' }) as const,
      );
    this.#state = unbegun(this.#program);
    return ends;
  }

  /**
   * Takes up an alert that was on before a restart, in a rule that has begun. It goes on until its
   * streams were heard again, or until they would not be believed any more without a reading.
   *
   * @param since when it began, on the clock of this start; undefined where nobody knows how long ago
   *   that is: then escalation by time begins anew
   * @returns false where the rule has no such cause
   */
  resume(
    cause: string,
    { severity, since }: { readonly severity: Severity; readonly since: Micros | undefined },
  ): boolean {
    if (!isBegun(this.#state)) throw new Error(`rule ${this.rule.id} has not begun`);
    const { clock } = this.#state;
    const alert = { severity, countedUs: Math.max(0, clock - (since ?? clock)) };
    const next = withResumed(this.#program, this.#state, cause, alert);
    this.#state = next ?? this.#state;
    return next !== undefined;
  }

  /** Somebody has seen the alert: it does not escalate by time any more. */
  acknowledged(cause: string): void {
    const { clock, causes } = this.#state;
    this.#state = {
      ...this.#state,
      causes: causes.map((one) =>
        one.key === cause ? { ...one, life: acknowledged(one.life, clock) } : one,
      ),
    };
  }
}

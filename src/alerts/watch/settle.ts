import type { Micros } from '#core/stream.ts';
import type { Leaf } from './comparison.ts';
import { both, opposite, reasonsOf, type Truth, truthOf } from './condition.ts';
import { NEVER } from './due.ts';
import { evidenceOf } from './evidence.ts';
import { type Finding, higher, turn } from './machine.ts';
import type { Program } from './program.ts';
import { inSchedule } from './schedule.ts';
import type { Cause, Context, RuleState } from './state.ts';
import { exceeds } from './threshold.ts';

/**
 * What follows at a moment from what is known then: each cause has its turn, and what it has to say
 * is a change.
 */

const MINUTE_US = 60_000_000;

/** @param at no earlier than the clock, and no later than `dueAt` */
export function settled(context: Context, state: RuleState, at: Micros): RuleState {
  const now = situated(context, { ...state, clock: at }, at);
  const gate = gateOf(context.program, now);
  const causes = mapped(now.causes, (cause) => turned(context, now, cause, gate));
  return { ...now, causes, dueAt: dueOf(now, causes) };
}

/** Whether a session of the study that the rule asks for is open. */
export function isStudied({ program, situation }: Context): boolean {
  const { study } = program.rule.while;
  return study === undefined || situation.studies.has(study);
}

/**
 * The schedule is looked at with each new minute of the local time, so that it does not matter how
 * that jumps. While the wall clock cannot be believed the rule counts.
 */
function situated(context: Context, state: RuleState, at: Micros): RuleState {
  const { program, situation } = context;
  const { schedule } = program.rule.while;
  const inStudy = isStudied(context);
  if (schedule === undefined || at < state.scheduleDueAt) return { ...state, inStudy };
  const local = situation.localTime(at);
  const pauseUs = local ? Math.max(1, Math.ceil(local.msToNextMinute * 1000)) : MINUTE_US;
  return {
    ...state,
    inStudy,
    inSchedule: local === undefined || inSchedule(schedule, local),
    scheduleDueAt: at + pauseUs,
  };
}

function gateOf({ gates }: Program, { inStudy, inSchedule, leaves }: RuleState): Truth {
  return gates.reduce<Truth>((truth, { spec, wants }) => {
    const known = leaves[spec]?.truth;
    return both(truth, wants ? known : opposite(known));
  }, inStudy && inSchedule);
}

function turned(context: Context, state: RuleState, cause: Cause, gate: Truth): Cause {
  const { program } = context;
  const { clock: t } = state;
  const leaves = cause.leaf ? [cause.leaf] : state.leaves;
  const truth = both(truthOf(program.root, leaves), gate);
  if (truth !== true && cause.life.phase === 'idle') return cause;
  const finding = foundOf(program, leaves, truth);
  const { life, news } = turn(program.terms, cause.life, finding, t);
  if (life === cause.life) return cause;
  if (news) {
    const head = { rule: program.rule, cause: cause.key, t };
    if (news.kind === 'ended') context.changes.push({ ...head, ...news });
    else {
      const evidence = evidenceOf(program, state.leaves, leaves);
      context.changes.push({ ...head, ...news, evidence });
      if (news.kind === 'started' && life.phase === 'active' && life.latched) {
        context.counted.add('latched');
      }
    }
  }
  return { ...cause, life };
}

function foundOf(program: Program, leaves: readonly Leaf[], truth: Truth): Finding {
  const { rule, root, byValue, specs } = program;
  if (truth !== true) return { truth, firm: false, severity: rule.severity };
  const firm =
    typeof root === 'number'
      ? leaves[root]?.firm === true
      : reasonsOf(root, leaves).some((i) => leaves[i]?.firm);
  const value = leaves[0]?.value;
  const when = specs[0]?.comparison.when;
  if (byValue.length === 0 || value == null || when === undefined) {
    return { truth, firm, severity: rule.severity };
  }
  const severity = byValue.reduce(
    (most, step) => (exceeds(when, value, step.limit) ? higher(most, step.severity) : most),
    rule.severity,
  );
  return { truth, firm, severity };
}

function dueOf({ leaves, scheduleDueAt }: RuleState, causes: readonly Cause[]): Micros {
  let due = scheduleDueAt;
  for (const leaf of leaves) due = Math.min(due, leaf.dueAt);
  for (const { leaf, life } of causes) due = Math.min(due, life.dueAt, leaf?.dueAt ?? NEVER);
  return due;
}

/** The same list where nothing of it is otherwise. */
export function mapped<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  let next: T[] | undefined;
  for (const [i, item] of list.entries()) {
    const other = change(item);
    if (other === item) continue;
    next ??= [...list];
    next[i] = other;
  }
  return next ?? list;
}

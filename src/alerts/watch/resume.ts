import type { Severity } from '#core/alert.ts';
import { covers, type Micros } from '#core/stream.ts';
import { assumed, type Leaf, unheard } from './comparison.ts';
import type { Node } from './condition.ts';
import { resumed } from './machine.ts';
import { graceUs, type Program } from './program.ts';
import type { RuleState } from './state.ts';

/**
 * Takes up an alert that was on before a restart. Its comparisons are taken to last, so that values
 * between their thresholds do not end it; but they are unknown until they are heard, which for so
 * long as their streams would be believed ends it no more.
 *
 * @param countedUs how long it has lasted, as escalation by time counts
 * @returns undefined where the rule has no such cause
 */
export function withResumed(
  program: Program,
  state: RuleState,
  key: string,
  alert: { readonly severity: Severity; readonly countedUs: number },
): RuleState | undefined {
  const { clock } = state;
  if (!isCause(program, key)) return undefined;
  const known = state.causes.find((cause) => cause.key === key);
  if (known?.life.phase === 'active') return state;
  const forUs = graceUs(program);
  const leaves = believed(program, state.leaves, clock, forUs);
  const life = resumed(alert, clock, clock + forUs);
  const leaf = program.causes === 'one' ? undefined : ownLeaf(program, clock, forUs);
  const others = state.causes.filter((cause) => cause !== known);
  const dues = [...leaves.map(({ dueAt }) => dueAt), life.dueAt, leaf?.dueAt ?? state.dueAt];
  return {
    ...state,
    leaves,
    causes: [...others, { key, leaf, life }],
    dueAt: Math.min(state.dueAt, ...dues),
  };
}

function isCause({ causes, specs }: Program, key: string): boolean {
  const [spec] = specs;
  switch (causes) {
    case 'one':
      return key === '';
    case 'stream':
      return spec !== undefined && covers(spec.comparison.stream, key);
    case 'key':
      return key !== '';
  }
}

function ownLeaf({ specs }: Program, at: Micros, forUs: number): Leaf | undefined {
  const [spec] = specs;
  return spec && assumed(spec, unheard(spec, at), at, forUs);
}

/** What has to be for the alert to be on. One of an `any` is believed as well as another. */
function believed(
  { specs, root, gates, causes }: Program,
  leaves: readonly Leaf[],
  at: Micros,
  forUs: number,
): readonly Leaf[] {
  const wanted = new Set([
    ...(causes === 'one' ? wantedOf(root, true) : []),
    ...gates.filter(({ wants }) => wants).map(({ spec }) => spec),
  ]);
  return leaves.map((leaf, i) => {
    const spec = specs[i];
    // What was heard since the restart is known better.
    if (spec === undefined || !wanted.has(i) || leaf.stream !== undefined) return leaf;
    return assumed(spec, leaf, at, forUs);
  });
}

function wantedOf(node: Node, truth: boolean): readonly number[] {
  if (typeof node === 'number') return truth ? [node] : [];
  const wanted = node.kind === 'not' ? !truth : truth;
  return node.of.flatMap((part) => wantedOf(part, wanted));
}

import type { AlertChange } from '#core/alert.ts';
import type { Micros, Reading } from '#core/stream.ts';
import { listened, ofKeys, ofStreams } from './causes.ts';
import { aged, type Heard, type Leaf, unheard } from './comparison.ts';
import type { Program } from './program.ts';
import { isStudied, mapped, settled } from './settle.ts';
import type { Situation } from './situation.ts';
import { type Cause, type Context, type Counts, isBegun, type RuleState } from './state.ts';

/**
 * A rule over time, as a pure function: state and input in, state and changes out. Live and in a
 * backtest it is the same one, and it gives the same changes at the same times however often and
 * however late it is asked:
 *
 *   - Its time is that of the readings. The clock is the largest time of a reading or of a timer that
 *     it has got to; a reading older than that counts as if it came now.
 *   - A timer counts to its own time. Before a reading of time t, all timers up to t are due, in order.
 *   - A reading older than the last one of its stream says nothing new, and nor does one without a
 *     finite number where one is needed: both are counted, and otherwise left alone.
 *   - `advance` does what is due, and moves nothing where nothing is.
 */
export type Input =
  | { readonly kind: 'reading'; readonly reading: Reading }
  | { readonly kind: 'advance'; readonly t: Micros };

export interface Step {
  readonly state: RuleState;
  readonly changes: readonly AlertChange[];
}

export function step(program: Program, state: RuleState, input: Input, situation: Situation): Step {
  const context: Context = { program, situation, changes: [], counted: new Set() };
  const { changes, counted } = context;
  const t = input.kind === 'reading' ? input.reading.t : input.t;
  const begun = isBegun(state) ? state : begin(context, state, t);
  const next =
    input.kind === 'reading'
      ? taken(context, begun, input.reading)
      : studied(context, caughtUp(context, begun, t), t);
  return { state: withCounts(next, counted), changes };
}

function begin(context: Context, state: RuleState, t: Micros): RuleState {
  const leaves = context.program.specs.map((spec) => unheard(spec, t));
  return settled(context, { ...state, leaves }, t);
}

/** Whatever time alone changes up to `t`, each at its own time. */
function caughtUp(context: Context, state: RuleState, t: Micros): RuleState {
  let next = state;
  while (next.dueAt <= t) {
    const at = next.dueAt;
    next = settled(context, agedAt(context, next, at), at);
    if (next.dueAt <= at) throw new Error(`rule ${context.program.rule.id} stays due at ${at}`);
  }
  return next;
}

function agedAt({ program }: Context, state: RuleState, at: Micros): RuleState {
  const { specs } = program;
  const leaves = state.leaves.map((leaf, i) => {
    const spec = specs[i];
    return spec && leaf.dueAt <= at ? aged(spec, leaf, at) : leaf;
  });
  const [own] = specs;
  const causes = mapped(state.causes, (cause): Cause => {
    const { leaf } = cause;
    return own && leaf && leaf.dueAt <= at ? { ...cause, leaf: aged(own, leaf, at) } : cause;
  });
  return { ...state, leaves, causes };
}

/** A session that was opened or closed has no time of its own: it is noticed at the next look. */
function studied(context: Context, state: RuleState, t: Micros): RuleState {
  if (isStudied(context) === state.inStudy) return state;
  return settled(context, state, Math.max(state.clock, t));
}

function taken(context: Context, state: RuleState, reading: Reading): RuleState {
  const { stream, t } = reading;
  switch (reading.kind) {
    case 'sample':
      return told(context, state, { stream, t, v: reading.v, data: undefined });
    case 'event':
      return told(context, state, { stream, t, v: null, data: reading.data });
    case 'frame':
      return told(context, state, { stream, t, v: null, data: undefined });
    case 'wave': {
      const { v, hz } = reading;
      const { lsb = 1 } = stream;
      let next = state;
      for (let i = 0; i < v.length; i++) {
        const at = t + Math.round((i * 1e6) / hz);
        next = told(context, next, { stream, t: at, v: (v[i] ?? 0) * lsb, data: undefined });
      }
      return next;
    }
  }
}

/** One value or event: first what was due before it, then what follows from it. */
function told(context: Context, before: RuleState, reading: Heard): RuleState {
  const state = caughtUp(context, before, reading.t);
  const at = Math.max(state.clock, reading.t);
  const leaves = heardLeaves(context, state.leaves, reading, at);
  const causes = heardCauses(context, state, { reading, at, isNew: leaves !== state.leaves });
  if (leaves === state.leaves && causes === state.causes) return state;
  return settled(context, { ...state, leaves, causes }, at);
}

function heardLeaves(
  context: Context,
  leaves: readonly Leaf[],
  reading: Heard,
  at: Micros,
): readonly Leaf[] {
  const { specs, listeners } = context.program;
  let next: Leaf[] | undefined;
  for (const i of listeners.get(reading.stream.id) ?? []) {
    const spec = specs[i];
    const leaf = leaves[i];
    const heard = spec && leaf && listened(context, spec, leaf, { reading, at });
    if (heard === undefined) continue;
    next ??= [...leaves];
    next[i] = heard;
  }
  return next ?? leaves;
}

/** @param isNew whether the comparisons took it: one that is late for them is so for the causes */
function heardCauses(
  context: Context,
  { causes }: RuleState,
  { reading, at, isNew }: { readonly reading: Heard; readonly at: Micros; readonly isNew: boolean },
): readonly Cause[] {
  switch (context.program.causes) {
    case 'one':
      return causes;
    case 'stream':
      return ofStreams(context, causes, reading, at);
    case 'key': {
      const [first] = context.program.specs;
      const about = first?.comparison.stream === reading.stream.id;
      return isNew && about ? ofKeys(context, causes, reading, at) : causes;
    }
  }
}

function withCounts(state: RuleState, counted: ReadonlySet<keyof Counts>): RuleState {
  if (counted.size === 0) return state;
  const one = (name: keyof Counts): number => state.counts[name] + (counted.has(name) ? 1 : 0);
  return {
    ...state,
    counts: {
      late: one('late'),
      notFinite: one('notFinite'),
      refused: one('refused'),
      latched: one('latched'),
    },
  };
}

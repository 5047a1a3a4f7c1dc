import { covers, type Event, type Json, type Micros } from '#core/stream.ts';
import { type Heard, heard, type Leaf, refreshed, type Spec, unheard } from './comparison.ts';
import { isForgettable, UNBORN } from './machine.ts';
import type { Program } from './program.ts';
import type { Cause, Context } from './state.ts';

/**
 * The causes of a rule that has one for each stream of a pattern, or for each value of an event's
 * key. They come with the first reading that is about them, and stay until their place is needed.
 */

/** Of one rule; what more there would be is refused and counted. */
export const CAUSES_MAX = 64;
/** Of a cause's name; what is longer is cut, and alike from there on is then the same cause. */
const CAUSE_CHARS_MAX = 120;

/** What a comparison makes of a reading: undefined, and counted, where it is late or of no use. */
export function listened(
  context: Context,
  spec: Spec,
  leaf: Leaf,
  { reading, at }: { readonly reading: Heard; readonly at: Micros },
): Leaf | undefined {
  if (reading.t < leaf.seenAt) {
    context.counted.add('late');
    return undefined;
  }
  const next = heard(spec, leaf, reading, at);
  if (next === undefined) context.counted.add('notFinite');
  return next;
}

/** With a reading of one of the streams of a pattern. */
export function ofStreams(
  context: Context,
  causes: readonly Cause[],
  reading: Heard,
  at: Micros,
): readonly Cause[] {
  const { program } = context;
  const [spec] = program.specs;
  const { id } = reading.stream;
  if (spec === undefined || !covers(spec.comparison.stream, id)) return causes;
  const index = causes.findIndex(({ key }) => key === id);
  const known = causes[index];
  const leaf = listened(context, spec, known?.leaf ?? unheard(spec, at), { reading, at });
  if (leaf === undefined) return causes;
  if (known) return causes.with(index, { ...known, leaf });
  return withCause(context, causes, { key: id, leaf, life: UNBORN }, at);
}

/** With an event of a rule that has a cause for each value of its key. It is known not to be late. */
export function ofKeys(
  context: Context,
  causes: readonly Cause[],
  reading: Heard,
  at: Micros,
): readonly Cause[] {
  const { program } = context;
  const [spec] = program.specs;
  const { data } = reading;
  if (spec === undefined || data === undefined) return causes;
  const key = keyOf(program, data);
  const next = causes.map((cause) => {
    const hear = cause.key === key ? heard : refreshed;
    return { ...cause, leaf: cause.leaf && hear(spec, cause.leaf, reading, at) };
  });
  if (causes.some((cause) => cause.key === key)) return next;
  const leaf = heard(spec, unheard(spec, at), reading, at);
  if (!leaf?.truth) return next;
  return withCause(context, next, { key, leaf, life: UNBORN }, at);
}

function withCause(
  context: Context,
  causes: readonly Cause[],
  cause: Cause,
  at: Micros,
): readonly Cause[] {
  if (causes.length < CAUSES_MAX) return [...causes, cause];
  const needed = causes.filter(({ leaf, life }) => leaf?.truth || !isForgettable(life, at));
  if (needed.length < CAUSES_MAX) return [...needed, cause];
  context.counted.add('refused');
  return causes;
}

/** The values of the key's fields. */
function keyOf({ key }: Program, data: Event['data']): string {
  return key
    .map((field) => text(data[field]))
    .join(' ')
    .slice(0, CAUSE_CHARS_MAX);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

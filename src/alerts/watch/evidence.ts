import { EVIDENCE_MAX, type Evidence, type When } from '#core/alert.ts';
import { alertText } from '../rule/words.ts';
import type { Leaf } from './comparison.ts';
import { reasonsOf } from './condition.ts';
import type { Program } from './program.ts';

/**
 * What a rule saw when it decided. Of several comparisons the first tells that is beyond its
 * threshold: one that only lasts says less of why there is an alert now.
 *
 * @param all of the program; what its `while` asks is among them
 * @param own of the cause; the same where the rule has just one cause
 */
export function evidenceOf(program: Program, all: readonly Leaf[], own: readonly Leaf[]): Evidence {
  const reasons = reasonsOf(program.root, own);
  const decided = reasons.find((i) => own[i]?.firm) ?? reasons[0] ?? -1;
  const leaf = own[decided];
  const comparison = program.specs[decided]?.comparison;
  const stream = leaf?.stream ?? (comparison && program.streamOf(comparison.stream));
  const value = comparison && hasValue(comparison.when) ? (leaf?.value ?? null) : null;
  return {
    stream: stream?.id ?? comparison?.stream ?? null,
    value,
    unit: comparison && value !== null ? unitOf(comparison.when, stream?.unit ?? '1') : null,
    readings: readingsOf([...own, ...all]),
    text: alertText(comparison, leaf?.value ?? null, stream, leaf?.data),
  };
}

function readingsOf(leaves: readonly Leaf[]): Evidence['readings'] {
  const newest = new Map<string, Evidence['readings'][number]>();
  for (const { stream, seenAt, last } of leaves) {
    if (stream && !newest.has(stream.id))
      newest.set(stream.id, { stream: stream.id, t: seenAt, v: last });
  }
  return [...newest.values()].slice(0, EVIDENCE_MAX);
}

function hasValue({ op }: When): boolean {
  return op !== 'event' && op !== 'stale';
}

/** UCUM, of what the comparison compares. */
function unitOf({ op }: When, unit: string): string {
  switch (op) {
    case 'rate>':
    case 'rate<':
      return unit === '1' ? '/s' : `${unit}/s`;
    case 'within':
    case 'beyond':
      return 'm';
    case 'count':
      return '1';
    default:
      return unit;
  }
}

/**
 * Conditions in three values, after Kleene: true, false, and undefined for what is not known.
 *
 *   all   false if any is false, else unknown if any is
 *   any   true if any is true, else unknown if any is
 *   not   true if none is true: false if any is true, else unknown if any is
 */
export type Truth = boolean | undefined;

/** A condition whose comparisons are numbered, in the order in which they are written. */
export type Node = number | Branch;

export interface Branch {
  readonly kind: 'all' | 'any' | 'not';
  readonly of: readonly Node[];
}

/** What is known of a comparison. */
export interface Known {
  readonly truth: Truth;
  /** Beyond one of its two thresholds, and not where it is only because of where it was before. */
  readonly firm: boolean;
}

export function truthOf(node: Node, known: readonly Known[]): Truth {
  if (typeof node === 'number') return known[node]?.truth;
  // Each kind is decided by one value of one of its parts, and else unknown if one of them is.
  const decides = node.kind !== 'all';
  const whenDecided = node.kind === 'any';
  let unknown = false;
  for (const part of node.of) {
    const truth = truthOf(part, known);
    if (truth === decides) return whenDecided;
    unknown ||= truth === undefined;
  }
  return unknown ? undefined : !whenDecided;
}

/** The comparisons that make a condition as it is, in the order in which they are written. */
export function reasonsOf(node: Node, known: readonly Known[]): readonly number[] {
  if (typeof node === 'number') return [node];
  const truth = truthOf(node, known);
  const wanted = node.kind === 'not' && truth !== undefined ? !truth : truth;
  return node.of
    .filter((part) => truthOf(part, known) === wanted)
    .flatMap((part) => reasonsOf(part, known));
}

export function both(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === true && b === true ? true : undefined;
}

export function opposite(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

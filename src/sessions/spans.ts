import type { Session, Span } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import type { Range } from '../codec/columns.ts';

/** The arithmetic of spans. A span that lasts reaches to the end of its epoch, wherever that will be. */

export function lastSpan({ id, spans }: Session): Span {
  const last = spans.at(-1);
  if (!last) throw new Error(`session ${id} has no span`);
  return last;
}

/**
 * The spans with the last one closed at `to`, or where it began if that is later. One that is empty
 * then is left out, unless it is the only one and tells where the session was.
 */
export function closed(session: Session, to: Micros): readonly Span[] {
  const last = lastSpan(session);
  if (last.to !== null) return session.spans;
  const before = session.spans.slice(0, -1);
  if (to <= last.from && before.length > 0) return before;
  return [...before, { ...last, to: Math.max(last.from, to) }];
}

/** What of `spans` none of `others` covers. An open one among `spans` is left out: it grows yet. */
export function uncovered(spans: readonly Span[], others: Iterable<Span>): Range[] {
  let rest = spans.flatMap(({ epoch, from, to }) => (to === null ? [] : [{ epoch, from, to }]));
  for (const other of others) {
    if (rest.some((range) => overlaps(range, other))) {
      rest = rest.flatMap((range) => (overlaps(range, other) ? without(range, other) : [range]));
    }
  }
  return rest.filter(({ from, to }) => to > from);
}

function overlaps({ epoch, from, to }: Range, other: Span): boolean {
  return epoch === other.epoch && other.from < to && (other.to ?? Number.POSITIVE_INFINITY) > from;
}

function without(range: Range, other: Span): Range[] {
  const pieces = [{ ...range, to: other.from }];
  if (other.to !== null) pieces.push({ ...range, from: other.to });
  return pieces.filter(({ from, to }) => to > from);
}

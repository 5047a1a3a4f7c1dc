/**
 * What a client may ask for: a stream's id, which includes the ids below it (`obd.engine`); only the
 * ids below (`obd.engine.*`); or everything (`*`). An id is below another that it continues after a
 * dot, so `obd.eng` is not above `obd.engine`.
 */

export const PATTERN = /^(\*|[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?)$/;
export const PATTERN_EXPECTED = 'expected a stream id, id.* or *';

/**
 * Several lists of patterns, compiled so that looking an id up takes two steps a segment, however
 * many patterns there are.
 */
export class PatternIndex {
  /** The first list that names the id itself. */
  readonly #exact = new Map<string, number>();
  /** The first list that covers all below the id; below the empty id is everything. */
  readonly #below = new Map<string, number>();

  constructor(lists: readonly (readonly string[])[]) {
    for (const [position, patterns] of lists.entries()) {
      for (const pattern of patterns) this.#add(pattern, position);
    }
  }

  /** Position of the first list with a pattern for this id; -1 when there is none. */
  first(id: string): number {
    let first = Math.min(this.#exact.get(id) ?? Infinity, this.#below.get('') ?? Infinity);
    for (let dot = id.indexOf('.'); dot >= 0; dot = id.indexOf('.', dot + 1)) {
      first = Math.min(first, this.#below.get(id.slice(0, dot)) ?? Infinity);
    }
    return first === Infinity ? -1 : first;
  }

  #add(pattern: string, position: number): void {
    const above = pattern.replace(/\.?\*$/, '');
    if (!this.#below.has(above)) this.#below.set(above, position);
    if (above === pattern && !this.#exact.has(pattern)) this.#exact.set(pattern, position);
  }
}

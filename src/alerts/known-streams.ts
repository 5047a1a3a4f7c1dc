import { covers, isPattern, type Stream } from '#core/stream.ts';
import type { Surroundings } from './rule/check.ts';

/**
 * What rules may refer to. Streams come seldom and are asked for at every rule, so that what is made of
 * them is made once for each change.
 */
export class KnownStreams {
  readonly #list: () => readonly Stream[];
  readonly #actions: readonly string[];
  #seen: readonly Stream[] = [];
  #surroundings: Surroundings;

  /**
   * @param list those that there are; of two with one id the later one counts
   * @param actions their ids
   */
  constructor(list: () => readonly Stream[], actions: readonly string[]) {
    this.#list = list;
    this.#actions = actions;
    this.#surroundings = surroundingsOf([], actions);
  }

  /** The same object until there are other streams. */
  surroundings(): Surroundings {
    const streams = this.#list();
    const before = this.#seen;
    const same =
      streams.length === before.length && streams.every((stream, i) => stream === before[i]);
    if (!same) {
      this.#seen = streams;
      this.#surroundings = surroundingsOf(streams, this.#actions);
    }
    return this.#surroundings;
  }

  find(id: string): Stream | undefined {
    return this.surroundings().streams(id)[0];
  }
}

function surroundingsOf(streams: readonly Stream[], actions: readonly string[]): Surroundings {
  const known = new Map(streams.map((stream) => [stream.id, stream]));
  const all = [...known.values()];
  return {
    actions,
    streams: (pattern) => {
      if (pattern === '*') return all;
      if (isPattern(pattern)) return all.filter(({ id }) => covers(pattern, id));
      const one = known.get(pattern);
      return one ? [one] : [];
    },
  };
}

import { isDeepStrictEqual } from 'node:util';
import type { AlertChange, AlertRule } from '#core/alert.ts';
import { covers, type Micros, type Reading, type Stream } from '#core/stream.ts';
import type { Situation } from './situation.ts';
import type { Counts } from './state.ts';
import { RuleWatch } from './watch.ts';

type StreamOf = (id: string) => Stream | undefined;

const NONE: readonly AlertChange[] = [];

/** All rules that are followed. A reading costs only those that use its stream. */
export class RuleSet {
  readonly #situation: Situation;
  readonly #streamOf: StreamOf;
  #watches: ReadonlyMap<string, RuleWatch> = new Map();
  /** By id of a stream; made as streams come, of which there are as many as are declared. */
  #listeners = new Map<string, readonly RuleWatch[]>();
  /** Those that have to be asked whether a session was opened or closed. */
  #studying: readonly RuleWatch[] = [];

  /** @param streamOf the stream of an id, for those that have not brought a reading yet */
  constructor(situation: Situation, streamOf: StreamOf) {
    this.#situation = situation;
    this.#streamOf = streamOf;
  }

  /**
   * Takes the rules as they are from `t` on; those that are not enabled are left out. One that
   * decides as before goes on with what it knows, and what lasts of the others ends.
   */
  set(rules: readonly AlertRule[], t: Micros): readonly AlertChange[] {
    const changes: AlertChange[] = [];
    const watches = new Map<string, RuleWatch>();
    for (const rule of rules.filter(({ enabled }) => enabled)) {
      const before = this.#watches.get(rule.id);
      const same = before !== undefined && decidesAlike(before.rule, rule);
      if (same) before.adopt(rule);
      watches.set(rule.id, same ? before : new RuleWatch(rule, this.#streamOf));
    }
    for (const [id, watch] of this.#watches) {
      if (watches.get(id) === watch) continue;
      changes.push(...watch.advance(t, this.#situation), ...watch.stop(t));
    }
    for (const watch of watches.values()) {
      if (this.#watches.get(watch.rule.id) === watch) continue;
      changes.push(...watch.advance(t, this.#situation));
    }
    this.#watches = watches;
    this.#listeners = new Map();
    this.#studying = [...watches.values()].filter(({ rule }) => rule.while.study !== undefined);
    return changes;
  }

  /** Whether any rule uses a stream. */
  hears(id: string): boolean {
    return this.#listenersOf(id).length > 0;
  }

  /** What a reading changes, with what was due before it in the rules that use its stream. */
  take(reading: Reading): readonly AlertChange[] {
    let changes: readonly AlertChange[] = NONE;
    for (const watch of this.#listenersOf(reading.stream.id)) {
      const news = watch.take(reading, this.#situation);
      if (news.length > 0) changes = [...changes, ...news];
    }
    return changes;
  }

  /** What is due up to `t`, in the order of time. */
  advance(t: Micros): readonly AlertChange[] {
    const changes: AlertChange[] = [];
    for (const watch of this.#watches.values()) {
      if (watch.dueAt <= t) changes.push(...watch.advance(t, this.#situation));
    }
    for (const watch of this.#studying) changes.push(...watch.advance(t, this.#situation));
    return changes.sort((a, b) => a.t - b.t);
  }

  /** When time alone changes something; -Infinity where a session was opened or closed meanwhile. */
  get dueAt(): Micros {
    let due = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#watches.values()) if (dueAt < due) due = dueAt;
    const outdated = this.#studying.some((watch) => watch.isOutdated(this.#situation));
    return outdated ? Number.NEGATIVE_INFINITY : due;
  }

  watch(id: string): RuleWatch | undefined {
    return this.#watches.get(id);
  }

  /** The counts are sums over the rules: a reading that is late for two of them counts twice. */
  get stats(): { readonly rules: number } & Counts {
    const stats = { rules: this.#watches.size, late: 0, notFinite: 0, refused: 0, latched: 0 };
    for (const { counters } of this.#watches.values()) {
      stats.late += counters.late;
      stats.notFinite += counters.notFinite;
      stats.refused += counters.refused;
      stats.latched += counters.latched;
    }
    return stats;
  }

  #listenersOf(id: string): readonly RuleWatch[] {
    const known = this.#listeners.get(id);
    if (known) return known;
    const found = [...this.#watches.values()].filter(({ streams }) =>
      streams.some((one) => covers(one, id)),
    );
    this.#listeners.set(id, found);
    return found;
  }
}

/** Whether two versions of a rule find the same: what it is called and who is told decide nothing. */
function decidesAlike(a: AlertRule, b: AlertRule): boolean {
  return isDeepStrictEqual(a, { ...b, name: a.name, actions: a.actions });
}

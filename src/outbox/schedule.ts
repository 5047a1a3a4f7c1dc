import type { Micros } from '#core/stream.ts';
import type { Priority } from '../wire/topics.ts';
import type { Admissions } from './admission.ts';
import { type ClassPolicies, holdMsOf } from './classes.ts';
import type { Lane } from './lane.ts';
import type { Live } from './live.ts';

/** What is to be sent next, or how long nothing is. */
export type Choice =
  | { readonly lane: Lane; readonly live: boolean }
  | { readonly lane: undefined; readonly waitUs: Micros };

export interface Situation {
  readonly lanes: Iterable<Lane>;
  readonly now: Micros;
  readonly admissions: Admissions;
  /** Whether each byte is paid for, so that more goes into a batch. */
  readonly isMetered: boolean;
  /** Whether the window takes another batch, of P0 or of the rest. */
  readonly hasRoom: (urgent: boolean) => boolean;
  /** Whether so much waits for the cloud's acknowledgement that only P0 goes. */
  readonly isAhead: boolean;
}

interface Candidate {
  readonly lane: Lane;
  readonly live: boolean;
  /** The lower the earlier. */
  readonly rank: number;
}

/**
 * Who is next. Alerts, then the other events of P0; below it the class that had the least of the line for
 * its weight (self-clocked fair queueing, Golestani 1994), and of its streams the one that was served
 * longest ago. A class that was idle begins where the others are: it saves up no claims.
 */
export class Schedule {
  readonly #policies: ClassPolicies;
  readonly #live: Live;
  readonly #isLive: boolean;
  readonly #tags: Record<Priority, number> = { p0: 0, p1: 0, p2: 0, p3: 0 };
  /** Tag of the class that was served last. */
  #virtual = 0;
  #idle = new Set<Priority>();
  #turn = 0;

  /** @param isLive whether the newest data of streams of P2 that lag go ahead of their backlog */
  constructor(policies: ClassPolicies, live: Live, isLive: boolean) {
    this.#policies = policies;
    this.#live = live;
    this.#isLive = isLive;
  }

  choose(situation: Situation): Choice {
    const { hasRoom, isAhead } = situation;
    const { best, waitUs } = this.#due(situation);
    const urgent = best.get('p0');
    if (urgent && hasRoom(true)) return this.#serve(urgent);
    if (isAhead || !hasRoom(false)) return { lane: undefined, waitUs: Number.POSITIVE_INFINITY };
    const next = this.#fairest([...best.keys()].filter((priority) => priority !== 'p0'));
    const choice = next === undefined ? undefined : best.get(next);
    return choice ? this.#serve(choice) : { lane: undefined, waitUs };
  }

  /** Of each class the one that is next, and how long until there is another. */
  #due(situation: Situation): {
    readonly best: ReadonlyMap<Priority, Candidate>;
    readonly waitUs: Micros;
  } {
    const { now, lanes } = situation;
    const best = new Map<Priority, Candidate>();
    let waitUs: Micros = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      for (const live of [true, false]) {
        const due = this.#dueAt(lane, live, situation);
        if (due > now) {
          waitUs = Math.min(waitUs, due - now);
          continue;
        }
        const rank = rankOf(lane, live);
        if (rank < (best.get(lane.priority)?.rank ?? Number.POSITIVE_INFINITY)) {
          best.set(lane.priority, { lane, live, rank });
        }
      }
    }
    return { best, waitUs };
  }

  /** So much of the line was used. */
  charge({ priority }: Lane, bytes: number): void {
    if (priority === 'p0') return;
    this.#tags[priority] += bytes / this.#policies[priority].weight;
    this.#virtual = this.#tags[priority];
  }

  #dueAt(lane: Lane, live: boolean, { now, admissions, isMetered }: Situation): Micros {
    const { priority } = lane;
    if (!live) {
      if (admissions[priority] !== 'go') return Number.POSITIVE_INFINITY;
      return lane.dueAt(holdMsOf(this.#policies[priority], isMetered), now);
    }
    const due = this.#live.dueAt(lane, this.liveMode(lane, admissions), now);
    // What cannot be read or sent cannot go ahead either.
    return now < lane.notBefore ? Math.max(due, lane.notBefore) : due;
  }

  liveMode({ priority }: Lane, admissions: Admissions): 'all' | 'decimated' | 'off' {
    if (priority !== 'p2') return 'off';
    if (admissions.p2 === 'decimated') return 'decimated';
    return admissions.p2 === 'go' && this.#isLive ? 'all' : 'off';
  }

  #fairest(classes: readonly Priority[]): Priority | undefined {
    for (const priority of classes) {
      if (this.#idle.has(priority)) {
        this.#tags[priority] = Math.max(this.#tags[priority], this.#virtual);
      }
    }
    const all: readonly Priority[] = ['p1', 'p2', 'p3'];
    this.#idle = new Set(all.filter((priority) => !classes.includes(priority)));
    return classes.toSorted((a, b) => this.#tags[a] - this.#tags[b])[0];
  }

  #serve({ lane, live }: { lane: Lane; live: boolean }): Choice {
    this.#turn++;
    lane.servedTurn = this.#turn;
    return { lane, live };
  }
}

/** The lower the earlier, within a class. */
function rankOf(lane: Lane, live: boolean): number {
  // Turns are counted from 1: alerts and live pieces come before whatever waited longest.
  return lane.alert || live ? lane.servedTurn - Number.MAX_SAFE_INTEGER : lane.servedTurn;
}

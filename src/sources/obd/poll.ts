import type { Micros } from '#core/stream.ts';

/**
 * What to ask next. Each PID has the rate its value is worth; whoever is most overdue, measured in
 * its own periods, goes first, so that a slow adapter slows all of them in proportion.
 *
 * On CAN one request may hold six PIDs (SAE J1979, 6.3.1.1). The answer carries no lengths, so each
 * PID is asked alone until its length has been seen, and only then shares a request with others: with
 * those that were learned beside it first, so that a slow link has time for the rest, and with PIDs of
 * a similar rate once all are known. A request whose answer did not add up is taken apart for good.
 *
 * The number of lines that a request is answered with is learned too: with it the adapter stops
 * waiting for more ECUs (ELM327 data sheet DSJ, p. 32), which doubles the rate of most.
 */
const PIDS_PER_REQUEST = 6;
/** Answers with the same number of lines before the number is believed. */
const SAME_LINES = 3;
/** The count is one hexadecimal digit. */
const LINES_MAX = 15;
/** Requests in a row without an answer before a group is only asked now and then. */
const MISSES_MAX = 3;
const SUSPENDED_MS = 60_000;
/**
 * What has not been asked yet counts as this many periods overdue, with a period of a second: it goes
 * before what is just due and is not forgotten by a slow adapter, but engine speed does not have to
 * wait until sixty PIDs have been asked for the first time.
 */
const NEW_OVERDUE = 2;
const NEW_MS = 1_000;
/** Answers in a row that did not add up before the PIDs of a group are asked one by one. */
const MISMATCHES_MAX = 3;

export interface PollPid {
  readonly pid: number;
  /** Requests a second that the value is worth; above 0. */
  readonly hz: number;
}

/** PIDs that share one request. */
export interface PollGroup {
  /** Ascending. */
  readonly pids: readonly number[];
  readonly hz: number;
  /** When it was first considered, and last asked. */
  seenAt: Micros | undefined;
  askedAt: Micros | undefined;
  misses: number;
  /** Answers that the plan had heard at the last miss. */
  heardAtMiss: number;
  mismatches: number;
  /** Lines of the last answers, and how many of them in a row were the same. */
  lines: number;
  sameLines: number;
}

export class PollPlan {
  readonly #packing: boolean;
  readonly #unlearned = new Map<number, PollPid>();
  readonly #learned = new Map<number, PollPid>();
  /** Those that came out of a request whose answer did not add up. */
  readonly #unmixable = new Set<number>();
  #groups: PollGroup[];
  #useCounts = true;
  /** Requests that somebody answered, rightly or not. */
  #heard = 0;

  /**
   * @param packing whether requests may hold several PIDs: on CAN only
   * @param knows whether the length of a PID was seen before, on an earlier connection
   */
  constructor(pids: readonly PollPid[], packing: boolean, knows: (pid: number) => boolean) {
    this.#packing = packing;
    this.#groups = pids.map((row) => newGroup([row]));
    for (const row of pids) (knows(row.pid) ? this.#learned : this.#unlearned).set(row.pid, row);
    if (packing && this.#unlearned.size === 0) this.#pack();
  }

  get groups(): readonly PollGroup[] {
    return this.#groups;
  }

  /** The group to ask now, or undefined when none is due. */
  next(now: Micros): PollGroup | undefined {
    let best: PollGroup | undefined;
    let worst = 1;
    for (const group of this.#groups) {
      group.seenAt ??= now;
      const overdue =
        group.askedAt === undefined
          ? NEW_OVERDUE + (now - group.seenAt) / (NEW_MS * 1000)
          : (now - group.askedAt) / periodOf(group);
      if (overdue < worst || (best && overdue === worst)) continue;
      best = group;
      worst = overdue;
    }
    return best;
  }

  /** When the next group is due; at once where one has not been asked yet. */
  dueAt(): Micros {
    return Math.min(
      ...this.#groups.map((group) => (group.askedAt ?? Number.NEGATIVE_INFINITY) + periodOf(group)),
    );
  }

  /** How many lines to tell the adapter to wait for, or undefined while that is not known. */
  framesFor(group: PollGroup): number | undefined {
    const known = this.#useCounts && group.sameLines >= SAME_LINES && group.lines <= LINES_MAX;
    return known ? group.lines : undefined;
  }

  /** The adapter does not know the count digit: some clones take it for part of the request. */
  dropCounts(): void {
    this.#useCounts = false;
  }

  /** Every PID asked for was answered, in `lines` lines. */
  answered(group: PollGroup, lines: number): void {
    this.#heard++;
    group.misses = 0;
    group.mismatches = 0;
    group.sameLines = lines === group.lines ? group.sameLines + 1 : 1;
    group.lines = lines;
    const [pid] = group.pids;
    const row = pid === undefined ? undefined : this.#unlearned.get(pid);
    if (row === undefined) return;
    this.#unlearned.delete(row.pid);
    this.#learned.set(row.pid, row);
    if (!this.#packing) return;
    if (this.#unlearned.size === 0) this.#pack();
    else this.#packSome();
  }

  /** The answer lacked a PID or did not add up. */
  mismatched(group: PollGroup): void {
    this.#heard++;
    group.sameLines = 0;
    if (group.pids.length === 1) {
      this.missed(group);
      return;
    }
    group.misses = 0;
    // One bad answer may be a disturbance; several in a row mean that these PIDs do not mix.
    if (++group.mismatches < MISMATCHES_MAX) return;
    const rows = group.pids.flatMap((pid) => this.#learned.get(pid) ?? []);
    for (const { pid } of rows) this.#unmixable.add(pid);
    this.#groups = [
      ...this.#groups.filter((other) => other !== group),
      ...rows.map((row) => newGroup([row])),
    ];
  }

  /** Nobody answered. */
  missed(group: PollGroup): void {
    group.sameLines = 0;
    // While nobody answers anything, as when the engine is cranked, no group is to blame.
    if (group.misses > 0 && group.heardAtMiss === this.#heard) return;
    group.heardAtMiss = this.#heard;
    group.misses++;
    // A PID that is announced but never answered must not hold up the packing of the others.
    const [pid] = group.pids;
    if (pid === undefined || group.misses < MISSES_MAX || !this.#unlearned.delete(pid)) return;
    if (this.#packing && this.#unlearned.size === 0) this.#pack();
  }

  /** Groups that have stopped answering. */
  get suspended(): number {
    return this.#groups.filter((group) => group.misses >= MISSES_MAX).length;
  }

  /** All that mixes, whatever was packed before. */
  #pack(): void {
    const alone = this.#groups.filter(({ pids: [pid = -1] }) => !this.#mixes(pid));
    const rows = [...this.#learned.values()].filter(({ pid }) => this.#mixes(pid));
    rows.sort((a, b) => b.hz - a.hz || a.pid - b.pid);
    const groups: PollGroup[] = [];
    for (let i = 0; i < rows.length; i += PIDS_PER_REQUEST) {
      groups.push(newGroup(rows.slice(i, i + PIDS_PER_REQUEST)));
    }
    this.#groups = [...groups, ...alone];
  }

  /** As many as fill a request, of those that are still asked alone; again while there are as many. */
  #packSome(): void {
    const alone = this.#groups.filter(
      ({ pids: [pid = -1], pids }) => pids.length === 1 && this.#mixes(pid),
    );
    if (alone.length < PIDS_PER_REQUEST) return;
    const packed = alone.slice(0, PIDS_PER_REQUEST);
    const shared = newGroup(packed.flatMap(({ pids: [pid = -1] }) => this.#learned.get(pid) ?? []));
    // It is no newcomer: those that were never asked must not keep it waiting.
    const times = packed.flatMap(({ askedAt }) => askedAt ?? []);
    if (times.length === packed.length) shared.askedAt = Math.min(...times);
    this.#groups = [shared, ...this.#groups.filter((group) => !packed.includes(group))];
    this.#packSome();
  }

  #mixes(pid: number): boolean {
    return this.#learned.has(pid) && !this.#unmixable.has(pid);
  }
}

function newGroup(rows: readonly PollPid[]): PollGroup {
  return {
    pids: rows.map(({ pid }) => pid).sort((a, b) => a - b),
    hz: Math.max(...rows.map(({ hz }) => hz)),
    seenAt: undefined,
    askedAt: undefined,
    misses: 0,
    heardAtMiss: 0,
    mismatches: 0,
    lines: 0,
    sameLines: 0,
  };
}

/** Microseconds between two requests of a group. */
function periodOf(group: PollGroup): number {
  return group.misses >= MISSES_MAX ? SUSPENDED_MS * 1000 : 1e6 / group.hz;
}

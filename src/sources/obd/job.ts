import type { Emit, Micros } from '#core/stream.ts';
import type { Response } from './scan-tool.ts';

/** Times a job is asked before it is given up. */
const TRIES_MAX = 3;
/** Until a job is asked again: what was in its way has passed by then. */
const RETRY_MS = 3_000;
/** Jobs that may wait; a car has some 60 monitors, and each ECU a freeze frame. */
const JOBS_MAX = 500;

/** One request of diagnosis. Reading its answer may bring more of them. */
export interface Job {
  /** Service and data: `0902`. */
  readonly hex: string;
  /** The only ECU that is asked; left out where all are. */
  readonly ecu?: string;
  readonly timeoutMs: number;
  /** Asked before all others: what may change during a drive, and is asked again regularly. */
  readonly urgent?: boolean;
  /** Asked only once in a connection, however often an answer calls for it. */
  readonly once?: boolean;
  /**
   * Takes the positive answers to this very request into the report; they may come again, with
   * more of them. Returns what to ask next, or undefined when something is missing in the answers.
   */
  read(responses: readonly Response[], t: Micros, emit: Emit): readonly Job[] | undefined;
  /** Called when it was refused for good, or nobody answered. */
  refused?(): void;
}

/** A job that waits for its turn. */
export interface Waiting {
  readonly job: Job;
  /** How often it has been asked in vain. */
  readonly tries: number;
  readonly notBefore: Micros;
  /** An ECU said that its answer takes longer, and the adapter did not wait for it. */
  readonly patient: boolean;
}

/** What is to be asked, urgent jobs first, others in the order in which they were added. */
export class JobQueue {
  #urgent: readonly Waiting[] = [];
  #others: readonly Waiting[] = [];
  readonly #asked = new Set<string>();

  /** Whether a job may be asked now. */
  ready(now: Micros): boolean {
    return [...this.#urgent, ...this.#others].some(({ notBefore }) => notBefore <= now);
  }

  /** Whether an urgent job waits, be it for its time to be asked again. */
  get hasUrgent(): boolean {
    return this.#urgent.length > 0;
  }

  /** Removes and returns the job whose turn it is. */
  take(now: Micros): Waiting | undefined {
    const next = [...this.#urgent, ...this.#others].find(({ notBefore }) => notBefore <= now);
    this.#urgent = this.#urgent.filter((waiting) => waiting !== next);
    this.#others = this.#others.filter((waiting) => waiting !== next);
    return next;
  }

  /**
   * Adds what does not wait already.
   *
   * @returns how many jobs found no room
   */
  add(jobs: readonly Job[]): number {
    let dropped = 0;
    for (const job of jobs) {
      if (this.#isKnown(job)) continue;
      if (!job.urgent && this.#others.length >= JOBS_MAX) {
        dropped++;
        continue;
      }
      if (job.once) this.#asked.add(nameOf(job));
      this.#put({ job, tries: 0, notBefore: 0, patient: false });
    }
    return dropped;
  }

  /** Asks again a little later; false when that has been tried often enough. */
  retry({ job, tries }: Waiting, now: Micros, patient: boolean): boolean {
    if (tries + 1 >= TRIES_MAX) return false;
    this.#put({ job, tries: tries + 1, notBefore: now + RETRY_MS * 1000, patient });
    return true;
  }

  #isKnown(job: Job): boolean {
    const name = nameOf(job);
    if (this.#asked.has(name)) return true;
    return [...this.#urgent, ...this.#others].some((waiting) => nameOf(waiting.job) === name);
  }

  #put(waiting: Waiting): void {
    if (waiting.job.urgent) this.#urgent = [...this.#urgent, waiting];
    else this.#others = [...this.#others, waiting];
  }
}

/** What is asked of whom. */
function nameOf({ ecu = 'all', hex }: Job): string {
  return `${ecu} ${hex}`;
}

/** The PDUs of each ECU, in the order in which they came. */
export function pdusByEcu(responses: readonly Response[]): ReadonlyMap<string, Uint8Array[]> {
  const groups = new Map<string, Uint8Array[]>();
  for (const { ecu, pdu } of responses) groups.set(ecu, [...(groups.get(ecu) ?? []), pdu]);
  return groups;
}

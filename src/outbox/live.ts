import type { Micros } from '#core/stream.ts';
import type { Lane } from './lane.ts';
import type { Position } from './queue.ts';

/** From where to where in time one goes. */
const PIECE_US = 10_000_000;
/** Of the data of a decimated class one tenth goes. */
const DECIMATED_PAUSE_US = 9 * PIECE_US;
/** When what was to be sent is not there yet. */
const LATE_US = 1_000_000;

/**
 * The newest data of streams that lag, ahead of their backlog, so that whoever looks at the car now sees
 * it now. What goes here goes again with the backlog, unless the cloud says first that it has it: nothing
 * is lost by it, and the cursor knows nothing of it.
 *
 * It is also how P2 is decimated when the month's budget is nearly used: the backlog waits, whole, for the
 * next month, and of what is new 10 s in every 100 s go. So nobody has to tell the cloud of holes, and
 * nothing is left out for good that the store still has.
 */
export class Live {
  readonly #states = new Map<number, LiveState>();

  /** When the next piece of this stream may go; Infinity while there is none. */
  dueAt(lane: Lane, mode: 'all' | 'decimated' | 'off', now: Micros): Micros {
    const off = mode === 'off' || (mode === 'all' && !lane.isBehind);
    if (off) {
      this.#states.delete(lane.number);
      return Number.POSITIVE_INFINITY;
    }
    const old = this.#states.get(lane.number);
    const state = old ?? { from: lane.next, at: undefined, startAt: now, begun: true };
    if (old === undefined) this.#states.set(lane.number, state);
    if (!state.begun && now >= state.startAt) {
      state.begun = true;
      // After a pause it goes on with what is new, without one where it stopped.
      if (state.pausing) Object.assign(state, { from: lane.next, at: undefined, pausing: false });
    }
    return state.begun && lane.next > state.from
      ? state.startAt + PIECE_US
      : Math.max(now, state.startAt) + PIECE_US;
  }

  /** Where the next piece begins. */
  from(lane: Lane): { readonly seq: number; readonly at: Position | undefined } {
    const state = this.#states.get(lane.number);
    return { seq: state?.from ?? lane.next, at: state?.at };
  }

  /** The next piece begins here. */
  hasSent(lane: Lane, seq: number, at: Position, mode: 'all' | 'decimated', now: Micros): void {
    const pausing = mode === 'decimated';
    const startAt = now + (pausing ? DECIMATED_PAUSE_US : 0);
    this.#states.set(lane.number, { from: seq, at, startAt, begun: !pausing, pausing });
  }

  /** There was nothing to read. */
  isLate(lane: Lane, now: Micros): void {
    const state = this.#states.get(lane.number);
    if (state) state.startAt = now + LATE_US - PIECE_US;
  }

  forget(): void {
    this.#states.clear();
  }
}

interface LiveState {
  from: number;
  at: Position | undefined;
  startAt: Micros;
  /** `from` is known; it is not while a pause lasts. */
  begun: boolean;
  pausing?: boolean;
}

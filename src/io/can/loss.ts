/**
 * How many frames the kernel dropped before they reached us, which it does not say: it counts what the
 * interface received, and we count what reached us.
 *
 * The difference of the two is what was lost and what still waits in the socket. It is looked at when
 * the socket has just been read, so that hardly anything waits, and the smallest difference of the last
 * looks is the loss.
 */

/** Looks on which it is settled; there is at most one a second. */
const LOOKS = 5;

export class Reckoning {
  #differences: readonly number[] = [];
  /** What the difference was without loss: frames that came while the socket was being opened. */
  #base = 0;
  /** Only grows. */
  lost = 0;

  /**
   * @param expected frames that were to reach us, counted from the opening
   * @param reached frames that did, at the same moment
   */
  look(expected: number, reached: number): void {
    this.#differences = [...this.#differences, expected - reached].slice(-LOOKS);
    if (this.#differences.length < LOOKS) return;
    // More than the interface received can reach us for good only where it does not count some of it.
    this.#base = Math.min(this.#base, Math.max(...this.#differences));
    this.lost = Math.max(this.lost, Math.min(...this.#differences) - this.#base);
  }
}

/** Frames that the interface received within two looks, while none reached us: the channel is dead. */
const STALL_FRAMES_MIN = 100;

/**
 * Whether a channel stopped bringing frames that the interface receives. Between two looks the process
 * has read its sockets at least once: what was there at the look before would have come.
 */
export class StallWatch {
  #looks: readonly { readonly expected: number; readonly reached: number }[] = [];

  /** The same numbers as above. True once the channel is known to be dead. */
  look(expected: number, reached: number): boolean {
    this.#looks = [...this.#looks, { expected, reached }].slice(-3);
    const [first, second] = this.#looks;
    if (first === undefined || second === undefined || this.#looks.length < 3) return false;
    const grew = second.expected > first.expected && expected > second.expected;
    return grew && first.reached === reached && expected - first.expected >= STALL_FRAMES_MIN;
  }
}

/** A counter of the kernel that may begin again at 0, as some drivers do when they are brought up. */
export class GrowingCounter {
  #last: number | undefined;
  /** How much it grew since the first value. */
  grown = 0;

  see(value: number): void {
    const last = this.#last ?? value;
    this.grown += value >= last ? value - last : value;
    this.#last = value;
  }
}

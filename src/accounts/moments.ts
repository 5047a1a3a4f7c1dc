import { type Clock, type Epoch, onClockOf, wallMs } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

/** A moment by the clock of a start of the gateway, which a later correction of the wall re-times. */
export interface Moment {
  readonly epoch: number;
  readonly t: Micros;
}

/**
 * How long ago things were, on a computer whose wall clock may be years off and jump: within a boot the
 * monotonic clock tells, over a boot the wall clocks of the two starts, where both can be believed.
 */
export class Moments {
  readonly #clock: Clock;
  readonly #epoch: () => Epoch;
  readonly #epochs: () => ReadonlyMap<number, Epoch>;

  /** @param epochs of earlier starts, by id; this one may be among them */
  constructor(clock: Clock, epoch: () => Epoch, epochs: () => ReadonlyMap<number, Epoch>) {
    this.#clock = clock;
    this.#epoch = epoch;
    this.#epochs = epochs;
  }

  now(): Moment {
    return { epoch: this.#epoch().id, t: this.#clock.now() };
  }

  /** Milliseconds since a moment, never below 0; undefined where nobody can tell. */
  since({ epoch: id, t }: Moment): number | undefined {
    const now = this.#clock.now();
    const here = this.#epoch();
    if (id === here.id) return Math.max(0, (now - t) / 1000);
    const other = this.#epochs().get(id);
    if (other === undefined) return undefined;
    const local = onClockOf(here, other, t);
    if (local !== undefined) return Math.max(0, (now - local) / 1000);
    if (here.trust === 'none' || other.trust === 'none') return undefined;
    return Math.max(0, wallMs(here, now) - wallMs(other, t));
  }

  /** RFC 3339, as far as the clock knew; null where the start that it counts from is not known. */
  timeOf({ epoch: id, t }: Moment): string | null {
    const here = this.#epoch();
    const epoch = id === here.id ? here : this.#epochs().get(id);
    return epoch ? new Date(wallMs(epoch, t)).toISOString() : null;
  }

  /** The wall clock, as far as it is known, in ms since 1970. */
  wallMs(): number {
    return wallMs(this.#epoch(), this.#clock.now());
  }
}

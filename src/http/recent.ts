import { Ring } from '#core/ring.ts';
import type { Event, Micros } from '#core/stream.ts';

/**
 * The newest events, for clients that come back after a break. Each has a number, from 1 at the start
 * of the process, by which a client says what it has had. Values are not kept: the newest of each
 * stream are told anyway.
 */

/** Older ones are forgotten when somebody asks. */
const AGE_US_MAX = 60e6;
/** The oldest makes room. More could fill the queue of a client whose network is as bad as its break. */
const EVENTS_MAX = 500;
/** Of JSON, about, for the same reason; an event that does not fit any more is told as lost. */
const CHARACTERS_MAX = 512 * 1024;

export interface RecentEvent {
  readonly seq: number;
  readonly event: Event;
}

export interface Missed {
  /** Events that are not there any more. */
  readonly lost: number;
  /** Those that are, oldest first. */
  readonly events: readonly RecentEvent[];
}

export class RecentEvents {
  #kept = new Ring<RecentEvent & { readonly at: Micros }>(EVENTS_MAX);
  #seq = 0;

  /** The number of the newest; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** @returns the event's number */
  add(event: Event, now: Micros): number {
    this.#seq++;
    this.#kept.push({ seq: this.#seq, event, at: now });
    return this.#seq;
  }

  /** What came after the event with a number; of a number that none has yet, nothing. */
  since(seq: number, now: Micros): Missed {
    const all = this.#kept.drain();
    for (const one of all) this.#kept.push(one);
    const young = all.filter((one) => one.seq > seq && now - one.at <= AGE_US_MAX);
    let room = CHARACTERS_MAX;
    const events: RecentEvent[] = [];
    for (const one of young.toReversed()) {
      room -= JSON.stringify(one.event.data).length;
      if (room < 0) break;
      events.unshift(one);
    }
    return { lost: Math.max(0, this.#seq - seq - events.length), events };
  }
}

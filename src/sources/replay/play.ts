import type { Clock } from '#core/clock.ts';
import { durationText } from '#core/duration.ts';
import type { Micros } from '#core/stream.ts';

/** How far a recording has been played, for people: `drive.log, 0:12 of 3:40`. In microseconds. */
export function playedText(title: string, played: number, length: number): string {
  return `${title}, ${durationText(played / 1e6)} of ${durationText(length / 1e6)}`;
}

/** The playing of a recording, which all of its buses share. It is played once. */
export class Play {
  /** Of the recording, for people: `drive.log`. */
  readonly title: string;
  /** Of the recording, in microseconds. */
  readonly length: number;
  #begun: { readonly at: Micros; readonly clock: Clock } | undefined;
  #hasEnded = false;

  constructor({ title, length }: { readonly title: string; readonly length: number }) {
    this.title = title;
    this.length = length;
  }

  /** The time at which it began: now, for who asks first. */
  start(clock: Clock): Micros {
    this.#begun ??= { at: clock.now(), clock };
    return this.#begun.at;
  }

  /** One of the buses has given all that it has. */
  end(): void {
    this.#hasEnded = true;
  }

  /** A sentence on what is played and how far it is. */
  note(): string {
    const where = playedText(this.title, this.#played, this.length);
    // A computer that is too slow for the speed gives the last frames later than they are due.
    const isOver = this.#hasEnded && this.#played === this.length;
    return isOver ? `${where}: at the end` : where;
  }

  /** The same in whole seconds, for programs. */
  health(): { readonly recording: string; readonly playedS: number; readonly lengthS: number } {
    const playedS = Math.floor(this.#played / 1e6);
    return { recording: this.title, playedS, lengthS: Math.floor(this.length / 1e6) };
  }

  /** Microseconds from the start of the recording. */
  get #played(): number {
    if (this.#begun === undefined) return 0;
    return Math.min(this.#begun.clock.now() - this.#begun.at, this.length);
  }
}

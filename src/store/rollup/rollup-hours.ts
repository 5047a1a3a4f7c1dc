import type { Stream } from '#core/stream.ts';
import type { Columns, Scalars, Waves } from '../../codec/columns.ts';
import type { Window } from '../../codec/cut.ts';
import { endOf, startOf } from '../../codec/join.ts';
import { HOUR_US } from '../keys.ts';
import { Bins } from './bins.ts';
import { emptyRollup, type HourRollup, type Level, levelsOf } from './rollup.ts';

/** An hour of one stream at one level, open. */
interface OpenHour {
  readonly rollup: HourRollup;
  readonly bins: Bins;
}

/** The rollups of what has been sealed, until their hours are over. */
export class RollupHours {
  readonly #hours = new Map<string, OpenHour>();

  /**
   * @param number of the stream
   * @param columns sealed at this moment; frames are passed by
   */
  add(number: number, stream: Stream, epoch: number, columns: Columns): void {
    if (columns.kind === 'frames') return;
    const last = hourOf(endOf(columns));
    for (let hour = hourOf(startOf(columns)); hour <= last; hour++) {
      for (const level of levelsOf(stream)) {
        this.#addHour({ level, epoch, hour, number }, columns, stream.lsb ?? 1);
      }
    }
  }

  /** Those that have not closed. They go on growing: whoever keeps one makes a copy. */
  open(): HourRollup[] {
    return [...this.#hours.values()].map(({ rollup }) => rollup);
  }

  /**
   * Takes out all before an hour, of any epoch. Where one of them has been written already (samples
   * came late), it is to be merged with what was.
   */
  close(beforeHour: number): HourRollup[] {
    const closed: HourRollup[] = [];
    for (const [name, { rollup }] of this.#hours) {
      if (rollup.hour >= beforeHour) continue;
      closed.push(rollup);
      this.#hours.delete(name);
    }
    return closed;
  }

  /** Forgets an hour of an epoch, because something of it was erased; it is to be added anew. */
  drop(epoch: number, hour: number): void {
    for (const [name, { rollup }] of this.#hours) {
      if (rollup.epoch === epoch && rollup.hour === hour) this.#hours.delete(name);
    }
  }

  #addHour(which: Which, columns: Scalars | Waves, lsb: number): void {
    const { level, epoch, hour, number } = which;
    const name = `${level.level}/${epoch}/${hour}/${number}`;
    const known = this.#hours.get(name);
    const open = known ?? createHour(which);
    const counted = open.bins.add(columns, windowOf(hour), lsb);
    if (known === undefined && counted > 0) this.#hours.set(name, open);
  }
}

interface Which {
  readonly level: Level;
  readonly epoch: number;
  readonly hour: number;
  readonly number: number;
}

function createHour({ level, epoch, hour, number }: Which): OpenHour {
  const rollup = emptyRollup({ level: level.level, epoch, hour, stream: number });
  return { rollup, bins: new Bins(windowOf(hour).from, level.us, rollup) };
}

function hourOf(t: number): number {
  return Math.floor(t / HOUR_US);
}

function windowOf(hour: number): Window {
  return { from: hour * HOUR_US, to: (hour + 1) * HOUR_US };
}

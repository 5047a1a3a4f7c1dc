import type { Clock } from '#core/clock.ts';
import type { Reading } from '#core/stream.ts';
import type { Source } from '../../src/sources/source.ts';
import { Restart, type Status, supervise } from '../../src/sources/supervise.ts';

/** A source under the supervisor, with all that it brings. Whoever has it read aborts `stop` and awaits `done`. */
export function supervised(source: Source, clock: Clock) {
  const readings: Reading[] = [];
  const statuses: Status[] = [];
  const stop = new AbortController();
  const restart = new Restart();
  const done = supervise(source, {
    emit: (reading) => readings.push(reading),
    clock,
    signal: stop.signal,
    report: (status) => statuses.push(status),
    restart,
  });
  /** What it has told of one stream. */
  const values = (id: string): number[] =>
    readings.flatMap((reading) =>
      reading.kind === 'sample' && reading.stream.id === id ? [reading.v] : [],
    );
  return { readings, statuses, stop, restart, done, values };
}

import type { Clock } from '#core/clock.ts';
import { isExpected, isSystemError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { Log } from '../io/log.ts';
import { Cut, type CutCode } from './cut.ts';
import { type BrokerLimits, LOOK_MS } from './limits.ts';
import type { Tallies } from './tallies.ts';
import type { Visit } from './visit.ts';

/** Ends connections, and knows why those have ended that did. */
export class Watch {
  readonly #limits: BrokerLimits;
  readonly #tallies: Tallies;
  readonly #log: Log;

  constructor(limits: BrokerLimits, tallies: Tallies, log: Log) {
    this.#limits = limits;
    this.#tallies = tallies;
    this.#log = log;
  }

  /** Ends what takes too long, until `signal` aborts. */
  async run(visits: ReadonlyMap<unknown, Visit>, clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
      for (const visit of visits.values()) this.#lookAt(visit, clock.now());
    }
  }

  #lookAt(visit: Visit, now: Micros): void {
    const { connectMs, stallMs, silenceMs } = this.#limits;
    const { waitingSince = now, heardAt } = visit.guard;
    if (!visit.hasSpoken && now - visit.arrivedAt > connectMs * 1000) {
      this.cut(visit, 'LATE', 'no CONNECT in time'); // Clause 3.1.4.
    } else if (now - waitingSince > stallMs * 1000) {
      this.cut(visit, 'STALLED', 'it takes up nothing of what waits for it');
    } else if (now - heardAt > silenceMs * 1000) {
      this.cut(visit, 'SILENT', 'nothing from it for too long'); // Clause 3.1.2.10 permits it.
    }
  }

  cut(visit: Visit, code: CutCode, text: string): void {
    if (visit.guard.destroyed) return;
    this.count(visit, code, text);
    visit.guard.destroy(new Cut(code, text));
  }

  /** Counts a connection that the gateway ends, once, and tells it; so often as one source may. */
  count(visit: Visit, code: CutCode, text: string): void {
    if (visit.cutBy !== undefined) return;
    visit.cutBy = code;
    this.#tallies.cut(code);
    this.#log.warn({ source: 'mqtt', code }, `${visit.name}: closed: ${text}`);
  }

  /** Counts a connection that has ended by an error, unless that was the gateway's doing. */
  explain(visit: Visit, error: Error): void {
    if (visit.cutBy !== undefined) return;
    const { message } = error;
    if (error instanceof Cut) this.count(visit, error.code, message);
    else if (isSystemError(error) || isOfStreams(error)) this.#tallies.lost++;
    else if (isExpected(error)) this.count(visit, 'NOT_STORED', message);
    else this.count(visit, 'MALFORMED', message);
  }
}

/** What is said of a stream that has ended, by Node and by aedes. */
function isOfStreams(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_STREAM') || error.message === 'connection closed';
}

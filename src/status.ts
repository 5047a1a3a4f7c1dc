import type { Bus, ConsumerHealth } from '#core/bus.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import type { Health, PartHealth } from '#core/health.ts';
import type { Micros } from '#core/stream.ts';
import type { Device } from './devices.ts';
import type { Log } from './io/log.ts';
import type { Source } from './sources/source.ts';
import type { Status } from './sources/supervise.ts';

/** The state of one supervised source: for health, and for the log when it changes. */
export class SourceStatus {
  readonly source: Source;
  readonly #simulated: boolean;
  readonly #log: Log;
  readonly #clock: Clock;
  #status: Status = { state: 'starting' };
  #since: Micros = 0;
  /** Connections that ended, and the last reason; a retry does not hide why it is one. */
  #failures = 0;
  #lastError = '';
  /** Kinds of failure that were told in this outage: two that alternate are told once each. */
  readonly #told = new Set<string>();

  constructor({ source, simulated }: Device, log: Log, clock: Clock) {
    this.source = source;
    this.#simulated = simulated;
    this.#log = log;
    this.#clock = clock;
  }

  readonly report = (status: Status): void => {
    const fields = { source: this.source.id };
    switch (status.state) {
      case 'running':
        this.#log.info(
          fields,
          `receiving ${this.#simulated ? 'simulated ' : ''}data${this.#failures > 0 ? ' again' : ''}`,
        );
        this.#lastError = '';
        this.#told.clear();
        this.#since = this.#clock.now();
        break;
      case 'waiting': {
        const text = `${status.error.message} [${status.error.code}]`;
        // The first failure of a kind is news; its repeats, one a retry, are not.
        this.#log[this.#told.has(kindOf(text)) ? 'debug' : 'error'](fields, text);
        if (this.#told.size === 0) this.#since = this.#clock.now();
        this.#told.add(kindOf(text));
        this.#failures++;
        this.#lastError = text;
        break;
      }
      case 'starting':
        break;
    }
    this.#status = status;
  };

  health(): PartHealth {
    const running = this.#status.state === 'running';
    return {
      id: this.source.id,
      status: running ? 'ok' : 'waiting',
      text: running
        ? (this.source.note?.() ?? 'receiving data')
        : this.#lastError || (this.source.note?.() ?? 'opening the link'),
      details: {
        ...this.source.health(),
        ...(this.#simulated ? { simulated: true } : {}),
        sinceS: Math.round((this.#clock.now() - this.#since) / 1e6),
        failures: this.#failures,
      },
    };
  }
}

/** A failure without its numbers and quoted bytes, which differ from one try to the next. */
function kindOf(failure: string): string {
  return failure.replace(/".*"|\b[0-9A-F]{2}\b|\d+/g, '');
}

export interface Vitals {
  readonly version: string;
  readonly clock: Clock;
  readonly epoch: Epoch;
  readonly bus: Bus;
}

/** `GET /health`: the worst part decides. */
export function healthOf(
  { version, clock, epoch, bus }: Vitals,
  parts: readonly PartHealth[],
): Health {
  const failed = parts.some(({ status }) => status === 'failed');
  const waiting = parts.some(({ status }) => status === 'waiting');
  return {
    status: failed ? 'failed' : waiting ? 'degraded' : 'ok',
    version,
    uptimeS: Math.floor(clock.now() / 1e6),
    epoch: epoch.id,
    clockTrust: epoch.trust,
    parts,
    consumers: bus.health(),
  };
}

/**
 * Tells whether the gateway got anywhere since the last call. A timer that fires only shows that the
 * event loop turns; readings that wait since the last call, with none taken, mean that the rest is
 * stuck.
 */
export function progressCheck(bus: Bus): () => boolean {
  let before = new Map<string, ConsumerHealth>();
  return () => {
    const now = new Map(bus.health().map((consumer) => [consumer.name, consumer]));
    const stuck = [...now].some(([name, { queued, delivered }]) => {
      const last = before.get(name);
      return queued > 0 && last !== undefined && last.queued > 0 && last.delivered === delivered;
    });
    before = now;
    return !stuck;
  };
}

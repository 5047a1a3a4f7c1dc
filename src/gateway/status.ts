import type { Bus, ConsumerHealth } from '#core/bus.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import type { Health, PartHealth } from '#core/health.ts';
import type { Json, Micros } from '#core/stream.ts';
import type { Log } from '../io/log.ts';
import type { Source } from '../sources/source.ts';
import { Restart, type Status } from '../sources/supervise.ts';
import type { Device, DeviceKind } from './devices.ts';

/** A source as those see it who look after it. */
export interface SourceOverview {
  readonly id: string;
  readonly kind: DeviceKind;
  /** Where it is: `/dev/ttyUSB0`, or what is played; null where it has no name. */
  readonly device: string | null;
  readonly simulated: boolean;
  readonly state: Status['state'];
  /** One sentence for a person. */
  readonly text: string;
  /** Seconds since it has been as it is: reading, or not. */
  readonly sinceS: number;
  /** Connections that were lost, and those that a person began anew. */
  readonly failures: number;
  readonly restarts: number;
  /** What the source tells of itself. */
  readonly counters: { readonly [key: string]: Json };
}

/** The state of one supervised source: for health, and for the log when it changes. */
export class SourceStatus {
  readonly source: Source;
  /** For who wants the link opened anew. */
  readonly restart = new Restart();
  readonly #kind: DeviceKind;
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

  constructor({ kind, source, simulated }: Device, log: Log, clock: Clock) {
    this.source = source;
    this.#kind = kind;
    this.#simulated = simulated;
    this.#log = log;
    this.#clock = clock;
  }

  readonly report = (status: Status): void => {
    const fields = { source: this.source.id };
    switch (status.state) {
      case 'running':
        this.#log.info(fields, this.#news());
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
    return {
      id: this.source.id,
      status: this.#status.state === 'running' ? 'ok' : 'waiting',
      text: this.#text(),
      details: {
        ...this.source.health(),
        ...(this.#simulated ? { simulated: true } : {}),
        sinceS: this.#sinceS(),
        failures: this.#failures,
      },
    };
  }

  overview(): SourceOverview {
    const { device, recording, ...counters } = this.source.health();
    const where = device ?? recording;
    return {
      id: this.source.id,
      kind: this.#kind,
      device: typeof where === 'string' ? where : null,
      simulated: this.#simulated,
      state: this.#status.state,
      text: this.#text(),
      sinceS: this.#sinceS(),
      failures: this.#failures,
      restarts: this.restart.count,
      counters,
    };
  }

  /** What the log says of a link that has begun to bring data: a bus may bring only that it is silent. */
  #news(): string {
    const note = this.source.note?.();
    const again = this.#failures > 0;
    if (note === undefined) {
      return `receiving ${this.#simulated ? 'simulated ' : ''}data${again ? ' again' : ''}`;
    }
    return `${again ? 'connected again: ' : ''}${note}${this.#simulated ? ' (simulated)' : ''}`;
  }

  #text(): string {
    const note = this.source.note?.();
    if (this.#status.state === 'running') return note ?? 'receiving data';
    return this.#lastError || (note ?? 'opening the link');
  }

  #sinceS(): number {
    return Math.round((this.#clock.now() - this.#since) / 1e6);
  }
}

/** A failure without its numbers and quoted bytes, which differ from one try to the next. */
function kindOf(failure: string): string {
  return failure.replace(/".*"|\b[0-9A-F]{2}\b|\d+/g, '');
}

/** All sources, for who looks after them. */
export function sourcesOf(statuses: readonly SourceStatus[]) {
  return {
    list: () => statuses.map((status) => status.overview()),
    /** False where there is no such source. */
    restart: (id: string): boolean => {
      const found = statuses.find(({ source }) => source.id === id);
      found?.restart.now();
      return found !== undefined;
    },
  };
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

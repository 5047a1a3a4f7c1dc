import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import type { Alert, AlertRule, Instant } from '#core/alert.ts';
import type { Bus } from '#core/bus.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import { isSystemError } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Session, Span } from '#core/session.ts';
import type { Reading as Measured, Stream } from '#core/stream.ts';
import type { Login } from '../accounts/logins.ts';
import { anchorEpoch, readWall } from '../io/clock.ts';
import { makeDataDirectory, nextEpoch } from '../io/files.ts';
import { type Lock, lockDirectory } from '../io/lock.ts';
import type { Log } from '../io/log.ts';
import { createReading, type Reading } from '../reading/service.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Config } from '../settings/config.ts';
import { AuditTable, type AuditTableOptions } from '../store/audit-records.ts';
import { EPOCH_US_MAX, nameKey } from '../store/keys.ts';
import { MailTable } from '../store/mail-records.ts';
import { MqttTable } from '../store/mqtt-records.ts';
import { DATA_FILE } from '../store/opening/opening.ts';
import { Queue } from '../store/outbox/queue.ts';
import { newestEvents } from '../store/reading/newest-events.ts';
import { StoreReader } from '../store/reading/reader.ts';
import { SessionRecords } from '../store/session-records.ts';
import { Store, type StoreOptions } from '../store/store.ts';
import { TableRecords } from '../store/table-records.ts';
import { SysRecords } from './sys-records.ts';
import { Timekeeper } from './timekeeper.ts';

const MEGABYTE = 2 ** 20;
/** The newest: what waits for the cloud is hardly ever of before them. */
const SESSIONS_LOOKED_AT = 1_000;

/** The number of an epoch of which nothing is kept. */
const UNKEPT = 0;

export interface RecordingOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** The same where time passes as it does. */
  readonly realTime: Clock;
  readonly log: Log;
  readonly bus: Bus;
}

/**
 * Everything that keeps what comes in and gives it back: the store, the sessions over it, the thread
 * that reads, and the tie to the wall clock.
 */
export class Recording {
  readonly reading: Reading;
  /** Notes what happens beside the measurements. */
  readonly sys: SysRecords;
  readonly #queue: Queue;
  readonly #timekeeper: Timekeeper;
  readonly #options: RecordingOptions;
  readonly #store: Store;
  readonly #records: SessionRecords;
  readonly #sessions: Sessions;
  /** They know the sessions of earlier starts. */
  #sessionsLoaded = false;
  /** Of earlier starts. */
  #epochs: ReadonlyMap<number, Epoch> = new Map();

  /** Counts this start. @throws ConfigError where the data directory cannot be one */
  constructor(options: RecordingOptions) {
    const { config, clock, realTime, log, bus } = options;
    this.#options = options;
    const { id, off } = beginEpoch(config);
    const { speed } = config;
    const epoch = anchorEpoch(id, clock, { speed });
    if (off !== undefined) log[off.wanted ? 'info' : 'error']({ source: 'store' }, off.text);
    else if (speed !== 1) log.warn({ source: 'store' }, scaledText(speed));
    const store = new Store({
      directory: config.data,
      quotaBytes: config.quota * MEGABYTE,
      epoch,
      clock,
      log,
      pinned: () => this.#pinned(),
      off,
    });
    bus.attach(store);
    this.#store = store;
    this.#timekeeper = new Timekeeper({
      epoch,
      clock,
      log,
      // Better time would not make a clock right that runs at another speed.
      wall: () => readWall({ speed }),
      correct: async (better) => {
        await store.correct(better);
        await this.sys.clock(better);
      },
    });
    const epochs = () => new Map(this.#epochs).set(epoch.id, this.#timekeeper.epoch);
    this.sys = new SysRecords(store, clock);
    this.#queue = new Queue(store, randomBytes);
    this.#records = new SessionRecords(store);
    this.#sessions = new Sessions(this.sys.sessions(this.#records), {
      epoch,
      epochs,
      now: clock.now,
      statistics: async (spans) => {
        // Of what the disk does not have yet, no question finds the last second.
        await store.durable();
        return await this.reading.statistics(spans);
      },
      erase: async (ranges) => {
        await store.erase(ranges);
        this.sys.erased(ranges);
      },
      tell: (text) => log.info({ source: 'sessions' }, text),
    });
    const file = path.join(config.data, DATA_FILE);
    const sessions = this.#sessions;
    this.reading = createReading({
      store,
      sessions,
      epochs,
      now: clock.now,
      clock: realTime,
      file,
    });
  }

  /** This start, with the wall clock as it is known by now. */
  get epoch(): Epoch {
    return this.#timekeeper.epoch;
  }

  /** All that are known, by id, this one's included. */
  epochs(): ReadonlyMap<number, Epoch> {
    return this.reading.epochs();
  }

  /** None before those of earlier starts are known. */
  openSessions(): readonly Session[] {
    return this.#sessions.current();
  }

  /** The session of a moment, the one that began last where there are several; null where there is none. */
  sessionAt({ epoch, t }: Instant): number | null {
    const { items } = this.#sessions.list({ limit: SESSIONS_LOOKED_AT });
    const covers = (span: Span): boolean =>
      span.epoch === epoch && t >= span.from && (span.to === null || t < span.to);
    return items.find(({ spans }) => spans.some(covers))?.id ?? null;
  }

  /** Every stream that was ever stored, as far as that is known. */
  streams(): readonly Stream[] {
    return this.#store.streams();
  }

  /** What takes the batches of clients, and knows which it has. */
  ingestStore() {
    const store = this.#store;
    return {
      openings: () => store.openings,
      keep: (batch: readonly Measured[]) => store.keep(batch),
      durable: () => store.durable(),
      streams: () => store.streams(),
      newest: (ids: readonly string[], spans: readonly Span[]) => {
        const ranges = spans.map(({ epoch, from }) => ({ epoch, from, to: EPOCH_US_MAX }));
        const ground = { reads: store.reads, tail: store.tail(new Set()) };
        return newestEvents(ground, store.numbersOf(ids), ranges);
      },
    };
  }

  /** What is stored, in the order in which it is to be sent. */
  queue(): Queue {
    return this.#queue;
  }

  /** Where rules, alerts and mail are kept. */
  alertTables() {
    const byName = (id: string) => nameKey(id);
    return {
      rules: new TableRecords<string, AlertRule>(this.#store, 'rules', byName),
      alerts: new TableRecords<string, Alert>(this.#store, 'alerts', byName),
      mail: new MailTable(this.#store),
    };
  }

  /** Where the MQTT broker keeps what outlives a restart. */
  mqttTables(): MqttTable {
    return new MqttTable(this.#store);
  }

  /** Where log-ins and the audit log are kept. */
  accountTables(age: AuditTableOptions['age']) {
    const byName = (id: string) => nameKey(id);
    return {
      logins: new TableRecords<string, Login>(this.#store, 'tokens', byName),
      audit: new AuditTable(this.#store, { age }),
    };
  }

  /** Resolves with true when the store is open, with false when `signal` aborts before. */
  opened(signal: AbortSignal): Promise<boolean> {
    return this.#store.opened(signal);
  }

  storeHealth(): PartHealth {
    return this.#store.health();
  }

  health(): PartHealth[] {
    return [this.#store.health(), this.#sessions.health(), this.reading.health()];
  }

  /** Records until `signal` aborts, and closes the store. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    // The store goes last: it is what the others read and write.
    const store = new AbortController();
    const others = async (): Promise<void> => {
      try {
        await Promise.all([
          this.#timekeeper.run(signal),
          this.#runSessions(signal),
          this.#closeReading(signal),
        ]);
      } finally {
        store.abort();
      }
    };
    await Promise.all([this.#store.run(store.signal), others()]);
  }

  /** At once at the stop: sessions may be waiting for an answer, and a stop does not. */
  async #closeReading(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await once(signal, 'abort');
    await this.reading.close();
  }

  /** Before the sessions are loaded their records say which of them are not to be evicted. */
  #pinned(): readonly Span[] {
    if (this.#sessionsLoaded) return this.#sessions.pinnedSpans();
    return this.#records.list().flatMap(({ pinned, spans }) => (pinned ? spans : []));
  }

  /** Sessions need the store: they begin when it is open, and follow the car from then on. */
  async #runSessions(signal: AbortSignal): Promise<void> {
    const { bus, clock } = this.#options;
    if (!(await this.#store.opened(signal))) return;
    this.sys.open(this.#timekeeper.epoch);
    this.#epochs = new StoreReader(this.#store.reads, undefined).epochs();
    const { lastSeen } = this.#store;
    // A span ends before its end, and what was seen last is still in it.
    await this.#sessions.open({ lastSeen: lastSeen && { ...lastSeen, t: lastSeen.t + 1 } });
    this.#sessionsLoaded = true;
    bus.attach(this.#sessions);
    await this.#sessions.run(clock, signal);
  }
}

/**
 * Keeps other gateways from the data directory until it is released. To be taken before anything is
 * written there. One that records nothing, as a replay of what another is recording, is in nobody's
 * way, and neither is one whose disk takes no directory.
 *
 * @throws BusyError where another gateway has it; ConfigError where it cannot be a directory
 */
export async function lockData({ data, replay }: Config): Promise<Lock> {
  const none: Lock = { release: () => Promise.resolve() };
  if (replay !== undefined) return none;
  try {
    makeDataDirectory(data);
  } catch (error) {
    // Counting the start meets the same error, and says so.
    if (isSystemError(error)) return none;
    throw error;
  }
  return await lockDirectory(data);
}

/** The number of this start; and why nothing of it is kept, where it cannot or is not to be. */
function beginEpoch({ data, replay }: Config): { id: number; off: StoreOptions['off'] } {
  if (replay !== undefined)
    return { id: UNKEPT, off: { text: 'a replay is not recorded', wanted: true } };
  try {
    return { id: nextEpoch(data), off: undefined };
  } catch (error) {
    // A disk that fails must not keep the live data from the driver.
    if (!isSystemError(error)) throw error;
    const text = `off until the next start, nothing is recorded: ${error.message}`;
    return { id: UNKEPT, off: { text, wanted: false } };
  }
}

function scaledText(speed: number): string {
  return `the times of this recording run ${speed} times as fast as the wall clock`;
}

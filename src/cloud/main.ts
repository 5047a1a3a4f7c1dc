import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { inspect } from 'node:util';
import { ConfigError } from '#core/errors.ts';
import { monotonicClock } from '../io/clock.ts';
import { endWithin } from '../io/deadline.ts';
import { createLog, type Log } from '../io/log.ts';
import { connectMqtt } from '../io/mqtt-client.ts';
import { Acks } from './acks.ts';
import { Counters, type Gauges, metricsText } from './counters.ts';
import { type Database, DatabaseError, openDatabase } from './database.ts';
import { runErasing } from './erasing.ts';
import { Ingest, type IngestOptions } from './ingest.ts';
import { migrate, readMigrations } from './migrate.ts';
import { type Lane, openQueue, type Queue } from './queue.ts';
import { runRetention } from './retention.ts';
import { CLOUD_USAGE, parseSettings, type Settings } from './settings.ts';
import { type StatusPages, serveStatus } from './status-server.ts';
import { BatchStore } from './store.ts';

/** The fleet side: batches from the broker to the database, acknowledgements back. */

/** One for each lane, one for acknowledgements, one for retention, one for erasing. */
const CONNECTIONS = 5;
const STOP_MS_MAX = 10_000;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 10_000;
/** Of sysexits(3). */
const EXIT_SOFTWARE = 70;
const EXIT_CONFIG = 78;

const clock = monotonicClock();

async function run(settings: Settings): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());
  const journald = process.env['JOURNAL_STREAM'] !== undefined;
  const write = (line: string): void => void process.stdout.write(line);
  const log = createLog({ level: settings.log, journald, now: clock.now, write });
  const ended = Promise.withResolvers<void>();
  const stop = (): void => {
    endWithin(STOP_MS_MAX, () => log.error({}, `not stopped in ${STOP_MS_MAX / 1000} s`));
    ended.resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  const onBug = (bug: unknown): void => {
    log.error({ error: inspect(bug) }, 'ended by a bug');
    process.exitCode = EXIT_SOFTWARE;
    stopping.abort();
  };

  await using running = new AsyncDisposableStack();
  const database = openDatabase(settings.database, CONNECTIONS);
  running.defer(() => database.close());
  const parts = build(settings, database, { log, signal, onBug });
  // First, so that whoever started it sees what it waits for.
  const status = await serveStatus(settings.metrics, parts.pages);
  running.defer(() => status.close());
  log.info({}, `/metrics and /health at ${settings.metrics.host}:${status.port}`);
  const background = [parts.acks.run(signal).catch(onBug)];
  running.defer(async () => {
    stopping.abort(); // Where it is not a stop but an error that ends all this.
    await Promise.all(background);
  });
  if (!(await prepare(database, log, signal))) return;
  parts.prepared();
  const jobs = [
    runRetention({ clock, log, database, days: settings.retentionDays }, signal),
    runErasing({ clock, log, database, counters: parts.counters }, signal),
  ];
  background.push(...jobs.map((work) => work.catch(onBug)));
  // Last, as it brings the work, and so the first to be stopped.
  const queue = parts.consume();
  running.defer(() => queue.close());
  log.info({}, 'ready');
  await ended.promise;
  log.info({}, 'stopping');
}

interface Surroundings {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onBug: (bug: unknown) => void;
}

function build(settings: Settings, database: Database, { log, signal, onBug }: Surroundings) {
  const counters = new Counters();
  const store = new BatchStore(database);
  const acks = new Acks({
    ...{ clock, log, counters },
    connect: (signal) => {
      const clientId = `vigil-cloud-${hostname()}-${process.pid}`;
      return connectMqtt({ server: settings.mqtt, version: 4, clientId }, signal);
    },
    next: (place, id) => store.next(place, id),
  });
  let queue: Queue | undefined;
  let hasTables = false;
  const lane = (): Ingest => {
    const options: IngestOptions = {
      ...{ clock, log, counters },
      store: (arrived) => store.store(arrived),
      committed: (place, id) => acks.announce(place, id),
      putAside: (body, headers) =>
        queue?.putAside(body, headers) ?? Promise.reject(new Error('no queue')),
    };
    return new Ingest(options, signal);
  };
  const lanes: Readonly<Record<Lane, Ingest>> = { alerts: lane(), telemetry: lane() };
  const gauges = (): Gauges => {
    return {
      brokerConnected: queue?.connected ?? false,
      acksConnected: acks.connected,
      databaseReachable: hasTables && lanes.alerts.reachable && lanes.telemetry.reachable,
      waiting: lanes.alerts.waiting + lanes.telemetry.waiting,
      acksWaiting: acks.waiting,
    };
  };
  const pages: StatusPages = {
    metrics: () => metricsText(counters, gauges()),
    health: () => {
      const { brokerConnected: broker, databaseReachable, acksConnected } = gauges();
      const ok = broker && databaseReachable && acksConnected;
      return { ok, broker, database: databaseReachable, acks: acksConnected };
    },
  };
  const consume = (): Queue => {
    queue = openQueue({
      ...{ url: settings.amqp, log, onBug },
      onMessage: (lane, routingKey, body) => lanes[lane].take(routingKey, body),
    });
    return queue;
  };
  const prepared = (): void => {
    hasTables = true;
  };
  return { acks, pages, consume, counters, prepared };
}

/** Waits for the database and makes its tables. False when stopped before. */
async function prepare(database: Database, log: Log, signal: AbortSignal): Promise<boolean> {
  const sql = readFileSync(new URL('schema.sql', import.meta.url), 'utf8');
  const migrations = readMigrations(sql);
  for (
    let retryMs = RETRY_MS_FIRST;
    !signal.aborted;
    retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)
  ) {
    try {
      for (const { number, title } of await migrate(database, migrations)) {
        log.info({ source: 'database' }, `migration ${number}: ${title}`);
      }
      return true;
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'UNAVAILABLE') throw error;
      log.warn({ source: 'database', retryMs }, error.message);
      await clock.sleep(retryMs, signal).catch(() => {}); // The stop ends the loop.
    }
  }
  return false;
}

try {
  if (process.argv.includes('--help')) process.stdout.write(CLOUD_USAGE);
  else await run(parseSettings(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`vigil cloud: ${error.message}\n`);
  process.exitCode = EXIT_CONFIG;
}

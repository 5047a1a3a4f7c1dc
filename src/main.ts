import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { Bus } from '#core/bus.ts';
import { ConfigError } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import { type Config, readConfig, USAGE } from './config.ts';
import { createDevices } from './devices.ts';
import { Live } from './http/live.ts';
import { startHttp } from './http/server.ts';
import { loadStatic } from './http/static.ts';
import { anchorEpoch, monotonicClock } from './io/clock.ts';
import { nextEpoch } from './io/files.ts';
import { createLog } from './io/log.ts';
import { systemd } from './io/systemd.ts';
import { supervise } from './sources/supervise.ts';
import { healthOf, progressCheck, SourceStatus } from './status.ts';
import { dashboardFiles, packageVersion, WEB_DIRECTORY } from './web-files.ts';

/** sysexits(3): the unit is not restarted with a configuration that cannot be used. */
const EXIT_CONFIG = 78;
const EXIT_STUCK = 70;
/** What has not stopped by then is left behind. */
const STOP_MS_MAX = 5_000;

/** The composition root: the gateway from its configuration to its stop, as data flows through it. */
async function run(config: Config): Promise<void> {
  const clock = monotonicClock();
  const journald = process.env['JOURNAL_STREAM'] !== undefined;
  const write = (line: string): void => void process.stdout.write(line);
  // Whoever read the log has gone; the recording goes on.
  process.stdout.on('error', () => {});
  const log = createLog({ level: config.log, journald, now: clock.now, write });
  const version = packageVersion();
  const epoch = anchorEpoch(nextEpoch(config.data), clock);
  const manager = systemd(process.env, (error) =>
    log.error({ source: 'systemd' }, `systemd-notify: ${error.message}`),
  );
  const stopping = new AbortController();
  const { signal } = stopping;

  // Devices to bus.
  const bus = new Bus(setImmediate);
  const devices = createDevices(config, clock, log);
  const statuses = devices.map((device) => new SourceStatus(device, log, clock));
  const streams = () => devices.flatMap(({ source }) => source.streams);

  // Bus to clients.
  const live = new Live({ clock, streams });
  bus.attach(live);
  let httpStats: () => { readonly [key: string]: Json } = () => ({});
  const health = () =>
    healthOf({
      version,
      clock,
      epoch,
      bus,
      parts: () => [
        ...statuses.map((status) => status.health()),
        { id: 'http', status: 'ok', text: 'listening', details: httpStats() },
      ],
    });

  if (devices.length === 0) log.warn({}, 'no device is configured; --sim 1 shows a simulated one');

  // Start, in the order of the flow from its end: what consumes is ready before what produces.
  await using running = new AsyncDisposableStack();
  const stopped = new AbortController();
  running.defer(() => stopped.abort());
  const http = await startHttp({
    ...config.http,
    clock,
    log,
    live,
    health,
    streams,
    files: await loadStatic(WEB_DIRECTORY, dashboardFiles()),
    hello: {
      device: config.device,
      epoch: epoch.id,
      version,
      simulated: devices.some(({ simulated }) => simulated),
    },
    origins: [],
  });
  httpStats = http.stats;
  running.defer(http.close);
  const sources = statuses.map(({ source, report }) =>
    supervise(source, { emit: bus.emit, clock, signal, report }),
  );
  running.defer(async () => {
    stopping.abort();
    await Promise.all(sources);
  });
  // A source that ends in a bug ends the process, and systemd starts it again.
  const bug = new Promise<never>((_, reject) => void Promise.all(sources).catch(reject));

  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());
  manager.notify('READY=1');
  log.info({ epoch: epoch.id, clock: epoch.trust }, `Vigil ${version} at ${http.url}/`);
  flushCompileCache();

  const moving = progressCheck(bus);
  while (!signal.aborted) {
    const pause = clock.sleep(manager.pingMs ?? 60_000, signal).catch(() => {}); // The stop ends it.
    await Promise.race([pause, bug]);
    if (manager.pingMs !== undefined && moving()) manager.notify('WATCHDOG=1');
  }
  manager.notify('STOPPING=1');
  log.info({}, 'stopping');
  void clock.sleep(STOP_MS_MAX, stopped.signal).then(
    () => process.exit(EXIT_STUCK),
    () => {}, // Everything stopped in time.
  );
}

try {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) process.stdout.write(USAGE);
  else {
    const { config, check } = readConfig(argv, process.env, (path) => readFileSync(path, 'utf8'));
    if (check) process.stdout.write('the configuration is good\n');
    else await run(config);
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`vigil: ${error.message}\n`);
  process.exitCode = EXIT_CONFIG;
}

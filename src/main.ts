import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { inspect } from 'node:util';
import { Bus } from '#core/bus.ts';
import { type Config, readConfig, USAGE } from './config.ts';
import { createDevices } from './devices.ts';
import { EXIT_SOFTWARE, exitCodeOf } from './exit.ts';
import { Live } from './http/live.ts';
import { startHttp } from './http/server.ts';
import { loadStatic } from './http/static.ts';
import { anchorEpoch, monotonicClock } from './io/clock.ts';
import { endWithin } from './io/deadline.ts';
import { nextEpoch } from './io/files.ts';
import { createLog } from './io/log.ts';
import { type Systemd, systemd } from './io/systemd.ts';
import { supervise } from './sources/supervise.ts';
import { healthOf, progressCheck, SourceStatus } from './status.ts';
import { dashboardFiles, packageVersion, WEB_DIRECTORY } from './web-files.ts';

/** What has not stopped by then is left behind; the unit's TimeoutStopSec is longer. */
const STOP_MS_MAX = 5_000;
/** Without a watchdog there is nothing to do but wait for the stop. */
const IDLE_MS = 60_000;

type Parts = ReturnType<typeof build>;

/** The composition root: the gateway from its configuration to its stop. */
async function run(config: Config): Promise<void> {
  const parts = build(config);
  const { log, epoch, version, devices } = parts;
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());
  if (devices.length === 0) log.warn({}, 'no device is configured; --sim 1 shows a simulated one');

  await using running = new AsyncDisposableStack();
  const { url, bug } = await start(config, parts, running, stopping);
  const manager = systemd(process.env, (error) =>
    log.error({ source: 'systemd' }, `systemd-notify: ${error.message}`),
  );
  manager.notify('READY=1');
  log.info({}, `Vigil ${version} at ${url}/`);
  const wall = epoch.trust === 'none' ? 'not to be trusted' : `set by ${epoch.trust}`;
  log.info({}, `start ${epoch.id} with the data in ${config.data}; the wall clock is ${wall}`);
  flushCompileCache();

  try {
    await Promise.race([watchUntilStopped(manager, parts, stopping.signal), bug]);
  } catch (error) {
    // Told before anything is stopped, which may hang or fail in its turn.
    log.error({ error: inspect(error) }, 'ended by a bug');
    process.exitCode = EXIT_SOFTWARE;
  }
  endWithin(STOP_MS_MAX, () => log.error({}, `not stopped in ${STOP_MS_MAX / 1000} s`));
  manager.notify('STOPPING=1');
  log.info({}, 'stopping');
}

/** The parts, in the order in which data flows through them. Nothing is opened yet. */
function build(config: Config) {
  const clock = monotonicClock();
  const journald = process.env['JOURNAL_STREAM'] !== undefined;
  const write = (line: string): void => void process.stdout.write(line);
  // Whoever read the log has gone; the recording goes on.
  process.stdout.on('error', () => {});
  const log = createLog({ level: config.log, journald, now: clock.now, write });
  const devices = createDevices(config, clock, log);
  const statuses = devices.map((device) => new SourceStatus(device, log, clock));
  const streams = () => devices.flatMap(({ source }) => source.streams);
  const bus = new Bus(setImmediate);
  const live = new Live({ clock, streams });
  bus.attach(live);
  const version = packageVersion();
  const epoch = anchorEpoch(nextEpoch(config.data), clock);
  return { clock, log, devices, statuses, streams, bus, live, version, epoch };
}

/** Starts from the end of the flow: what consumes is ready before what produces. */
async function start(
  config: Config,
  parts: Parts,
  running: AsyncDisposableStack,
  stopping: AbortController,
): Promise<{ url: string; bug: Promise<never> }> {
  const { clock, devices, statuses, bus, version, epoch } = parts;
  const { signal } = stopping;
  const { device } = config;
  const simulated = devices.some((one) => one.simulated);
  const http = await startHttp({
    ...parts,
    ...config.http,
    health: () => healthOf(parts, [...statuses.map((status) => status.health()), http.health()]),
    files: await loadStatic(WEB_DIRECTORY, dashboardFiles()),
    hello: { device, epoch: epoch.id, version, simulated },
    origins: [],
  });
  running.defer(http.close);
  const sources = statuses.map(({ source, report }) =>
    supervise(source, { emit: bus.emit, clock, signal, report }),
  );
  running.defer(async () => {
    stopping.abort();
    // The bug that one ended in has been told by then.
    await Promise.allSettled(sources);
  });
  // A source that ends in a bug ends the process, and systemd starts it again.
  const bug = new Promise<never>((_, reject) => void Promise.all(sources).catch(reject));
  return { url: http.url, bug };
}

/** Pings the service manager while the gateway gets anywhere. Resolves at the stop. */
async function watchUntilStopped(
  manager: Systemd,
  { bus, clock }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const moving = progressCheck(bus);
  while (!signal.aborted) {
    await clock.sleep(manager.pingMs ?? IDLE_MS, signal).catch(() => {}); // The stop ends it.
    if (manager.pingMs !== undefined && moving()) manager.notify('WATCHDOG=1');
  }
}

try {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) process.stdout.write(USAGE);
  else if (argv.includes('--version')) process.stdout.write(`${packageVersion()}\n`);
  else {
    const { config, check } = readConfig(argv, process.env, (path) => readFileSync(path, 'utf8'));
    if (check) process.stdout.write('the configuration is good\n');
    else await run(config);
  }
} catch (error) {
  const code = exitCodeOf(error);
  if (!(error instanceof Error) || code === undefined) throw error;
  process.stderr.write(`vigil: ${error.message}\n`);
  process.exitCode = code;
}

import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { inspect } from 'node:util';
import { ConfigError } from '#core/errors.ts';
import { EXIT_SOFTWARE, EXIT_TEMPFAIL, exitCodeOf } from './gateway/exit.ts';
import { build, type Parts, start, type World } from './gateway/gateway.ts';
import { type Starting, startingWith } from './gateway/last-good.ts';
import { lockData } from './gateway/recording.ts';
import { openReplay } from './gateway/replay.ts';
import { progressCheck } from './gateway/status.ts';
import { packageVersion } from './gateway/web-files.ts';
import { welcomeLines } from './gateway/welcome.ts';
import { monotonicClock } from './io/clock.ts';
import { endWithin } from './io/deadline.ts';
import { createLog } from './io/log.ts';
import { ownAddresses } from './io/network.ts';
import { systemdPower } from './io/power.ts';
import { scaledClock } from './io/scaled-clock.ts';
import { type Systemd, systemd } from './io/systemd.ts';
import { type Config, USAGE } from './settings/config.ts';

/** What has not stopped by then is left behind; the unit's TimeoutStopSec is longer. */
const STOP_MS_MAX = 5_000;
/** Without a watchdog there is nothing to do but wait for the stop. */
const IDLE_MS = 60_000;

/** The composition root: the gateway from its configuration to its stop. */
async function run(starting: Starting): Promise<void> {
  const { config } = starting.invocation;
  const stopping = new AbortController();
  const restart = (): void => {
    process.exitCode = EXIT_TEMPFAIL;
    stopping.abort();
  };
  const power = systemdPower(process.env, process.pid);
  const world = { ...surroundings(config), process: { starting, power, restart } };
  await using running = new AsyncDisposableStack();
  const lock = await lockData(config);
  running.defer(lock.release);
  const replayed = await openReplay(config, world.realTime, running);
  const parts = build(config, world, replayed);
  const { log, recording, accounting, managed, version, devices } = parts;
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());
  managed.settings.tellFault();
  if (devices.length === 0) log.warn({}, 'no device is configured; --sim 1 shows a simulated one');

  const { url, secureUrl, bug } = await start(config, parts, running, stopping);
  const manager = systemd(process.env, (error) =>
    log.error({ source: 'systemd' }, `systemd-notify: ${error.message}`),
  );
  manager.notify('READY=1');
  const { claimCode } = accounting;
  const addresses = ownAddresses().map(({ address }) => address);
  for (const line of welcomeLines({ version, url, secureUrl, addresses, claimCode })) {
    log.info({}, line);
  }
  const { id, trust } = recording.epoch;
  const wall = trust === 'none' ? 'not to be trusted' : `set by ${trust}`;
  const { replay, data } = config;
  const where = replay === undefined ? `start ${id} with` : 'plays';
  const what = typeof replay === 'string' ? replay : `the data in ${data}`;
  log.info({}, `${where} ${what}; the wall clock is ${wall}`);
  await managed.settings.keep();
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

/** With settings that turn out to be of no use, such as another's address, the last good ones. */
async function runOrInstead(starting: Starting): Promise<void> {
  try {
    await run(starting);
  } catch (error) {
    const other = error instanceof ConfigError ? starting.instead(error) : undefined;
    if (other === undefined) throw error;
    await run(other);
  }
}

/** The clocks, the log to where it is read, and the turns of the event loop. */
function surroundings({ speed, log: level }: Config): World {
  const realTime = monotonicClock();
  const clock = speed === 1 ? realTime : scaledClock(realTime, speed);
  const journald = process.env['JOURNAL_STREAM'] !== undefined;
  const write = (line: string): void => void process.stdout.write(line);
  // Whoever read the log has gone; the recording goes on.
  process.stdout.on('error', () => {});
  const log = createLog({ level, journald, now: realTime.now, write });
  return {
    clock,
    realTime,
    log,
    defer: setImmediate,
    setupPassword: process.env['VIGIL_SETUP_PASSWORD'],
  };
}

/** Pings the service manager while the gateway gets anywhere. Resolves at the stop. */
async function watchUntilStopped(
  manager: Systemd,
  { bus, realTime }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const moving = progressCheck(bus);
  while (!signal.aborted) {
    await realTime.sleep(manager.pingMs ?? IDLE_MS, signal).catch(() => {}); // The stop ends it.
    if (manager.pingMs !== undefined && moving()) manager.notify('WATCHDOG=1');
  }
}

try {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) process.stdout.write(USAGE);
  else if (argv.includes('--version')) process.stdout.write(`${packageVersion()}\n`);
  else {
    const starting = await startingWith(argv, process.env, (path) => readFileSync(path, 'utf8'));
    if (starting.invocation.check) process.stdout.write('the configuration is good\n');
    else await runOrInstead(starting);
  }
} catch (error) {
  const code = exitCodeOf(error);
  if (!(error instanceof Error) || code === undefined) throw error;
  process.stderr.write(`vigil: ${error.message}\n`);
  process.exitCode = code;
}

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import { Exports } from '../exporting/exports.ts';
import type { Limits } from '../http/limits.ts';
import { Live } from '../http/live.ts';
import { startHttp } from '../http/server.ts';
import { CLIENT_ALERT } from '../ingest/streams.ts';
import type { Log } from '../io/log.ts';
import { Machine } from '../io/machine.ts';
import { spoolAt } from '../io/spool.ts';
import type { Config } from '../settings/config.ts';
import { CAR_DBC } from '../sim/can-port.ts';
import { supervise } from '../sources/supervise.ts';
import { Accounting } from './accounting.ts';
import { Alerting } from './alerting.ts';
import { Canning } from './canning.ts';
import { createDevices, type Device } from './devices.ts';
import { Diagnosing } from './diagnosing.ts';
import { createIngest } from './ingesting.ts';
import { managing, type Process, partOfAnother } from './managing.ts';
import { publishing } from './publishing.ts';
import { reachOf } from './reach.ts';
import { Recording } from './recording.ts';
import { healthOfAll, servedOf } from './serving.ts';
import { SourceStatus } from './status.ts';
import { packageVersion } from './web-files.ts';

/** Below the data; nothing in it outlives the process. */
const EXPORTS_DIRECTORY = 'exports';

export type Parts = ReturnType<typeof build>;

/** What the gateway is given of the world. */
export interface World {
  /** The time of what is measured; a simulation or a replay may have it pass faster. */
  readonly clock: Clock;
  /** The time in which clients wait. */
  readonly realTime: Clock;
  readonly log: Log;
  /** Runs a function in a later turn of the event loop. */
  defer(run: () => void): void;
  /** Of the web server, where they are not to be its own. */
  readonly limits?: Partial<Limits>;
  /** Of the first account; see Accounting. */
  readonly setupPassword?: string | undefined;
  /** The process that it is; one of its own without it is part of another program. */
  readonly process?: Process;
}

/**
 * The parts, in the order in which data flows through them. Only the start is counted.
 *
 * @param replayed what takes the place of the configured devices, if anything
 */
export function build(config: Config, world: World, replayed: readonly Device[] = []) {
  const { clock, realTime, log, defer } = world;
  const devices = replayed.length > 0 ? replayed : createDevices(config, clock, log);
  const statuses = devices.map((device) => new SourceStatus(device, log, clock));
  const streams = () => devices.flatMap(({ source }) => source.streams);
  const bus = new Bus(defer);
  const recording = new Recording({ config, clock, realTime, log, bus });
  const { setupPassword } = world;
  const accounting = new Accounting({ config, realTime, log, recording, setupPassword });
  const alerting = new Alerting({
    ...{ config, clock, realTime, log, bus, recording },
    streams: () => [...streams(), CLIENT_ALERT],
    sources: () => statuses.map((status) => status.health()),
  });
  const version = packageVersion();
  const managed = managing({
    ...{ clock, realTime, log, recording, accounting, alerting, version },
    process: world.process ?? partOfAnother(config),
  });
  const ingest = createIngest({
    ...{ clock, realTime, recording, emit: bus.emit },
    ownStreams: () => [...streams(), ...alerting.ownStreams],
  });
  const live = new Live({
    ...{ clock, realTime },
    streams: () => [...streams(), ...ingest.streams()],
    ongoing: () => alerting.snapshot(),
  });
  bus.attach(live);
  const diagnosis = new Diagnosing({
    ...{ clock, realTime, epoch: () => recording.epoch },
    car: devices.find(({ car }) => car !== undefined)?.car,
    replayed: replayed.length > 0,
  });
  const can = canningOf(config, devices, world);
  const exports = new Exports({
    ...{ clock: realTime, random: randomBytes },
    files: spoolAt(path.join(config.data, EXPORTS_DIRECTORY)),
    estimate: (request) => recording.reading.estimate(request, streams()),
  });
  const simulated = devices.some((one) => one.simulated);
  const published = publishing({
    ...{ config, clock, realTime, log, bus, defer, recording, accounting, alerting, ingest },
    ...{ statuses, version, simulated },
    streams: () => [...streams(), ...alerting.ownStreams, ...ingest.streams()],
  });
  return {
    clock,
    realTime,
    log,
    devices,
    statuses,
    streams,
    bus,
    recording,
    accounting,
    alerting,
    ingest,
    diagnosis,
    can,
    live,
    ...published,
    managed,
    // What is replayed may be what another gateway records, and its data are that one's.
    exports: config.replay === undefined ? exports : undefined,
    ...(world.limits && { limits: world.limits }),
    version,
    simulated,
  };
}

/** Undefined where no CAN bus is read. What the frames of a simulated one mean is known. */
function canningOf(
  config: Config,
  devices: readonly Device[],
  { log, realTime }: World,
): Canning | undefined {
  const buses = devices.flatMap(({ can, simulated }) => (can ? [{ source: can, simulated }] : []));
  if (buses.length === 0) return undefined;
  const known = config.replay === undefined ? buses.filter(({ simulated }) => simulated) : [];
  return new Canning({
    sources: buses.map(({ source }) => source),
    dbc: [
      ...config.dbc.map((one) => ({ ...one, origin: 'setting' as const })),
      ...known.map(({ source: { bus } }) => ({ bus, file: CAR_DBC, origin: 'simulator' as const })),
    ],
    ...{ data: config.data, log, rest: () => realTime.sleep(0) },
  });
}

/** A gateway that runs. */
export interface Running {
  /** Without a slash at the end, as is `secureUrl`. */
  readonly url: string;
  /** Undefined where there is no TLS. */
  readonly secureUrl: string | undefined;
  /** Rejects with what ends the process: a bug in a part of it. Never resolves. */
  readonly bug: Promise<never>;
}

/**
 * Starts from the end of the flow: what consumes is ready before what produces.
 *
 * @param running takes what is to be stopped, so that its disposal is this in reverse
 * @param stopping ends the sources; everything else ends when they have
 */
export async function start(
  config: Config,
  parts: Parts,
  running: AsyncDisposableStack,
  stopping: AbortController,
): Promise<Running> {
  const { clock, statuses, bus, recording, accounting, alerting, managed } = parts;
  const { version, simulated } = parts;
  recording.sys.device({ name: config.device, version, simulated });
  await accounting.load();
  await parts.exports?.open();
  await parts.can?.open();
  const recorded = keepOn(recording, running);
  const admitted = keepOn(accounting, running);
  const watched = keepOn(alerting, running);
  const bridged = keepOn(parts.bridging, running);
  const machine = running.use(new Machine());
  machine.start();
  running.use(managed.bluetooth);
  const { certificates, ...reach } = reachOf(config, clock, recording);
  const served = await servedOf(config, parts, machine);
  await parts.mqtt.open(served, certificates);
  const published = keepOn(parts.mqtt, running);
  const homed = parts.home && keepOn(parts.home, running);
  const http = await startHttp({
    ...{ ...served, ...reach, ...(config.mqtts && { certificates }) },
    health: () => healthOfAll(parts, http),
  });
  running.defer(http.close);
  const { signal } = stopping;
  const sources = statuses.map(({ source, report, restart }) =>
    supervise(source, { emit: bus.emit, clock, signal, report, restart }),
  );
  running.defer(async () => {
    stopping.abort();
    // The bug that one ended in has been told by then.
    await Promise.allSettled(sources);
  });
  const all = [...sources, recorded, admitted, watched, bridged, published, homed];
  // A part that ends in a bug ends the process, and systemd starts it again.
  const bug = new Promise<never>((_, reject) => void Promise.all(all).catch(reject));
  return { url: http.url, secureUrl: http.secureUrl, bug };
}

/** Runs a part until everything that was started later has stopped; resolves or rejects then. */
function keepOn(
  part: { run(signal: AbortSignal): Promise<void> },
  running: AsyncDisposableStack,
): Promise<void> {
  const stop = new AbortController();
  const ended = part.run(stop.signal);
  running.defer(async () => {
    stop.abort();
    await Promise.allSettled([ended]);
  });
  return ended;
}

import { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import { Alerting } from './alerting.ts';
import type { Config } from './config.ts';
import { createDevices, type Device } from './devices.ts';
import { Live } from './http/live.ts';
import { startHttp } from './http/server.ts';
import { loadStatic } from './http/static.ts';
import type { Log } from './io/log.ts';
import { Recording } from './recording.ts';
import { supervise } from './sources/supervise.ts';
import { healthOf, SourceStatus } from './status.ts';
import { dashboardFiles, packageVersion, WEB_DIRECTORY } from './web-files.ts';

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
  const alerting = new Alerting({
    ...{ config, clock, realTime, log, bus, recording, streams },
    sources: () => statuses.map((status) => status.health()),
  });
  const live = new Live({ clock, streams, ongoing: () => alerting.snapshot() });
  bus.attach(live);
  return {
    clock,
    realTime,
    log,
    devices,
    statuses,
    streams,
    bus,
    recording,
    alerting,
    live,
    version: packageVersion(),
  };
}

/** A gateway that runs. */
export interface Running {
  readonly url: string;
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
  const { clock, devices, statuses, bus, version, recording, alerting } = parts;
  const recorded = keepOn(recording, running);
  const watched = keepOn(alerting, running);
  const http = await startHttp({
    ...parts,
    ...config.http,
    streams: () => [...parts.streams(), ...alerting.ownStreams],
    reading: recording.reading,
    health: () => {
      const sources = statuses.map((status) => status.health());
      const all = [...sources, ...recording.health(), ...alerting.health(), http.health()];
      return healthOf({ ...parts, epoch: recording.epoch }, all);
    },
    files: await loadStatic(WEB_DIRECTORY, dashboardFiles()),
    hello: {
      device: config.device,
      epoch: recording.epoch.id,
      version,
      simulated: devices.some((one) => one.simulated),
    },
    origins: [],
  });
  running.defer(http.close);
  const { signal } = stopping;
  const sources = statuses.map(({ source, report }) =>
    supervise(source, { emit: bus.emit, clock, signal, report }),
  );
  running.defer(async () => {
    stopping.abort();
    // The bug that one ended in has been told by then.
    await Promise.allSettled(sources);
  });
  // A part that ends in a bug ends the process, and systemd starts it again.
  const bug = new Promise<never>(
    (_, reject) => void Promise.all([...sources, recorded, watched]).catch(reject),
  );
  return { url: http.url, bug };
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

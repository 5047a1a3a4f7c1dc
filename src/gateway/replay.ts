import type { Clock } from '#core/clock.ts';
import { ConfigError } from '#core/errors.ts';
import { sessionStretches } from '../reading/stretches.ts';
import type { Config } from '../settings/config.ts';
import { canSource } from '../sources/can/can.ts';
import { dbcNameOf } from '../sources/can/shelf-names.ts';
import { LogError } from '../sources/replay/log/errors.ts';
import { type LogFile, openLog } from '../sources/replay/log/log-file.ts';
import { logBuses, type RecordedBus } from '../sources/replay/log-bus.ts';
import type { Recording } from '../sources/replay/readings.ts';
import { replaySource } from '../sources/replay/replay.ts';
import { splitBuses } from '../sources/replay/stored-bus.ts';
import { StoreError } from '../store/errors.ts';
import { type OfflineStore, openOffline } from '../store/opening/offline.ts';
import { exportSource } from '../store/reading/export-source.ts';
import { dbcFilesOf } from './canning.ts';
import type { Device } from './devices.ts';

const BUS_PREFIX = 'can.';

/**
 * What the configuration asks for in place of devices: a stored session, or a log of CAN buses. Where
 * there is a DBC file for a bus of a session, its frames are decoded anew, so that a file that came
 * after the drive counts.
 *
 * @param running closes the store when everything has stopped
 * @throws ConfigError where there is no such session or file, or no store
 */
export async function openReplay(
  config: Config,
  clock: Clock,
  running: AsyncDisposableStack,
): Promise<Device[]> {
  const { replay } = config;
  if (replay === undefined) return [];
  if (typeof replay === 'string') return busDevices(logBuses(await logAt(replay)));
  const recording = await sessionOf(config, replay, clock, running);
  const buses = await busesWithDbc(config, recording);
  const split = splitBuses(recording, (bus) => buses.includes(bus));
  const source = replaySource({ id: 'replay', recording: split.rest });
  return [{ kind: 'replay', source, simulated: true }, ...busDevices(split.buses)];
}

/** Its frames come as those of a real bus do. */
function busDevices(buses: readonly RecordedBus[]): Device[] {
  return buses.map(({ name, device, open, play }, i) => {
    const id = i === 0 ? 'can' : `can${i + 1}`;
    const source = canSource({ id, name, device, open, recording: play });
    return { kind: 'replay', source, can: source, simulated: true };
  });
}

async function logAt(file: string): Promise<LogFile> {
  try {
    return await openLog(file);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    throw new ConfigError(`replay: ${error.message}`, { cause: error });
  }
}

async function sessionOf(
  { data }: Config,
  id: number,
  clock: Clock,
  running: AsyncDisposableStack,
): Promise<Recording> {
  const store = await open(data, clock);
  running.defer(store.close);
  const session = store.sessions().find((one) => one.id === id);
  if (session === undefined) {
    const ids = store.sessions().map((one) => one.id);
    const known = ids.length === 0 ? 'none' : `${ids.at(0)} to ${ids.at(-1)}`;
    throw new ConfigError(`replay: expected a session of ${data} (${known}), found ${id}`);
  }
  const reader = store.reader();
  return exportSource({
    title: `session ${id}`,
    reader,
    streams: [...new Set(reader.streams().map(({ stream }) => stream.id))],
    stretches: sessionStretches(store, session),
  });
}

/** Names of the recorded buses for which a setting or somebody has given a file. */
async function busesWithDbc({ data, dbc }: Config, { streams }: Recording): Promise<string[]> {
  const frames = streams.filter(({ id, kind }) => kind === 'frame' && id.startsWith(BUS_PREFIX));
  const buses: string[] = [];
  for (const bus of frames.map(({ id }) => id.slice(BUS_PREFIX.length))) {
    const isSet = dbc.some((one) => one.bus === bus);
    const kept = isSet ? [] : await dbcFilesOf(data, bus).names();
    if (isSet || kept.some((entry) => dbcNameOf(entry) !== undefined)) buses.push(bus);
  }
  return buses;
}

async function open(data: string, clock: Clock): Promise<OfflineStore> {
  try {
    return await openOffline(data, clock);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new ConfigError(`replay: ${error.message}`, { cause: error });
  }
}

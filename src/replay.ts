import type { Clock } from '#core/clock.ts';
import { ConfigError } from '#core/errors.ts';
import type { Config } from './config.ts';
import type { Device } from './devices.ts';
import { sessionStretches } from './reading/stretches.ts';
import { replaySource } from './sources/replay/replay.ts';
import { StoreError } from './store/errors.ts';
import { type OfflineStore, openOffline } from './store/opening/offline.ts';
import { exportSource } from './store/reading/export-source.ts';

/**
 * The stored session that the configuration asks for, in place of devices.
 *
 * @param running closes the store when everything has stopped
 * @throws ConfigError where there is no such session, or no store
 */
export async function openReplay(
  { data, replay }: Config,
  clock: Clock,
  running: AsyncDisposableStack,
): Promise<Device[]> {
  if (replay === undefined) return [];
  const store = await open(data, clock);
  running.defer(store.close);
  const session = store.sessions().find(({ id }) => id === replay);
  if (session === undefined) {
    const ids = store.sessions().map(({ id }) => id);
    const known = ids.length === 0 ? 'none' : `${ids.at(0)} to ${ids.at(-1)}`;
    throw new ConfigError(`replay: expected a session of ${data} (${known}), found ${replay}`);
  }
  const reader = store.reader();
  const recording = exportSource({
    title: `session ${replay}`,
    reader,
    streams: [...new Set(reader.streams().map(({ stream }) => stream.id))],
    stretches: sessionStretches(store, session),
  });
  const source = replaySource({ id: 'replay', recording });
  return [{ kind: 'replay', source, simulated: true }];
}

async function open(data: string, clock: Clock): Promise<OfflineStore> {
  try {
    return await openOffline(data, clock);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new ConfigError(`replay: ${error.message}`, { cause: error });
  }
}

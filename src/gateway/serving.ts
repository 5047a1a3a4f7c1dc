import type { Health, PartHealth } from '#core/health.ts';
import type { HttpOptions } from '../http/server.ts';
import { loadStatic } from '../http/static.ts';
import type { Machine } from '../io/machine.ts';
import type { Config } from '../settings/config.ts';
import type { Parts } from './gateway.ts';
import { healthOf, sourcesOf } from './status.ts';
import { systemOf } from './system.ts';
import { dashboardFiles, packageVersion, WEB_DIRECTORY } from './web-files.ts';

/** What people and programs get to see of the parts, but for how they are. */
export async function servedOf(
  config: Config,
  parts: Parts,
  machine: Machine,
): Promise<Omit<HttpOptions, 'health' | 'tls' | 'origins'>> {
  const { clock, statuses, version, recording, accounting, alerting, ingest } = parts;
  const sources = sourcesOf(statuses);
  return {
    ...parts,
    ...parts.managed,
    ...config.http,
    streams: () => [...parts.streams(), ...alerting.ownStreams, ...ingest.streams()],
    reading: recording.reading,
    accounts: accounting.accounts,
    audit: accounting.audit,
    sources,
    sync: () => parts.bridging.sync(),
    system: () =>
      systemOf({
        ...{ machine, clock, device: config.device, data: config.data },
        versions: { gateway: version, lmdb: packageVersion('lmdb') },
        epoch: () => recording.epoch,
        sources: sources.list,
        store: () => recording.storeHealth(),
      }),
    files: await loadStatic(WEB_DIRECTORY, dashboardFiles()),
    hello: {
      device: config.device,
      epoch: recording.epoch.id,
      version,
      simulated: parts.simulated,
    },
  };
}

/** How every part is, and the whole. */
export function healthOfAll(parts: Parts, http: { health(): PartHealth }): Health {
  const { statuses, recording, alerting, ingest, accounting, managed, exports, can } = parts;
  const all = [
    ...statuses.map((status) => status.health()),
    ...[...recording.health(), ...alerting.health(), ingest.health(), accounting.health()],
    ...[managed.settings.health(), http.health()],
    ...(exports ? [exports.health()] : []),
    ...(can?.health() ?? []),
    ...[...parts.mqtt.health(), ...parts.bridging.health(), ...(parts.home?.health() ?? [])],
  ];
  return healthOf({ ...parts, epoch: recording.epoch }, all);
}

import { type Clock, type Epoch, wallMs } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Machine } from '../io/machine.ts';
import type { SourceOverview } from './status.ts';

export interface SystemParts {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly versions: { readonly gateway: string; readonly lmdb: string };
  /** What the gateway is called. */
  readonly device: string;
  /** Where the data is. */
  readonly data: string;
  epoch(): Epoch;
  sources(): readonly SourceOverview[];
  store(): PartHealth;
}

/** Everything that somebody who looks for a fault asks first. */
export async function systemOf(parts: SystemParts) {
  const { machine, clock, versions, device, data } = parts;
  const { node, kernel, ...state } = await machine.state(data);
  const epoch = parts.epoch();
  const now = clock.now();
  const { status, text, details } = parts.store();
  return {
    versions: { ...versions, node, kernel },
    device,
    uptimeS: Math.floor(now / 1e6),
    clock: {
      epoch: epoch.id,
      time: new Date(wallMs(epoch, now)).toISOString(),
      trust: epoch.trust,
    },
    sources: parts.sources(),
    store: { status, text, details },
    ...state,
  };
}

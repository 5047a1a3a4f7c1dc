import type { ConsumerHealth } from './bus.ts';
import type { Trust } from './clock.ts';
import type { Json } from './stream.ts';

/** One part of the gateway as `GET /health` shows it: a source, the broker, the store. */
export interface PartHealth {
  readonly id: string;
  /** `waiting`: not working now, being retried. `failed`: the gateway cannot do its job without it. */
  readonly status: 'ok' | 'waiting' | 'failed';
  /** One sentence for a person: what is wrong, with which device, what was seen. */
  readonly text: string;
  readonly details: { readonly [key: string]: Json };
}

/** The whole of `GET /health`. Answered with 503 exactly when `status` is `failed`. */
export interface Health {
  /** The worst of the parts; `degraded` when one is waiting. */
  readonly status: 'ok' | 'degraded' | 'failed';
  readonly version: string;
  readonly uptimeS: number;
  readonly epoch: number;
  readonly clockTrust: Trust;
  readonly parts: readonly PartHealth[];
  /** Queues of the bus: what waits and what was dropped. */
  readonly consumers: readonly ConsumerHealth[];
}

import type { Health } from '#core/health.ts';
import type { Stream } from '#core/stream.ts';
import type { AnyRoute } from '../route.ts';
import { readHealth } from './health.ts';
import { listStreams } from './streams.ts';

/** What the routes together need of the gateway. */
export interface Gateway {
  health(): Health;
  streams(): readonly Stream[];
}

/** Every REST endpoint. */
export const ROUTES: readonly AnyRoute<Gateway>[] = [readHealth, listStreams];

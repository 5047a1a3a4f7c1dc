/** What `listen` needs besides what a test is about. */
import { Bodies } from '../../src/http/bodies.ts';
import { originFinder } from '../../src/http/remote.ts';
import type { ServerOptions } from '../../src/http/transport.ts';
import { monotonicClock } from '../../src/io/clock.ts';

export function plainServer(overrides: Partial<ServerOptions> = {}): ServerOptions {
  return {
    handle: async () => ({ status: 200, headers: {} }),
    sockets: [],
    connections: { now: 0 },
    headers: () => ({}),
    origin: originFinder([]),
    bodies: new Bodies({ clock: monotonicClock(), bytesMax: () => undefined }),
    onError: (error) => {
      throw error;
    },
    ...overrides,
  };
}

import type { Clock } from '#core/clock.ts';
import { ConfigError } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Log } from '../io/log.ts';
import { compressed } from './compress.ts';
import { checkChange, checkHost, checkOrigin, isLoopback } from './guard.ts';
import type { Live } from './live.ts';
import { Problem, problemReply } from './problem.ts';
import { dispatch, PREFIXES } from './router.ts';
import { type Gateway, ROUTES } from './routes/index.ts';
import type { StaticFiles } from './static.ts';
import type { Headers, Reply, Request, RequestHead, SocketEndpoint } from './transport.ts';
import { listen } from './uws.ts';
import { openTelemetry, type WsOptions, WsStats } from './ws.ts';

/** WebSocket connections; one more is answered with 503. */
const CLIENTS_MAX = 200;
/** When a refused client may come again. */
const RETRY_AFTER_S = 5;

export interface HttpOptions extends Gateway {
  /** Loopback name or address. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Already attached to the bus. */
  readonly live: Live;
  readonly files: StaticFiles;
  /** What the WebSocket tells of this gateway. */
  readonly hello: WsOptions['hello'];
  /** Origins besides our own whose pages may open a WebSocket and change things. */
  readonly origins: readonly string[];
  /** WebSocket connections, when it is not to be CLIENTS_MAX. */
  readonly clientsMax?: number;
}

export interface HttpServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** The server's own part of health, with its counters since the start. */
  health(): PartHealth;
  close(): Promise<void>;
}

/**
 * Serves the dashboard, the REST API and the WebSocket. Rejects with a ConfigError when the address
 * can be reached from elsewhere, and as `listen` of uws.ts does.
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, live } = options;
  if (!isLoopback(host)) {
    throw new ConfigError(
      `http: expected a loopback address until accounts exist, found ${JSON.stringify(host)}`,
    );
  }
  const counters = { requests: 0, errors: 0, refused: 0, ws: new WsStats() };
  const listening = await listen(
    {
      handle: (request) => handle(request, options, counters),
      sockets: ['', ...PREFIXES].map((prefix) => telemetry(prefix, options, counters)),
      headers: securityHeaders(options.files),
      onError: (error, { path }) => logBug(options.log, error, path),
    },
    host,
    port,
  );
  const stop = new AbortController();
  const ticking = live.run(stop.signal);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening.port}`,
    health: () => {
      const { ws, ...http } = counters;
      const details = { ...http, ...ws, ...live.stats };
      return { id: 'http', status: 'ok', text: 'listening', details };
    },
    close: async () => {
      stop.abort();
      listening.close();
      await ticking;
    },
  };
}

interface Counters {
  requests: number;
  /** Requests answered with 500. */
  errors: number;
  /** WebSockets refused. */
  refused: number;
  readonly ws: WsStats;
}

/** The one place where an error becomes a reply. */
async function handle(request: Request, options: HttpOptions, counters: Counters): Promise<Reply> {
  counters.requests++;
  try {
    checkHost(request);
    checkChange(request, options.origins);
    const reply = (await dispatch(ROUTES, options, request)) ?? options.files.reply(request);
    if (!reply) throw new Problem(404, 'There is nothing at this address.');
    return compressed(request, reply);
  } catch (error) {
    if (error instanceof Problem) return problemReply(error);
    // A bug in one route must not end the recording: it is told, and the client gets a 500.
    counters.errors++;
    logBug(options.log, error, request.path);
    return problemReply(new Problem(500, 'The gateway could not answer; its log says why.'));
  }
}

function telemetry(prefix: string, options: HttpOptions, counters: Counters): SocketEndpoint {
  const { live, clock, hello } = options;
  return {
    path: `${prefix}/ws/telemetry`,
    refuse: (request) => {
      const refusal = refuseSocket(request, options);
      if (refusal) counters.refused++;
      return refusal;
    },
    open: (peer) => openTelemetry(peer, { live, clock, hello, stats: counters.ws }),
  };
}

function refuseSocket(request: RequestHead, options: HttpOptions): Reply | undefined {
  try {
    checkHost(request);
    checkOrigin(request, options.origins);
    if (options.live.stats.clients >= (options.clientsMax ?? CLIENTS_MAX)) {
      const headers = { 'retry-after': String(RETRY_AFTER_S) };
      throw new Problem(503, 'As many clients as there may be are connected.', [], headers);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return problemReply(error);
    throw error;
  }
}

/** Sent with everything: the page may load from here only, and nobody may frame it. */
function securityHeaders(files: StaticFiles): Headers {
  const policy = [
    "default-src 'self'",
    `script-src ${["'self'", ...files.scriptHashes].join(' ')}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
}

function logBug(log: Log, error: unknown, path: string): void {
  const stack = error instanceof Error ? error.stack : String(error);
  log.error({ source: 'http', path, stack }, 'a request failed by a fault of ours');
}

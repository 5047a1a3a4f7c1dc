import type { Clock } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Log } from '../io/log.ts';
import { authorise, type Guard } from './authorise.ts';
import { Bodies } from './bodies.ts';
import { compressed } from './compress.ts';
import { corsHeaders, preflight } from './cors.ts';
import { checkChange, checkHost, checkOrigin } from './guard.ts';
import { Limiter, type Limits } from './limits.ts';
import type { Live } from './live.ts';
import type { Headers, Reply, Request, RequestHead } from './message.ts';
import { openSessions } from './own.ts';
import { Problem, problemReply } from './problem.ts';
import { originFinder } from './remote.ts';
import { bodyLimit, dispatch, PREFIXES } from './router.ts';
import { type Gateway, ROUTES } from './routes/index.ts';
import { SecureListener, type Tls, urlOf } from './secure.ts';
import {
  type Doorkeeper,
  type GateOptions,
  GateStats,
  type Guest,
  openGate,
} from './sockets/gate.ts';
import { openMonitor } from './sockets/monitor.ts';
import { type MqttBroker, mqttEndpoint } from './sockets/mqtt.ts';
import { openSession } from './sockets/session.ts';
import { openTelemetry, type WsOptions, WsStats } from './sockets/telemetry.ts';
import type { StaticFiles } from './static.ts';
import type { Peer, PeerSession, ServerOptions, SocketEndpoint } from './transport.ts';
import { listen } from './uws.ts';

export interface HttpOptions extends Gateway {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly clock: Clock;
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly log: Log;
  readonly accounts: Gateway['accounts'] & Guard & Doorkeeper;
  /** Already attached to the bus. */
  readonly live: Live;
  readonly files: StaticFiles;
  /** What the WebSocket tells of this gateway. */
  readonly hello: WsOptions['hello'];
  /** Origins besides our own whose pages may open a WebSocket, read and change things. */
  readonly origins: readonly string[];
  /** Names that the gateway is called by, in lower case; addresses need not be among them. */
  readonly hosts?: readonly string[];
  /** Addresses and networks of proxies whose word is taken for where a request comes from. */
  readonly proxies?: readonly string[];
  /** Listens over TLS too. */
  readonly tls?: Tls | undefined;
  /** Where they are not to be those of limits.ts. */
  readonly limits?: Partial<Limits>;
  /** What MQTT over WebSocket goes to, where there is a broker. */
  readonly mqtt?: { readonly broker: MqttBroker };
}

export interface HttpServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Over TLS; undefined while it is not. */
  readonly secureUrl: string | undefined;
  /** The server's own part of health, with its counters since the start. */
  health(): PartHealth;
  close(): Promise<void>;
}

/**
 * Serves the dashboard, the REST API and the WebSocket. Rejects with a ConfigError as `listen` of
 * uws.ts does, and over TLS as SecureListener.
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, live, log, realTime: clock, tls } = options;
  const counters = countersOf(options);
  const server = serverOptions(options, counters);
  const listening = await listen(server, host, port);
  const secure = tls && new SecureListener({ ...tls, server, clock, log });
  await secure?.open().catch((error: unknown) => {
    listening.close();
    throw error;
  });
  const stop = new AbortController();
  const running = [live.run(stop.signal), secure?.run(stop.signal)];
  return {
    url: urlOf('http', host, listening.port),
    get secureUrl() {
      return secure?.url;
    },
    health: () => healthOf(counters, { live, secure, bodies: server.bodies }),
    close: async () => {
      stop.abort();
      listening.close();
      secure?.close();
      await Promise.all(running);
    },
  };
}

function serverOptions(options: HttpOptions, counters: Counters): ServerOptions {
  const { files, origins, realTime: clock, limits, proxies = [], log } = options;
  const common = securityHeaders(files);
  return {
    handle: (request) => handle(request, options, counters),
    sockets: [
      ...['', ...PREFIXES].flatMap((prefix) => [
        telemetry(prefix, options, counters),
        monitor(prefix, options, counters),
        session(prefix, options, counters),
      ]),
      ...mqtt(options, counters),
    ],
    connections: counters.limiter.connections,
    headers: (request) => ({ ...common, ...corsHeaders(request, origins) }),
    origin: originFinder(proxies),
    bodies: new Bodies({
      clock,
      bytesMax: (request) => bodyLimit(ROUTES, request),
      heldBytesMax: limits?.bodyBytes,
      secondsMax: limits?.bodySeconds,
    }),
    onError: (error, { path }) => logBug(log, error, path),
  };
}

interface Counters {
  requests: number;
  /** Requests answered with 500. */
  errors: number;
  /** WebSockets refused. */
  refused: number;
  readonly ws: WsStats;
  readonly gate: GateStats;
  readonly limiter: Limiter;
}

function countersOf({ realTime, limits }: HttpOptions): Counters {
  return {
    ...{ requests: 0, errors: 0, refused: 0, ws: new WsStats(), gate: new GateStats() },
    limiter: new Limiter(realTime, limits),
  };
}

interface Listeners {
  readonly live: Live;
  readonly secure: SecureListener | undefined;
  readonly bodies: Bodies;
}

function healthOf(counters: Counters, { live, secure, bodies }: Listeners): PartHealth {
  const { ws, gate, limiter, ...http } = counters;
  const failure = secure?.failure ?? '';
  return {
    id: 'http',
    status: failure === '' ? 'ok' : 'waiting',
    text: failure || 'listening',
    details: {
      ...{ ...http, ...limiter.stats, ...gate, ...ws, ...live.stats },
      ...{ bodies: { ...bodies.stats }, ...secure?.details },
    },
  };
}

/** The one place where an error becomes a reply. */
async function handle(request: Request, options: HttpOptions, counters: Counters): Promise<Reply> {
  counters.requests++;
  try {
    checkHost(request, options.hosts ?? []);
    const permission = preflight(request, options.origins);
    if (permission) return permission;
    checkChange(request, options.origins);
    counters.limiter.checkRequest(request);
    const reply =
      (await dispatch(ROUTES, options, request, async (access) => {
        const caller = await authorise(options.accounts, access, request);
        if (caller.user) counters.limiter.checkUser(caller.user.id);
        return caller;
      })) ?? options.files.reply(request);
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
  const { live, clock, realTime, hello, reading, exports } = options;
  const { ws: stats } = counters;
  const given = {
    ...{ live, clock, realTime, hello, stats, exports },
    openSessions: () => openSessions(reading),
  };
  return endpoint(options, counters, {
    path: `${prefix}/ws/telemetry`,
    permission: 'see',
    open: (peer, guest) => openTelemetry(peer, guest, given),
  });
}

function monitor(prefix: string, options: HttpOptions, counters: Counters): SocketEndpoint {
  const { live, realTime, hello, reading, accounts, alerting } = options;
  const given = {
    ...{ live, realTime, hello, people: accounts },
    openSessions: () => openSessions(reading),
    epochs: () => reading.epochs(),
    ongoing: () => alerting.ongoing(),
  };
  return endpoint(options, counters, {
    path: `${prefix}/ws/monitor`,
    permission: 'monitor',
    open: (peer, guest) => openMonitor(peer, guest, given),
  });
}

function session(prefix: string, options: HttpOptions, counters: Counters): SocketEndpoint {
  const { live, clock, realTime, hello, reading, ingest } = options;
  const { ws: stats } = counters;
  const given = {
    ...{ live, clock, realTime, hello, stats, reading, ingest },
    openSessions: () => openSessions(reading),
  };
  return endpoint(options, counters, {
    path: `${prefix}/ws/session/:id`,
    permission: 'see',
    open: (peer, guest, { path }) =>
      openSession(peer, guest, { ...given, id: path.slice(path.lastIndexOf('/') + 1) }),
  });
}

/** The broker finds out itself who comes: a stranger in front of it counts as one here. */
function mqtt(options: HttpOptions, counters: Counters): SocketEndpoint[] {
  if (options.mqtt === undefined) return [];
  return [
    mqttEndpoint({
      ...{ path: '/mqtt', broker: options.mqtt.broker, reply: problemReply },
      check: (request) => checkSocket(request, options, counters),
    }),
  ];
}

/** A WebSocket for those who have a permission. */
function endpoint(
  options: HttpOptions,
  counters: Counters,
  {
    path,
    permission,
    open,
  }: Pick<GateOptions, 'permission'> & {
    readonly path: string;
    open(peer: Peer, guest: Guest, request: RequestHead): PeerSession;
  },
): SocketEndpoint {
  const { accounts, realTime: clock } = options;
  return {
    path,
    refuse: (request) => {
      const refusal = refuseSocket(request, options, counters);
      if (refusal) counters.refused++;
      return refusal;
    },
    open: (peer, request) =>
      openGate(peer, request, {
        ...{ accounts, clock, permission, stats: counters.gate },
        open: (admitted, guest) => open(admitted, guest, request),
      }),
  };
}

/** @throws Problem */
function checkSocket(request: RequestHead, options: HttpOptions, counters: Counters): void {
  checkHost(request, options.hosts ?? []);
  checkOrigin(request, options.origins);
  counters.limiter.checkSocket(request, counters.gate.strangers);
}

function refuseSocket(
  request: RequestHead,
  options: HttpOptions,
  counters: Counters,
): Reply | undefined {
  try {
    checkSocket(request, options, counters);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return problemReply(error);
    throw error;
  }
}

/**
 * Sent with everything: the page may load from here only, and nobody may frame it. There is no
 * Strict-Transport-Security: by RFC 6797 clause 8.4 a browser would let nobody in any more who has not
 * installed the gateway's own authority, and ask for TLS at the port that has none.
 */
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

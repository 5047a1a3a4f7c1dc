import { readFile } from 'node:fs/promises';
import { createConnection, isIP, type Socket } from 'node:net';
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
  connect as tlsConnect,
} from 'node:tls';
import type { IClientOptions, MqttClient } from 'mqtt';
import { CodedError, codeOf } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';
import { isTlsFault, networkReason } from './network-reason.ts';

/**
 * One connection to an MQTT broker, 3.1.1 or 5.0: the only file that knows npm mqtt. It never connects
 * again by itself, it queues nothing while there is no connection, and it gives nothing up in silence:
 * whoever published knows when the broker has taken it, or that the connection ended before.
 */

/** TCP, TLS and CONNACK together, ms. A cellular link that wakes up takes seconds. */
const CONNECT_MS_MAX = 30_000;
/** A farewell that the broker does not take in time is not waited for, ms. */
const CLOSE_MS_MAX = 1_000;
/** How long a SUBACK may take, ms. */
const SUBSCRIBE_MS_MAX = 15_000;
/** Of one packet that comes. A broker that sends more is cut off, as a parser would make room for 256 MB. */
const PACKET_BYTES_MAX = 512 * 1024;
/** Of what a broker says in words. */
const REASON_CHARS_MAX = 120;
const KEEPALIVE_S = 60;

/** How a broker is reached. */
export interface MqttServer {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
  /** File of further authorities, PEM, beside those that the system knows. */
  readonly ca?: string;
  /** Files with the certificate of this client and its key, PEM. Both or none. */
  readonly cert?: string;
  readonly key?: string;
}

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** What came from the broker. */
export interface MqttArrival {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** It was kept by the broker from before we subscribed. */
  readonly retained: boolean;
}

export interface MqttOptions {
  readonly server: MqttServer;
  /** 4 is MQTT 3.1.1. */
  readonly version: 4 | 5;
  readonly clientId: string;
  /** What the broker publishes when the connection ends without a farewell. */
  readonly will?: MqttMessage;
  /** Called for each message, in order. */
  readonly onMessage?: (arrival: MqttArrival) => void;
  /** Default 60 s. */
  readonly keepaliveS?: number;
  /** Default 30 s; ms. */
  readonly connectMs?: number;
}

/**
 * - CONNECT: no such host, no route, or nothing listens there
 * - TLS: a certificate that is not to be trusted, ours that is not wanted, or no TLS at all
 * - AUTH: user, password or certificate are wrong or not allowed
 * - REFUSED: the broker did not take the connection, a subscription or a message for another reason
 * - TIMEOUT: no answer in time
 * - CLOSED: the connection ended
 * - FILES: a file with a certificate or key cannot be read, or is none
 */
export type MqttErrorCode = 'CONNECT' | 'TLS' | 'AUTH' | 'REFUSED' | 'TIMEOUT' | 'CLOSED' | 'FILES';

/** The broker or the way to it failed. The sentence begins with host and port and shows no secrets. */
export class MqttError extends CodedError<MqttErrorCode> {
  override readonly name = 'MqttError';
}

export interface MqttConnection {
  /**
   * Resolves when the broker has taken it: QoS 1 at its PUBACK (MQTT 3.1.1 clause 4.3.2), QoS 0 when it was
   * handed to the system. Rejects with an MqttError when it was refused or the connection ended first.
   */
  publish(message: MqttMessage): Promise<void>;
  /** Rejects with an MqttError when the broker refuses one of them. */
  subscribe(filters: readonly string[]): Promise<void>;
  /** Resolves with the reason once the connection has ended. Never rejects. */
  readonly closed: Promise<MqttError>;
  /** Bytes that wait for the network. */
  readonly bufferedBytes: number;
  /** Address of the broker. */
  readonly remoteAddress: string;
  /** Says farewell, so that the broker forgets the will (clause 3.14.4). Whatever has no PUBACK is given up. */
  close(): Promise<void>;
  /** Ends it without a farewell. */
  destroy(reason: MqttError): void;
}

/** Where it is, for people: never the user or the password. */
export function placeOf({ host, port }: MqttServer): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws MqttError, or the signal's reason */
export async function connectMqtt(
  options: MqttOptions,
  signal: AbortSignal,
): Promise<MqttConnection> {
  signal.throwIfAborted();
  const { server } = options;
  const files = await readFiles(server);
  // Not at the start, which need not wait for it: many have no cloud.
  const { MqttClient: Client } = await import('mqtt');
  signal.throwIfAborted();
  const socket = server.tls ? secureSocket(server, files) : createConnection(where(server));
  socket.setNoDelay(true);
  const connection = new Connection(options, socket, (stream, settings) => {
    return new Client(() => stream, settings);
  });
  await connection.open(signal);
  return connection;
}

function secureSocket(server: MqttServer, files: SecureContextOptions): Socket {
  let secureContext: SecureContext;
  try {
    secureContext = createSecureContext({ ...files, minVersion: 'TLSv1.2' });
  } catch (error) {
    // OpenSSL's own words, as "PEM routines::no start line"; they tell nothing of what is in the files.
    const reason =
      error instanceof Error ? error.message.replace(/^error:\w+:/, '') : String(error);
    const text = `${placeOf(server)}: cert and key are not a certificate and its key: ${reason}`;
    throw new MqttError('FILES', oneLine(text, 2 * REASON_CHARS_MAX), { cause: error });
  }
  return tlsConnect({ ...where(server), secureContext, ...serverName(server) });
}

function where({ host, port }: MqttServer) {
  return { host, port };
}

/** RFC 6066 clause 3: names only. */
function serverName({ host }: MqttServer) {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** Read anew for each connection, so that they can be renewed. */
async function readFiles(server: MqttServer) {
  if (!server.tls) return {};
  const [ca, cert, key] = await Promise.all(
    [server.ca, server.cert, server.key].map(async (file) => {
      if (file === undefined) return undefined;
      try {
        return await readFile(file, 'utf8');
      } catch (error) {
        const reason = codeOf(error) === 'ENOENT' ? 'there is no such file' : codeOf(error);
        throw new MqttError('FILES', `${placeOf(server)}: ${file}: ${reason}`, { cause: error });
      }
    }),
  );
  return {
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

type MakeClient = (stream: Socket, settings: IClientOptions) => MqttClient;

class Connection implements MqttConnection {
  readonly closed: Promise<MqttError>;
  readonly #options: MqttOptions;
  readonly #socket: Socket;
  readonly #client: MqttClient;
  /** Who waits for something that the end of the connection brings to nothing. */
  readonly #waiting = new Set<(error: MqttError) => void>();
  /** The first thing that went wrong; what follows follows from it. */
  #fault: MqttError | undefined;
  #ended: MqttError | undefined;
  #remoteAddress = '';
  #bytesSincePacket = 0;

  constructor(options: MqttOptions, socket: Socket, makeClient: MakeClient) {
    this.#options = options;
    this.#socket = socket;
    socket.on('error', (error) => this.#fails(error));
    socket.on('data', (chunk: Uint8Array) => this.#count(chunk.length));
    this.#client = makeClient(socket, settingsOf(options));
    this.#client.on('error', (error) => this.#fails(error));
    this.#client.on('packetreceive', () => {
      this.#bytesSincePacket = 0;
    });
    this.#client.on('disconnect', ({ reasonCode = 0, properties }) => {
      this.#fault ??= this.#refusal(reasonCode, properties?.reasonString ?? 'ended the connection');
    });
    this.#client.on('message', (topic, payload, { retain }) => {
      options.onMessage?.({ topic, payload, retained: retain });
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#ended = this.#fault ?? this.#error('CLOSED', 'the broker ended the connection');
        for (const reject of [...this.#waiting]) reject(this.#ended);
        // It has nothing to say any more; without this its timers would live on.
        this.#client.end(true);
        resolve(this.#ended);
      });
    });
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Resolves with the CONNACK. */
  async open(signal: AbortSignal): Promise<void> {
    const ms = this.#options.connectMs ?? CONNECT_MS_MAX;
    const stop = (): void => this.destroy(this.#error('CLOSED', 'stopped'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#within(ms, (done) => this.#client.once('connect', () => done()));
    } catch (error) {
      this.destroy(this.#error('CLOSED', 'not connected'));
      await this.closed;
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
    this.#remoteAddress = this.#socket.remoteAddress ?? '';
  }

  publish({ topic, payload, qos, retain }: MqttMessage): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    const body = typeof payload === 'string' ? payload : asBuffer(payload);
    if (qos === 0) {
      // Without a callback: each would be a listener on a socket that is full.
      this.#client.publish(topic, body, { qos, retain });
      return Promise.resolve();
    }
    return this.#until((done) => {
      this.#client.publish(topic, body, { qos, retain }, (error) => done(error));
    });
  }

  subscribe(filters: readonly string[]): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    return this.#within(SUBSCRIBE_MS_MAX, (done) => {
      this.#client.subscribe([...filters], { qos: 1 }, (error) => {
        // A return code of 0x80 (MQTT 3.1.1 clause 3.9.3), of which the library makes an error.
        const isRefused = error?.message.startsWith('Subscribe error') ?? false;
        const text = `this login may not read ${filters.join(', ')}`;
        done(isRefused ? this.#error('REFUSED', text, error) : error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#fault ??= this.#error('CLOSED', 'we closed the connection');
    const late = setTimeout(() => this.#socket.destroy(), CLOSE_MS_MAX);
    // The library waits for the PUBACKs of these, which may never come.
    for (const id of Object.keys(this.#client.outgoing)) {
      this.#client.removeOutgoingMessage(Number(id));
    }
    this.#client.end(false);
    await this.closed;
    clearTimeout(late);
  }

  destroy(reason: MqttError): void {
    this.#fault ??= reason;
    this.#socket.destroy();
  }

  /** Resolves when `start` calls back; rejects when the connection ends first. */
  #until(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      start((error) => {
        this.#waiting.delete(reject);
        if (error) reject(this.#ended ?? this.#read(error));
        else resolve();
      });
    });
  }

  async #within(ms: number, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    const text = `no answer in ${ms / 1000} s; is there an MQTT broker?`;
    const late = setTimeout(() => this.destroy(this.#error('TIMEOUT', text)), ms);
    try {
      await this.#until(start);
    } finally {
      clearTimeout(late);
    }
  }

  #count(bytes: number): void {
    this.#bytesSincePacket += bytes;
    if (this.#bytesSincePacket <= PACKET_BYTES_MAX) return;
    this.destroy(this.#error('REFUSED', `sent a packet of more than ${PACKET_BYTES_MAX} bytes`));
  }

  #fails(error: Error): void {
    this.#fault ??= this.#read(error);
    this.#socket.destroy();
  }

  #error(code: MqttErrorCode, reason: string, cause?: unknown): MqttError {
    const place = placeOf(this.#options.server);
    return new MqttError(code, `${place}: ${oneLine(reason, REASON_CHARS_MAX)}`, { cause });
  }

  /** An error of the system, of OpenSSL or of the library as one of ours. */
  #read(error: Error): MqttError {
    const code: unknown = Reflect.get(error, 'code');
    if (typeof code === 'number') return this.#refusal(code, error.message);
    const name = String(code ?? '');
    // An alert of the other end: it does not want our certificate, or wants one (RFC 8446 clause 6.2).
    if (/^ERR_SSL_.*ALERT/.test(name)) {
      return this.#error('TLS', `it refuses our certificate, or wants one (${name})`, error);
    }
    const reason = networkReason(name);
    if (isTlsFault(name)) {
      return this.#error('TLS', reason ?? `it does not speak TLS as we do (${name})`, error);
    }
    if (name === 'ECONNRESET' || name === 'EPIPE') {
      return this.#error('CLOSED', 'the connection was cut', error);
    }
    if (error.message === 'Keepalive timeout') return this.#error('TIMEOUT', 'it is silent', error);
    return this.#error(name === '' ? 'CLOSED' : 'CONNECT', reason ?? error.message, error);
  }

  /** By the return code of MQTT 3.1.1 clause 3.2.2.3 or the reason code of MQTT 5.0 clause 2.4. */
  #refusal(code: number, said: string): MqttError {
    switch (code) {
      case 4:
      case 0x86:
        return this.#error('AUTH', 'user or password are wrong');
      case 5:
      case 0x87:
        return this.#error('AUTH', 'we are not allowed to do this with this login or certificate');
      case 2:
      case 0x85:
        return this.#error('REFUSED', 'it does not take the name of this device');
      case 1:
      case 0x84:
        return this.#error('REFUSED', 'it does not speak this version of MQTT');
      case 0x8e:
        return this.#error('REFUSED', 'another client has logged in with the name of this device');
      default:
        return this.#error('REFUSED', `it said: ${said} (${code})`);
    }
  }
}

function settingsOf({ server, version, clientId, will, keepaliveS }: MqttOptions): IClientOptions {
  const { user, password } = server;
  return {
    ...{ protocolVersion: version, clientId, clean: true, keepalive: keepaliveS ?? KEEPALIVE_S },
    ...(user === undefined ? {} : { username: user, password: password ?? '' }),
    ...(will === undefined ? {} : { will: { ...will, payload: bodyOf(will) } }),
    ...(version === 5 ? { properties: { maximumPacketSize: PACKET_BYTES_MAX } } : {}),
    // One connection, and no queue for what is published without one.
    ...{ reconnectPeriod: 0, queueQoSZero: false, resubscribe: false },
    // Ours is the limit that counts.
    connectTimeout: 2 * CONNECT_MS_MAX,
  };
}

function bodyOf({ payload }: MqttMessage): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : asBuffer(payload);
}

/** The same memory. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

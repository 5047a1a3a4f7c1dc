/** Opens the ports of the broker. What comes is a stream each, whichever way it came. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { ConfigError, codeOf } from '#core/errors.ts';
import type { Certificate } from './certificate.ts';
import { normalAddress } from './network.ts';

/** For the kernel to ask whether a client is there that says nothing. */
const KEEPALIVE_MS = 30_000;
/** In which a client has to make its way through the handshake of TLS. */
const HANDSHAKE_MS_MAX = 5_000;
/** Connections that wait to be accepted. */
const BACKLOG = 128;

/** Somebody has come. */
export interface Caller {
  readonly stream: Duplex;
  /** In its short form; IPv4 without `::ffff:`. */
  readonly address: string;
  readonly isSecure: boolean;
  /** Common name of a client certificate that our authority has signed, and that is in its time. */
  readonly certificate: string | undefined;
}

export interface ListenOptions {
  /** For messages: `mqtt` or `mqtts`. */
  readonly setting: string;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  take(caller: Caller): void;
  /** Told of a client that does not get in, as through the handshake of TLS. */
  failed?(error: Error): void;
}

export interface OpenPort {
  readonly port: number;
  /** Has new connections get another certificate; those that are open stay as they are. */
  renew(certificate: Certificate): Promise<void>;
  /** Takes no more; what is open is the broker's. */
  close(): void;
}

/** Rejects with a ConfigError where the port cannot be had. */
export async function listenPlain(options: ListenOptions): Promise<OpenPort> {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_MS,
  });
  server.on('connection', (socket) => take(options, socket, undefined));
  const port = await listening(server, options);
  return { port, renew: () => Promise.resolve(), close: () => server.close() };
}

/**
 * A client certificate is asked for and need not come: who has none logs in. Rejects with a ConfigError
 * where the port cannot be had, and as reading the certificate does.
 */
export async function listenSecure(
  options: ListenOptions,
  certificate: Certificate,
): Promise<OpenPort> {
  const server = createTlsServer({
    ...(await secrets(certificate)),
    ...{ requestCert: true, rejectUnauthorized: false, handshakeTimeout: HANDSHAKE_MS_MAX },
    ...{ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
  });
  const unfinished = new Set<Socket>();
  server.on('connection', (socket) => {
    unfinished.add(socket);
    socket.on('close', () => unfinished.delete(socket));
  });
  server.on('secureConnection', (socket) => take(options, socket, commonName(socket)));
  server.on('tlsClientError', (error, socket) => {
    options.failed?.(error);
    socket.destroy();
  });
  const port = await listening(server, options);
  return {
    port,
    renew: async (next) => server.setSecureContext(await secrets(next)),
    close: () => {
      server.close();
      for (const socket of unfinished) socket.destroy();
    },
  };
}

/** Only what our own authority has signed counts: it stands alone in `ca`. */
async function secrets({ file, authority }: Certificate) {
  const pem = await readFile(file, 'latin1');
  const ca = new X509Certificate(authority).toString();
  return { key: pem, cert: pem, ca, minVersion: 'TLSv1.2' } as const;
}

function commonName(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : undefined; // Several are a list: whose is it then?
}

function take(options: ListenOptions, socket: Socket, certificate: string | undefined): void {
  const { remoteAddress } = socket;
  // It has gone while it waited.
  if (remoteAddress === undefined) return void socket.destroy();
  const address = normalAddress(remoteAddress) ?? remoteAddress;
  options.take({ stream: socket, address, isSecure: 'authorized' in socket, certificate });
}

function listening(server: Server, options: ListenOptions): Promise<number> {
  const { setting, host, port } = options;
  return new Promise((resolve, reject) => {
    // Behind the start too, as the system may run out of memory for sockets: that ends no process.
    server.on('error', (cause) => {
      if (server.listening) options.failed?.(cause);
      const text = REASONS[codeOf(cause)] ?? cause.message;
      reject(new ConfigError(`${setting}: ${host}:${port}: ${text}`, { cause }));
    });
    server.listen({ host, port, backlog: BACKLOG }, () => {
      const address = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? port) : port);
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'in use by another process, as another broker on this computer is',
  EADDRNOTAVAIL: 'no address of this computer',
  EACCES: 'not permitted to open it',
  ENOTFOUND: 'no such name',
};

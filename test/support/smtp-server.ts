/** A real mail server for tests, certificates for it, and servers that fail in ways it would not. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

const run = promisify(execFile);

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  /** File with the authority that signed all but `selfSigned`. */
  readonly ca: string;
  /** For localhost and 127.0.0.1. */
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly otherHost: Certificate;
  readonly selfSigned: Certificate;
  remove(): void;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes them with the openssl command. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vigil-mail-'));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const read = (name: string): Certificate => ({
    key: readFileSync(path.join(folder, `${name}.key`), 'utf8'),
    cert: readFileSync(path.join(folder, `${name}.pem`), 'utf8'),
  });
  const selfMade = async (name: string): Promise<Certificate> => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'];
    await openssl('req', '-x509', ...NEW_KEY, ...files, ...subject, '-days', '30');
    return read(name);
  };
  const signed = async (name: string, names: string, days: number): Promise<Certificate> => {
    const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`];
    await openssl('req', '-new', ...NEW_KEY, ...request);
    writeFileSync(path.join(folder, `${name}.ext`), `subjectAltName=${names}\n`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    const made = ['-extfile', `${name}.ext`, '-days', String(days), '-out', `${name}.pem`];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, ...made);
    return read(name);
  };
  await selfMade('ca');
  return {
    ca: path.join(folder, 'ca.pem'),
    good: await signed('good', 'DNS:localhost,IP:127.0.0.1', 30),
    expired: await signed('expired', 'DNS:localhost', -1),
    otherHost: await signed('other', 'DNS:mail.example', 30),
    selfSigned: await selfMade('self'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A mail as the server got it. */
export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** Came over TLS. */
  readonly secure: boolean;
  readonly user: string | undefined;
  readonly raw: string;
  readonly parsed: Email;
}

/** What the server answers instead of 250. Called for each; undefined is 250. */
export interface Moods {
  recipient?: (address: string) => string | undefined;
  login?: (user: string, password: string) => string | undefined;
  /** `die`: closes without an answer, in the middle of the text. `dieAfter`: having taken it all. */
  text?: () => string | 'die' | 'dieAfter' | undefined;
}

export interface SmtpTestServer {
  readonly port: number;
  readonly received: readonly Received[];
  /** Connections since the start. */
  readonly connections: number;
  stop(): Promise<void>;
}

export interface SmtpTestOptions {
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly certificate?: Certificate;
  readonly moods?: Moods;
  /** Any free one where left out. */
  readonly port?: number;
}

/** A server on 127.0.0.1. A login is asked for when `moods` has one. */
export async function startSmtpServer(options: SmtpTestOptions): Promise<SmtpTestServer> {
  const { tls, certificate, moods = {}, port = 0 } = options;
  const received: Received[] = [];
  let connections = 0;
  const settings: SMTPServerOptions = {
    ...{ secure: tls === 'implicit', ...certificate, logger: false },
    ...{ disableReverseLookup: true, authOptional: moods.login === undefined },
    disabledCommands: tls === 'none' ? ['STARTTLS'] : [],
    onConnect: (_, callback) => {
      connections++;
      callback();
    },
    onAuth: ({ username, password }, _, callback) => {
      const reply = moods.login?.(username ?? '', password ?? '');
      if (reply === undefined) callback(null, { user: username });
      else callback(replyError(reply));
    },
    onRcptTo: ({ address }, _, callback) => {
      const reply = moods.recipient?.(address);
      callback(reply === undefined ? null : replyError(reply));
    },
    onData: (stream, session, callback) => {
      const mood = moods.text?.();
      const die = (): void => {
        for (const connection of server.connections) connection._socket.destroy();
      };
      if (mood === 'die') return void stream.once('data', die);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        if (mood !== undefined && mood !== 'dieAfter') return callback(replyError(mood));
        const raw = Buffer.concat(chunks);
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : undefined,
          raw: raw.toString('latin1'),
          parsed: await PostalMime.parse(raw),
        });
        if (mood === 'dieAfter') die();
        else callback(null, 'kept');
      });
    },
  };
  const server = new SMTPServer(settings);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  server.on('error', () => {}); // Of a client that does not trust it; the client's side is tested.
  return {
    port: portOf(server.server.address()),
    received,
    get connections() {
      return connections;
    },
    stop: () => {
      for (const connection of server.connections) connection._socket.destroy();
      return new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** A server that does with each connection what it is told, and closes what is left at its stop. */
export async function startRawServer(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: portOf(server.address()),
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** `450 4.2.0 come back later` */
function replyError(reply: string): Error {
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}

function portOf(address: unknown): number {
  return Number(Reflect.get(Object(address), 'port'));
}

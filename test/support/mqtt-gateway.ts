/** A gateway whose broker is reached in every way, one account of each role, and clients that people use. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { connect as connectSecure } from 'node:tls';
import { connect, type IClientOptions, MqttClient } from 'mqtt';
import { ROLES, type Role } from '#core/account.ts';
import { call } from './call.ts';
import { stopProcess } from './child.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { PASSWORD } from './tokens.ts';

export const HOST = '127.0.0.1';
export const WAYS = ['TCP', 'TLS', 'WebSocket'] as const;
export type Way = (typeof WAYS)[number];

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface ConnectOptions extends IClientOptions {
  readonly way?: Way;
  /** Where the broker is called; this computer, without it. */
  readonly to?: string;
  /** Is given the client before it is connected: what has waited for it comes at once. */
  readonly met?: (client: MqttClient) => void;
}

export interface Subscribed {
  /** What came, as `QOS RETAINED TOPIC PAYLOAD`. */
  lines(): string[];
  kill(): Promise<void>;
}

/** What everybody but the first account logs in with. */
const PHRASE = 'a long enough phrase';
/** What comes from one address is limited: each client has one of its own, 127.x.y.z. */
let addresses = 0;

function ownAddress(): string {
  addresses++;
  return `127.1.${addresses >> 8}.${addresses & 255}`;
}

/** @param args besides those of the broker */
export async function startMqttGateway(
  directory: string,
  args: readonly string[] = [],
): Promise<MqttGateway> {
  const ports = ['--mqtt', '0.0.0.0:0', '--mqtts', '0.0.0.0:0', '--https', `${HOST}:0`];
  const data = ['--data', path.join(directory, 'data')];
  const gateway = await startGateway({ args: ['--sim', '1', ...ports, ...data, ...args] });
  const pem = await (await fetch(`${gateway.url}trust/ca.pem`)).text();
  const file = path.join(directory, 'ca.pem');
  await writeFile(file, pem);
  return new MqttGateway(gateway, { pem, file });
}

export class MqttGateway implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly securePort: number;
  readonly #ca: { readonly pem: string; readonly file: string };
  readonly #ids = new Map<string, string>();
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #running = new AsyncDisposableStack();

  constructor(gateway: Gateway, ca: { readonly pem: string; readonly file: string }) {
    this.gateway = gateway;
    this.#ca = ca;
    const log = gateway.log.join('\n');
    this.port = Number(/mqtt: on \S+, port (\d+)/.exec(log)?.[1]);
    this.securePort = Number(/mqtt: over TLS on \S+, port (\d+)/.exec(log)?.[1]);
  }

  /** One account of each role but that which is there, called by its role. */
  async openAccounts(): Promise<void> {
    for (const role of ROLES) if (role !== 'admin') await this.openAccount(role, role);
  }

  async openAccount(username: string, role: Role): Promise<Login> {
    const body = { username, password: PHRASE, role };
    const { id } = await this.ask('POST', '/users', body);
    this.#ids.set(username, id);
    return this.login(username);
  }

  async changeAccount(username: string, change: object): Promise<void> {
    await this.ask('PATCH', `/users/${this.#ids.get(username)}`, change);
  }

  login(username: string): Login {
    return { username, password: username === 'admin' ? PASSWORD : PHRASE };
  }

  /** With an access token for the password. */
  async tokenLogin(username: string): Promise<Login> {
    const known = this.#tokens.get(username) ?? this.#logIn(username);
    this.#tokens.set(username, known);
    return { username: 'token', password: await known };
  }

  /** What the API answers to who manages the gateway. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says
  async ask(method: string, where: string, body?: object): Promise<any> {
    return await (await call(`${this.gateway.url}api/v1${where}`, method, body)).json();
  }

  /** A client that is let in; rejects with the `code` of CONNACK. It connects once. */
  async connect(login: Login, { way = 'TCP', to = HOST, met, ...more }: ConnectOptions = {}) {
    const options = { ...login, reconnectPeriod: 0, ...more };
    const client = this.#client(way, to, options);
    met?.(client);
    this.#running.defer(() => client.endAsync(true));
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed before it was let in')));
    });
    client.on('error', () => {}); // A test looks at the close.
    return client;
  }

  /** What it writes; rejects with what it says where it is not let in. */
  async publish(way: 'TCP' | 'TLS', login: Login, ...args: string[]): Promise<string> {
    const child = spawn('mosquitto_pub', [...this.#access(way, login), ...args]);
    const said: string[] = [];
    for (const out of [child.stdout, child.stderr]) out.on('data', (text) => said.push(`${text}`));
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`mosquitto_pub: ${code}: ${said.join('')}`);
    return said.join('');
  }

  subscribe(way: 'TCP' | 'TLS', login: Login, ...args: string[]): Subscribed {
    const all = [...this.#access(way, login), '-F', 'got %q %r %t %p', ...args];
    const child = spawn('mosquitto_sub', all, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#running.defer(() => stopProcess(child));
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const prefix = 'got ';
    const isOurs = (line: string): boolean => line.startsWith(prefix);
    return {
      lines: () =>
        text
          .split('\n')
          .filter(isOurs)
          .map((line) => line.slice(prefix.length)),
      kill: () => stopProcess(child),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync();
    await this.gateway[Symbol.asyncDispose]();
  }

  async #logIn(username: string): Promise<string> {
    const response = await call(
      `${this.gateway.url}api/v1/auth/login`,
      'POST',
      this.login(username),
    );
    const { access_token: token } = Object(await response.json());
    return token;
  }

  #client(way: Way, host: string, options: IClientOptions): MqttClient {
    const { pem: ca } = this.#ca;
    if (way === 'WebSocket') {
      return connect(`${this.gateway.url.replace(/^http/, 'ws')}mqtt`, options);
    }
    const from = host === HOST ? { localAddress: ownAddress() } : {};
    const { port, securePort } = this;
    const build = () =>
      way === 'TLS'
        ? connectSecure({ host, port: securePort, ca, ...from })
        : createConnection({ host, port, ...from });
    return new MqttClient(build, options);
  }

  #access(way: 'TCP' | 'TLS', { username, password }: Login): string[] {
    const port = way === 'TLS' ? this.securePort : this.port;
    const secure = way === 'TLS' ? ['--cafile', this.#ca.file] : [];
    const where = ['-h', HOST, '-p', String(port), '-A', ownAddress(), ...secure];
    return [...where, '-u', username, '-P', password, '-V', 'mqttv311'];
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './free-ports.ts';

/** Certificates for a broker on 127.0.0.1 and for a device, all of one authority; and another authority. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly device: { readonly cert: string; readonly key: string };
  /** A server's certificate for `elsewhere.example`. */
  readonly elsewhere: { readonly cert: string; readonly key: string };
  /** That signed none of these. */
  readonly otherCa: string;
  readonly otherDevice: { readonly cert: string; readonly key: string };
}

export function makeCertificates(directory: string): Certificates {
  const file = (name: string): string => path.join(directory, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const authority = (name: string): void =>
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    );
  const signed = (name: string, by: string, ...more: string[]) => {
    const issuer = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`];
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      ...issuer,
      '-subj',
      `/CN=${name}`,
      ...more,
    );
    return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  authority('ca');
  authority('other-ca');
  const named = (name: string): string[] => ['-addext', `subjectAltName=${name}`];
  return {
    ca: file('ca.pem'),
    otherCa: file('other-ca.pem'),
    server: signed('server', 'ca', ...named('IP:127.0.0.1')),
    elsewhere: signed('elsewhere', 'ca', ...named('DNS:elsewhere.example')),
    device: signed('car-1', 'ca'),
    otherDevice: signed('car-2', 'other-ca'),
  };
}

/** A real mosquitto on ports of 127.0.0.1 that nobody else has. */
export class Mosquitto implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly #directory: string;
  #process: ReturnType<typeof spawn> | undefined;

  private constructor(ports: readonly number[], directory: string) {
    this.ports = ports;
    this.#directory = directory;
  }

  /** @param listeners the options of each, as in mosquitto.conf(5) */
  static async start(...listeners: readonly string[][]): Promise<Mosquitto> {
    const directory = mkdtempSync(path.join(tmpdir(), 'vigil-mosquitto-'));
    chmodSync(directory, 0o755);
    const ports = await freePorts(listeners.length);
    const lines = listeners.flatMap((options, i) => [`listener ${ports[i]} 127.0.0.1`, ...options]);
    // It would give up its rights, and could not read the keys; and hold PUBACKs back for 40 ms.
    const whole = ['user root', 'per_listener_settings true', 'set_tcp_nodelay true'];
    const text = [...whole, ...lines].join('\n');
    writeFileSync(path.join(directory, 'mosquitto.conf'), `${text}\n`);
    const broker = new Mosquitto(ports, directory);
    await broker.up();
    return broker;
  }

  get port(): number {
    return this.ports[0] ?? 0;
  }

  async up(): Promise<void> {
    const config = path.join(this.#directory, 'mosquitto.conf');
    const child = spawn('mosquitto', ['-c', config], { stdio: 'ignore' });
    this.#process = child;
    while (!(await isOpen(this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops answering, and stays where it is. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true });
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(() => resolve(false), 20));
  });
}

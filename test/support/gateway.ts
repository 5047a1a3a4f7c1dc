/** The gateway as a process of its own, as a person or systemd starts it, and a client of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Health, PartHealth } from '#core/health.ts';
import { get, logIn, openSocket, PASSWORD } from './tokens.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const POLL_MS = 50;
/** How long a condition is waited for before the test is told what was seen instead. */
const WAIT_MS_MAX = 30_000;
/** A gateway that is told to stop has so long before it is killed. */
const STOP_MS_MAX = 10_000;

export interface GatewayOptions {
  /** Flags; `--http` and `--data` are added where they are missing. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a gateway and waits until it listens. Rejects with what it said when it does not. */
export async function startGateway({ args, env = {} }: GatewayOptions): Promise<Gateway> {
  const data = await mkdtemp(join(tmpdir(), 'vigil-gateway-'));
  const flags = args.includes('--http') ? args : [...args, '--http', '127.0.0.1:0'];
  const child = spawn(process.execPath, ['src/main.ts', '--data', data, ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], VIGIL_SETUP_PASSWORD: PASSWORD, ...env },
  });
  const gateway = new Gateway(child, data);
  try {
    await gateway.untilListening();
    await logIn(gateway.url);
    return gateway;
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

export class Gateway implements AsyncDisposable {
  /** Of the dashboard, with a slash at the end; empty until it listens. */
  url = '';
  /** What it has written to standard output and to standard error. */
  readonly log: string[] = [];
  readonly errors: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #data: string;

  constructor(child: ChildProcess, data: string) {
    this.#child = child;
    this.#data = data;
    this.exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
    // Goes on reading to the end, or a full pipe would stop the gateway.
    collect(child.stdout, this.log);
    collect(child.stderr, this.errors);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async untilListening(): Promise<void> {
    await eventually('the gateway listens', async () => {
      if (!this.running) throw new Error(`the gateway ended:\n${this.#said()}`);
      this.url = /http:\/\/[\w.:[\]]+:\d+\//.exec(this.log.join('\n'))?.[0] ?? '';
      return { done: this.url !== '', seen: this.#said() };
    });
  }

  async health(): Promise<Health> {
    const response = await get(`${this.url}health`);
    return (await response.json()) as Health;
  }

  /** One part of the health: `obd`, `eeg`, `http`. */
  async part(id: string): Promise<PartHealth> {
    const { parts } = await this.health();
    const part = parts.find((one) => one.id === id);
    if (!part) throw new Error(`no part ${id} in ${JSON.stringify(parts)}`);
    return part;
  }

  /** Waits until a part is as it should be, and returns it. */
  async untilPart(id: string, fits: (part: PartHealth) => boolean): Promise<PartHealth> {
    let part = await this.part(id);
    await eventually(`${id} as expected`, async () => {
      part = await this.part(id);
      return { done: fits(part), seen: JSON.stringify(part) };
    });
    return part;
  }

  /** Files and serial ports it holds open, without sockets: those of its clients come and go. */
  descriptors(): string[] {
    const folder = `/proc/${this.pid}/fd`;
    const targets = readdirSync(folder).map((fd) => readlinkSync(join(folder, fd)));
    return targets.filter((target) => !target.startsWith('socket:')).sort();
  }

  /** Memory in use, in MiB. */
  rssMib(): number {
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1];
    return Number(kib) / 1024;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) {
      const late = setTimeout(() => this.kill('SIGKILL'), STOP_MS_MAX);
      this.kill('SIGTERM');
      await this.exited;
      clearTimeout(late);
    }
    await rm(this.#data, { recursive: true, force: true });
  }

  #said(): string {
    return [...this.log, ...this.errors].join('\n');
  }
}

function collect(stream: Readable | null, lines: string[]): void {
  if (stream) createInterface({ input: stream }).on('line', (line) => void lines.push(line));
}

/** What is known of a condition at one moment. */
export interface Probe {
  readonly done: boolean;
  /** For the error message. */
  readonly seen: string;
}

/** Resolves once the probe is done. The limit is there to end a hang, with what was seen last. */
export async function eventually(
  what: string,
  probe: () => Probe | Promise<Probe>,
  limitMs = WAIT_MS_MAX,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (true) {
    const { done, seen } = await probe();
    if (done) return;
    if (performance.now() > end)
      throw new Error(`not within ${limitMs / 1000} s: ${what}: ${seen}`);
    await delay(POLL_MS);
  }
}

interface Message {
  readonly type: string;
  readonly values?: Readonly<Record<string, number>> | readonly number[];
  readonly stream?: string;
}

/** A client of the telemetry WebSocket that has subscribed to everything. */
export class Subscriber implements Disposable {
  /** The newest value of each stream. */
  readonly values = new Map<string, number>();
  /** Values that came, by stream: samples one each, waves as many as they hold. */
  readonly counts = new Map<string, number>();
  readonly #socket: WebSocket;

  constructor({ url }: { readonly url: string }) {
    this.#socket = openSocket(`${url}ws/telemetry`);
    this.#socket.onopen = () => {
      this.#socket.send(JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 50 }));
    };
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)));
  }

  /** Waits until so many more values of a stream have come than now. */
  async more(stream: string, count: number): Promise<void> {
    const wanted = this.#count(stream) + count;
    await eventually(`${count} more values of ${stream}`, () => {
      const come = this.#count(stream);
      return { done: come >= wanted, seen: `${come} of ${wanted}` };
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #count(stream: string): number {
    return this.counts.get(stream) ?? 0;
  }

  #take({ type, values = {}, stream = '' }: Message): void {
    if (type === 'wave' && Array.isArray(values)) this.#add(stream, values.length);
    if (type !== 'samples') return;
    for (const [id, value] of Object.entries(values)) {
      this.values.set(id, value);
      this.#add(id, 1);
    }
  }

  #add(stream: string, count: number): void {
    this.counts.set(stream, this.#count(stream) + count);
  }
}

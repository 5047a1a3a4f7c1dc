/** Starts store-writer.ts and keeps what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriterOptions } from './store-writer.ts';

const WRITER = path.join(import.meta.dirname, 'store-writer.ts');
const WAIT_MS = 20;

export const WRITER_DEFAULTS = {
  quotaBytes: 16 * 2 ** 20,
  lowBytes: 0,
  epoch: 1,
  seed: 1,
  speed: 100,
  start: 0,
  framePeriod: 2430,
  record: 0,
  pinned: [],
  load: true,
} as const;

export class StoreProcess {
  taken = 0;
  durable = 0;
  /** Records that were acknowledged, in order. */
  readonly committed: number[] = [];
  /** Refusals by their code. */
  readonly failed = new Map<string, number>();
  /** With the real milliseconds since the start at which each was said. */
  readonly health: { readonly ms: number; readonly text: string }[] = [];
  readonly details: { readonly [key: string]: unknown }[] = [];
  /** `MS STATUS`; empty until then. */
  settled = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #started = performance.now();
  readonly #ended: Promise<string>;
  #end: string | undefined;

  constructor(
    options: Partial<WriterOptions> & Pick<WriterOptions, 'directory'>,
    env: Readonly<Record<string, string>> = {},
  ) {
    const argument = JSON.stringify({ ...WRITER_DEFAULTS, ...options });
    const child = spawn(process.execPath, [WRITER, argument], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    const lines = createInterface(child.stdout);
    lines.on('line', (line) => this.#hear(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-4000);
    });
    const closed = Promise.all([once(child, 'exit'), once(lines, 'close')]);
    this.#ended = closed.then(([[code, signal]]) => {
      this.#end = String(signal ?? code);
      return this.#end;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The signal or the code that it ended with; undefined while it runs. */
  get end(): string | undefined {
    return this.#end;
  }

  /** Ends it and returns how it ended. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#child.kill(signal);
    return await this.#ended;
  }

  /** Waits until something holds. @throws Error when the process ends or the time is up before */
  async until(what: string, holds: () => boolean, ms = 30_000): Promise<void> {
    const end = performance.now() + ms;
    while (!holds()) {
      const last = this.health.at(-1)?.text;
      if (this.#end !== undefined) {
        throw new Error(`${what}: the writer ended with ${this.#end}: ${last}\n${this.stderr}`);
      }
      if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms: ${last}`);
      await sleep(WAIT_MS);
    }
  }

  /** The last detail of a name, as a number. */
  detail(name: string): number {
    return Number(this.details.at(-1)?.[name]);
  }

  #hear(line: string): void {
    const [word = '', first = '', ...rest] = line.split(' ');
    const all = [first, ...rest].join(' ');
    if (word === 'taken') this.taken = Number(first);
    else if (word === 'durable') this.durable = Number(first);
    else if (word === 'committed') this.committed.push(Number(first));
    else if (word === 'failed') this.failed.set(first, (this.failed.get(first) ?? 0) + 1);
    else if (word === 'settled') this.settled = all;
    else if (word === 'details') this.details.push(JSON.parse(all));
    else if (word === 'health') {
      this.health.push({ ms: Math.round(performance.now() - this.#started), text: all });
    }
  }
}

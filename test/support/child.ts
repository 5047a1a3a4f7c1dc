import type { ChildProcess } from 'node:child_process';

/** Where processes of ours are started. */
export const ROOT = new URL('../../', import.meta.url).pathname;
/** How long a stopped process may take to end by itself. */
const STOP_MS_MAX = 5_000;

/** A process that talks to us in messages. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #name: string;
  #messages: unknown[] = [];
  #wake: () => void = () => {};

  constructor(process: ChildProcess, name: string) {
    this.process = process;
    this.#name = name;
    process.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    process.on('exit', () => this.#wake());
    process.on('error', () => this.#wake());
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error(`${this.#name} could not be started`);
    return pid;
  }

  /** Tells the child to go on; it answers with a message. */
  async ask(message: object): Promise<unknown> {
    this.process.send(message);
    return await this.next();
  }

  /** The next message. Rejects when the child has ended. */
  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      const { exitCode, signalCode, pid } = this.process;
      if (exitCode !== null || signalCode !== null || pid === undefined) {
        throw new Error(`${this.#name} ended with ${exitCode ?? signalCode ?? 'no process'}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopProcess(this.process);
  }
}

/** Ends a process of ours, by force when it takes too long. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(late);
}

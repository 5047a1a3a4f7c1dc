/** A serial port that can be pulled out: a pseudo-terminal with a simulated device behind it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LinkError } from '#core/errors.ts';
import type { OpenPort, Port } from '../../src/io/port.ts';

const APPEARS_MS_MAX = 5_000;
const POLL_MS = 5;

export class Cable implements AsyncDisposable {
  /** Where the port is while it is plugged in. */
  readonly path: string;
  #socat: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #port: Port | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** Plugs a device in: resolves when the port is there. */
  async plug(open: OpenPort): Promise<void> {
    const { stdin } = await this.plugBare((bytes) => void this.#port?.write(bytes).catch(() => {}));
    const port = await open(new AbortController().signal);
    this.#port = port;
    void carry(port, stdin);
  }

  /** Plugs in a device that is the test itself; returns where to write what it says. */
  async plugBare(hear: (bytes: Uint8Array) => void): Promise<{ readonly stdin: Writable }> {
    rmSync(this.path, { force: true });
    const socat = spawn('socat', [`PTY,raw,echo=0,link=${this.path}`, '-'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#socat = socat;
    socat.stdin.on('error', () => {}); // What is written while it is pulled out gets lost.
    socat.stdout.on('data', hear);
    for (let waited = 0; !existsSync(this.path); waited += POLL_MS) {
      if (waited > APPEARS_MS_MAX) throw new Error(`${this.path} does not appear; is there socat?`);
      await delay(POLL_MS);
    }
    return socat;
  }

  /** Pulls the device out: the port is gone, whatever was going on. */
  async unplug(): Promise<void> {
    const socat = this.#socat;
    if (!socat) return;
    this.#socat = undefined;
    const gone = once(socat, 'exit');
    socat.kill('SIGKILL');
    // A killed socat leaves its link behind; the kernel would have removed a real port's name.
    rmSync(this.path, { force: true });
    await gone;
    await this.#port?.[Symbol.asyncDispose]();
    this.#port = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unplug();
  }
}

async function carry(port: Port, to: Writable): Promise<void> {
  try {
    for await (const bytes of port.input) to.write(bytes);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error; // A lost link ends the device's part in it.
  }
}

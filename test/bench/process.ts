/** Other processes: the far end of a pty, servers and crowds of clients, the gateway itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Child, ROOT, stopProcess } from '../support/child.ts';
import { logIn, PASSWORD } from '../support/tokens.ts';
import { type Start, UNIT } from './unit-file.ts';

const CHILDREN = 'test/bench/children/';
/** How a child learns what to do. */
export const ORDERS = 'VIGIL_BENCH';

/**
 * Starts a script of children/ and waits for its first message.
 *
 * @param how as UNIT, where it is the gateway that is measured
 */
export async function startChild(
  script: string,
  orders: object,
  how: Start = { flags: [], env: {} },
): Promise<{ child: Child; hello: unknown }> {
  const child = new Child(
    spawn(process.execPath, [...how.flags, `${CHILDREN}${script}`], {
      cwd: ROOT,
      env: { ...process.env, ...how.env, [ORDERS]: JSON.stringify(orders) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
    script,
  );
  return { child, hello: await child.next() };
}

/** The device at the far end of a pseudo-terminal: a process of its own, so that it has its own CPU. */
export interface FarEnd extends AsyncDisposable {
  /** The near end. */
  readonly path: string;
  readonly child: Child;
}

/**
 * Puts a script of children/ at the far end of a new pty: socat makes the pty and then becomes the
 * script, whose standard input and output are the pty's master side. Nothing stands between.
 */
export async function startFarEnd(script: string, orders: object): Promise<FarEnd> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-bench-'));
  const path = join(directory, 'pty');
  const command = `${process.execPath} ${CHILDREN}${script}`;
  const child = new Child(
    spawn('socat', [`PTY,raw,echo=0,link=${path}`, `EXEC:${command},nofork`], {
      cwd: ROOT,
      env: { ...process.env, [ORDERS]: JSON.stringify(orders) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
    `socat and ${script}`,
  );
  await child.next();
  return {
    path,
    child,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

/** The gateway as a process, on a free port, claimed. */
export interface Gateway extends AsyncDisposable {
  /** `127.0.0.1:40123` */
  readonly host: string;
  /** The same, as those of tokens.ts want it: `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly pid: number;
  /** An access token of who manages it, which is good for 15 minutes. */
  readonly token: string;
}

/** @param flags of the gateway, besides --http and --data */
export async function startGateway(flags: readonly string[]): Promise<Gateway> {
  const data = await mkdtemp(join(tmpdir(), 'vigil-bench-'));
  const args = [...UNIT.flags, 'src/main.ts', '--http', '127.0.0.1:0', '--data', data, ...flags];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...UNIT.env, VIGIL_SETUP_PASSWORD: PASSWORD },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    await stopProcess(child);
    await rm(data, { recursive: true });
  };
  try {
    const line = await lineWith(child, /http:\/\//);
    const host = /http:\/\/([^/]+)\//.exec(line)?.[1];
    if (host === undefined || child.pid === undefined) throw new Error(`no address in: ${line}`);
    const url = `http://${host}`;
    return { host, url, pid: child.pid, token: await logIn(url), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The first line of standard output that matches; the rest is read and dropped. */
export function lineWith(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error('the process has no standard output');
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      if (pattern.test(line)) resolve(line);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)));
  });
}

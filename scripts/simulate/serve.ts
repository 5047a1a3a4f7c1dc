/** Puts a simulated device on a TCP port or a pseudo-terminal. Used by scripts and by tests. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LinkError } from '#core/errors.ts';
import type { OpenPort } from '../../src/io/port.ts';

const PORT_MAX = 65_535;
const PTY_WAIT_MS = 5000;
const PTY_POLL_MS = 20;
/** How long the terminal stays away after a cut link. */
const PTY_GONE_MS = 200;
/** Bytes that wait for a client that does not read; more are lost, as on a line without handshake. */
const UNSENT_BYTES_MAX = 65_536;

/** A device that can be reached from outside this process. */
export interface Served extends AsyncDisposable {
  /** What to tell a person or a driver: `tcp://127.0.0.1:35000` or `serial:///tmp/elm`. */
  readonly url: string;
}

/**
 * Serves `open` at `where`: `tcp:HOST:PORT` (port 0 takes a free one) or `pty:PATH`. One client at a
 * time; the device behind keeps its state from one client to the next. Rejects with a sentence.
 */
export function serve(where: string, open: OpenPort): Promise<Served> {
  const tcp = /^tcp:(.+):(\d+)$/.exec(where);
  if (tcp && Number(tcp[2]) <= PORT_MAX) return serveTcp(tcp[1] ?? '', Number(tcp[2]), open);
  if (tcp) throw new Error(`${where}: expected a port from 0 to ${PORT_MAX}`);
  const pty = /^pty:(\/.+)$/.exec(where);
  if (pty) return servePty(pty[1] ?? '', open);
  throw new Error(`expected tcp:HOST:PORT or pty:/PATH, found ${JSON.stringify(where)}`);
}

async function serveTcp(host: string, port: number, open: OpenPort): Promise<Served> {
  const stop = new AbortController();
  let busy = false;
  const server = net.createServer(async (socket) => {
    socket.on('error', () => {}); // A client that vanishes also closes, and that ends the pump.
    if (busy) return void socket.destroy();
    busy = true;
    socket.setNoDelay(true);
    await pump(open, socket, socket, stop.signal);
    socket.destroy();
    busy = false;
  });
  server.listen(port, host);
  await once(server, 'listening').catch((cause: Error) => {
    const inUse = 'code' in cause && cause.code === 'EADDRINUSE';
    throw new Error(`tcp:${host}:${port}: ${inUse ? 'already in use' : cause.message}`, { cause });
  });
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  return {
    url: `tcp://${host}:${bound}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * A pseudo-terminal needs a native call that Node lacks; socat does it, with this process behind.
 * When the device cuts the link the terminal goes away, as a USB adapter's does, and comes back.
 */
async function servePty(path: string, open: OpenPort): Promise<Served> {
  const stop = new AbortController();
  const first = await openPty(path);
  const serving = (async () => {
    for (let pty = first; ; pty = await openPty(path)) {
      if (!stop.signal.aborted) await pump(open, pty.stdout, pty.stdin, stop.signal);
      if (pty.exitCode === null && pty.kill()) await once(pty, 'exit');
      if (stop.signal.aborted) return;
      await delay(PTY_GONE_MS);
    }
  })();
  return {
    url: `serial://${path}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await serving;
    },
  };
}

async function openPty(path: string): Promise<ChildProcessByStdio<Writable, Readable, null>> {
  // socat deletes whatever is there.
  if (!isOurs(path)) throw new Error(`${path}: there is a file already, which is left alone`);
  const child = spawn('socat', [`PTY,raw,echo=0,link=${path}`, '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error(`${path}: socat is not installed`, { cause })));
    child.once('exit', (code) => reject(new Error(`${path}: socat ended with code ${code}`)));
  });
  failed.catch(() => {}); // Once it runs, its end ends the pump.
  child.stdin.on('error', () => {}); // Writing to a socat that has just ended.
  const ended = new AbortController();
  child.once('error', () => ended.abort()).once('exit', () => ended.abort());
  await Promise.race([failed, appears(path, ended.signal)]);
  return child;
}

/** Whether nothing is at `path`, or the link to a pseudo-terminal that an earlier run has left. */
function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return true;
  return found.isSymbolicLink() && readlinkSync(path).startsWith('/dev/pts/');
}

/** Waits for the terminal until there is nothing left to wait for. */
async function appears(path: string, ended: AbortSignal): Promise<void> {
  for (let waited = 0; waited < PTY_WAIT_MS; waited += PTY_POLL_MS) {
    if (existsSync(path) || ended.aborted) return;
    await delay(PTY_POLL_MS);
  }
  throw new Error(`${path}: no pseudo-terminal after ${PTY_WAIT_MS / 1000} s`);
}

/** Carries bytes both ways until either side ends. */
async function pump(
  open: OpenPort,
  from: Readable,
  to: Writable,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  await using port = await open(either);
  from.on('data', (bytes: Uint8Array) => {
    port.write(bytes).catch(() => ended.abort());
  });
  from.once('close', () => void port[Symbol.asyncDispose]());
  either.addEventListener('abort', () => void port[Symbol.asyncDispose](), { once: true });
  try {
    for await (const bytes of port.input) {
      if (to.writableLength < UNSENT_BYTES_MAX) to.write(bytes);
    }
  } catch (error) {
    if (!(error instanceof LinkError)) throw error; // A lost link ends the pump like any other end.
  }
}

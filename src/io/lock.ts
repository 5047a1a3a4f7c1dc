import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { BusyError, codeOf } from '#core/errors.ts';

/**
 * One directory, one gateway.
 *
 * The lock is a listening socket in Linux's abstract namespace (unix(7)), named `\0vigil-DEV-INO`
 * after the device and the inode of the directory, so that every path to it means the same lock. The
 * kernel gives the name to one process only, and takes it back with the process, whatever ends that.
 *
 * A file with a process id in it would stay behind after a power cut, when that id is somebody
 * else's; and Node has no flock(2). What the socket does not cover: a process in another network
 * namespace (a container, a unit with PrivateNetwork) or on another machine that mounts the same
 * directory. Any user may take a name first, which keeps the gateway out and harms no data.
 *
 * Whoever connects is told the holder's process id: one line, then the end.
 */
export interface Lock {
  /** Resolves when others may have the directory. */
  release(): Promise<void>;
}

/** How long the holder may take to say who it is; one that is stuck holds the lock no less. */
const ANSWER_MS_MAX = 200;
const ANSWER_CHARS_MAX = 16;

/**
 * Takes `directory`, which is there, until the process ends or the lock is released. Does not keep
 * the process running.
 *
 * @throws BusyError when another gateway has it
 */
export async function lockDirectory(directory: string): Promise<Lock> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const name = `\0vigil-${dev}-${ino}`;
  const server = createServer((socket) => {
    socket.on('error', () => {}); // Who asked is gone; nothing was owed.
    socket.unref();
    socket.end(`${process.pid}\n`, () => socket.destroy());
  });
  server.unref();
  server.listen({ path: name });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    const pid = await holderOf(name);
    const who = pid === undefined ? '' : ` (pid ${pid})`;
    throw new BusyError(`data: ${directory} is in use by another Vigil${who}`, { cause: error });
  }
  return { release: () => closed(server) };
}

/** What the holder says its process id is; undefined when it says nothing in time. */
function holderOf(name: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ path: name });
    let answer = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const [, pid] = /^(\d{1,10})\n/.exec(answer) ?? [];
      resolve(pid === undefined ? undefined : Number(pid));
    };
    const timer = setTimeout(done, ANSWER_MS_MAX);
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += text;
      if (answer.includes('\n') || answer.length > ANSWER_CHARS_MAX) done();
    });
    socket.once('end', done);
    socket.once('error', done); // It ended between our two calls: the next try will tell.
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // An error says that it was closed already.
  });
}

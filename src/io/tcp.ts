import { createConnection, type Socket } from 'node:net';
import { LinkError } from '#core/errors.ts';
import type { OpenPort } from './port.ts';
import { streamPort } from './stream-port.ts';

const CONNECT_MS_MAX = 2_000;
/** A Wi-Fi adapter that lost power says nothing; the kernel asks this often whether it is there. */
const KEEPALIVE_MS = 5_000;

/** A byte link over TCP, as Wi-Fi ELM327 adapters and serial servers offer it. */
export function tcpPort(host: string, port: number): OpenPort {
  const device = `${host}:${port}`;
  return async (signal) => {
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true });
    socket.setKeepAlive(true, KEEPALIVE_MS);
    await connected(socket, device, signal);
    return streamPort(socket, device, () => {
      socket.destroy();
      return Promise.resolve();
    });
  };
}

function connected(socket: Socket, device: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(new LinkError('OPEN_FAILED', `${device}: ${reason}`, { cause }));
    };
    const onAbort = (): void => fail('stopped while connecting');
    const timer = setTimeout(() => fail(`no answer in ${CONNECT_MS_MAX} ms`), CONNECT_MS_MAX);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => fail(reasonOf(error), error));
    socket.once('connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route; is the car computer in the Wi-Fi of the adapter?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host';
    default:
      return error.message;
  }
}

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that the kernel gives to clients, which could take the port of a server that is started again. */
const PORTS_FROM = 20_000;
const PORTS_TO = 30_000;

/** Ports of 127.0.0.1 that nobody listens at. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(PORTS_FROM, PORTS_TO);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return await promise;
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, codeOf } from '#core/errors.ts';

/**
 * GET /metrics for Prometheus, GET /health for whoever starts and stops instances: 200 while it can
 * store and be sent to, else 503. It is for the network of the operators: no login, and nothing of a
 * car in it.
 */
export interface StatusPages {
  metrics(): string;
  health(): { readonly ok: boolean; readonly [part: string]: unknown };
}

const HEADERS_MS_MAX = 5_000;
const CONNECTIONS_MAX = 50;

/** @throws ConfigError where the address cannot be had */
export async function serveStatus(
  { host, port }: { readonly host: string; readonly port: number },
  pages: StatusPages,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer({ headersTimeout: HEADERS_MS_MAX }, ({ method, url }, response) => {
    const page = method === 'GET' ? pageOf(url ?? '', pages) : undefined;
    const { status, type, text } = page ?? { status: 404, type: 'text/plain', text: 'not here\n' };
    response.writeHead(status, { 'content-type': type }).end(text);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, host, port);
  return {
    // It listens at a port.
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve).listen(port, host);
    server.once('error', (cause) => {
      const text = `nobody can listen at ${host}:${port} (${codeOf(cause)})`;
      reject(new ConfigError(text, { cause }));
    });
  });
}

function pageOf(url: string, pages: StatusPages) {
  if (url === '/metrics') {
    return { status: 200, type: 'text/plain; version=0.0.4', text: pages.metrics() };
  }
  if (url !== '/health') return undefined;
  const health = pages.health();
  const text = `${JSON.stringify(health)}\n`;
  return { status: health.ok ? 200 : 503, type: 'application/json', text };
}

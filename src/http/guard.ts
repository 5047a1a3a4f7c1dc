/**
 * Who may talk to the gateway while it has no accounts: pages of its own, on its own host.
 *
 * Binding to the loopback address keeps other hosts out, but not the pages that a browser on this
 * host opens: a foreign page can open a WebSocket here or send a POST without a body, which asks for
 * no permission first (Origin tells on it, RFC 6454 clause 7), and with a name of its own that resolves
 * to 127.0.0.1 even read replies (Host tells on it).
 */
import { seen } from './fault.ts';
import { Problem } from './problem.ts';
import type { RequestHead } from './transport.ts';

/** Whether an address or name to listen on can be reached from this host only. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Refuses a Host that is not this one. */
export function checkHost({ headers }: RequestHead): void {
  const host = headers.get('host') ?? '';
  const name = host.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
  if (!isLoopback(name)) throw new Problem(403, `${seen(host)} is not a name of this gateway.`);
}

/** Methods that change nothing, RFC 9110 clause 9.2.1. */
const SAFE: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** Refuses a change that a page of another origin asks for. */
export function checkChange(request: RequestHead, allowed: readonly string[]): void {
  if (!SAFE.includes(request.method)) checkOrigin(request, allowed);
}

/**
 * Refuses a page of another origin. A client that is no page sends no Origin.
 *
 * @param allowed further origins, as a browser writes them: `https://example.org`
 */
export function checkOrigin({ headers }: RequestHead, allowed: readonly string[]): void {
  const origin = headers.get('origin');
  if (origin === undefined || allowed.includes(origin)) return;
  if (!URL.canParse(origin) || new URL(origin).host !== headers.get('host')?.toLowerCase()) {
    throw new Problem(403, `Pages of ${seen(origin)} may not do this here.`);
  }
}

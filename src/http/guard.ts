/**
 * Which names the gateway answers to, and whose pages may ask it: its own, and those of the settings.
 *
 * An address that strangers cannot reach keeps other hosts out, but not the pages that a browser beside
 * it opens: a foreign page can open a WebSocket here or send a POST without a body, which asks for no
 * permission first (Origin tells on it, RFC 6454 clause 7), and with a name of its own that resolves to
 * the gateway even read replies (Host tells on it). An address in place of a name is nobody's trick: no
 * page can have it for its own without being served from here.
 */
import { isIP } from 'node:net';
import { seen } from './fault.ts';
import type { RequestHead } from './message.ts';
import { Problem } from './problem.ts';

/** Whether an address or name to listen on can be reached from this host only. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Of a Host, without the port, the brackets of an IPv6 address and the root's dot; in lower case. */
export function hostNameOf(host: string): string {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  return name.replace(/^\[(.*)\]$/, '$1').replace(/([^.])\.$/, '$1');
}

/**
 * Refuses a Host that is not this one.
 *
 * @param names in lower case; addresses, and those of this computer for itself, need not be among them
 */
export function checkHost({ headers }: RequestHead, names: readonly string[]): void {
  const host = headers.get('host') ?? '';
  const name = hostNameOf(host);
  if (isLoopback(name) || isIP(name) !== 0 || names.includes(name)) return;
  throw new Problem(
    403,
    `${seen(host)} is not a name of this gateway; the setting hosts adds one.`,
  );
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

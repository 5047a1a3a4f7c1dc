/**
 * Where a request comes from, as far as that can be known.
 *
 * A proxy tells of its client in X-Forwarded-For, -Proto and -Host, which a client can send as well: they
 * count only where the connection is from an address that the settings call a proxy. `Forwarded` of
 * RFC 7239 is no second way to say it: a proxy that writes the one lets the other through as its client
 * sent it. From anybody else they only show that there is a proxy, which then makes no stranger local.
 */

import { normalAddress, withinNetworks } from '../io/network.ts';
import { hostNameOf, isLoopback } from './guard.ts';
import type { Arrival, Origin } from './message.ts';

/** Of a list of proxies, as much as is looked at, from its end. */
const HOPS_MAX = 16;

/** Any of them shows that somebody stands between; RFC 7239, RFC 9110 clause 7.6.3. */
const PROXY_HEADERS: readonly string[] = [
  ...['forwarded', 'via', 'x-real-ip'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
];

/**
 * @param proxies addresses and networks, `127.0.0.1` or `10.0.0.0/8`, of proxies that are believed
 * @returns a function that never throws
 */
export function originFinder(proxies: readonly string[]): (arrival: Arrival) => Origin {
  const isProxy = withinNetworks(proxies);
  return ({ address: text, isSecure, headers }) => {
    const address = normalAddress(text) ?? text;
    const host = headers.get('host');
    if (isProxy(address)) return behindProxy(address, headers, isProxy);
    // A name other than of this computer itself was made for others to use.
    const isDirect = !PROXY_HEADERS.some((name) => headers.has(name));
    const isLocal = isDirect && isLoopback(address) && isLoopback(hostNameOf(host ?? ''));
    return { remote: { address, isLocal, isSecure }, host };
  };
}

function behindProxy(
  proxy: string,
  headers: Arrival['headers'],
  isProxy: (address: string) => boolean,
): Origin {
  const address = clientOf(proxy, listOf(headers.get('x-forwarded-for')), isProxy);
  // The last of several is that of the proxy that we know.
  const isSecure = listOf(headers.get('x-forwarded-proto')).at(-1)?.toLowerCase() === 'https';
  const host = listOf(headers.get('x-forwarded-host')).at(-1) ?? headers.get('host');
  return { remote: { address, isLocal: false, isSecure }, host };
}

/** Each proxy adds who it was asked by: the last who is none of them is the client. */
function clientOf(
  proxy: string,
  hops: readonly string[],
  isProxy: (address: string) => boolean,
): string {
  let client = proxy;
  for (const hop of hops.slice(-HOPS_MAX).reverse()) {
    const address = normalAddress(withoutPort(hop));
    if (address === undefined) break; // Whoever wrote that is as far as we can see.
    client = address;
    if (!isProxy(address)) break;
  }
  return client;
}

/** `[2001:db8::1]:1234` and `192.0.2.1:1234`, as some proxies write it. */
function withoutPort(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^([\d.]+):\d+$/, '$1');
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

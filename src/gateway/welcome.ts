/** What the log says of where the gateway is found, and how it becomes somebody's. */

import { hostNameOf, isLoopback } from '../http/guard.ts';

/** As it listens, not as anybody can ask for it: RFC 1122 clause 3.2.1.3, RFC 4291 clause 2.5.2. */
const EVERYWHERE: readonly string[] = ['0.0.0.0', '[::]'];
const HERE = '127.0.0.1';

export interface Welcome {
  readonly version: string;
  /** Without a slash at the end, as is `secureUrl`. */
  readonly url: string;
  /** Undefined where there is no TLS. */
  readonly secureUrl: string | undefined;
  /** Of this computer in its networks, the likeliest first. */
  readonly addresses: readonly string[];
  /** Undefined where somebody has claimed it. */
  readonly claimCode: string | undefined;
}

/**
 * Lines in their order. The first says where this computer finds it, then where others do. The code is
 * in the part of the link that no browser sends.
 */
export function welcomeLines({
  version,
  url,
  secureUrl,
  addresses,
  claimCode,
}: Welcome): readonly string[] {
  const here = withHost(url, HERE);
  const hosts = addresses.length === 0 ? [HERE] : addresses;
  // The same each time, where it listens at one address only.
  const elsewhere = [...new Set(hosts.map((host) => withHost(secureUrl ?? url, host)))];
  const others = elsewhere.filter((one) => one !== here).map((one) => `${one}/`);
  const found = `Vigil ${version} at ${here}/${others.length === 0 ? '' : ` and ${others.join(', ')}`}`;
  if (claimCode === undefined) return [found];
  const claim = `nobody has claimed it yet: open ${here}/#setup/${claimCode}`;
  const [there = url] = elsewhere;
  if (secureUrl === undefined || isLoopback(hostNameOf(new URL(there).host))) return [found, claim];
  return [found, claim, `or on another device ${there}/#setup/${claimCode}`];
}

function withHost(url: string, host: string): string {
  const { protocol, hostname, port } = new URL(url);
  // A port that is the protocol's own is not in a URL.
  const at = port === '' ? '' : `:${port}`;
  return EVERYWHERE.includes(hostname) ? `${protocol}//${host}${at}` : url;
}

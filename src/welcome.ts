/** What the log says of where the gateway is found, and how it becomes somebody's. */

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

/** Lines in their order. The code is in the part of the link that no browser sends. */
export function welcomeLines({
  version,
  url,
  secureUrl,
  addresses,
  claimCode,
}: Welcome): readonly string[] {
  const secure = secureUrl === undefined ? '' : ` and ${secureUrl}/`;
  const found = `Vigil ${version} at ${url}/${secure}`;
  if (claimCode === undefined) return [found];
  const [address = HERE] = addresses;
  const link = (base: string, host: string): string =>
    `${withHost(base, host)}/#setup/${claimCode}`;
  const claim = `nobody has claimed it yet: open ${link(url, HERE)}`;
  if (secureUrl === undefined) return [found, claim];
  return [found, claim, `or on another device ${link(secureUrl, address)}`];
}

function withHost(url: string, host: string): string {
  const { protocol, hostname, port } = new URL(url);
  // A port that is the protocol's own is not in a URL.
  const at = port === '' ? '' : `:${port}`;
  return EVERYWHERE.includes(hostname) ? `${protocol}//${host}${at}` : url;
}

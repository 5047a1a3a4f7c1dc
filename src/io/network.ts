import { BlockList, isIP, SocketAddress } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** The addresses and names of this computer, and networks that others are in. */

/** What RFC 4291 clause 2.5.5.2 puts before an IPv4 address on an IPv6 socket. */
const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/;
/** What a host gives itself where nobody gives it an address, RFC 3927: another one each time. */
const LINK_LOCAL = '169.254.';

/**
 * An address in its one short form: an IPv4 one without `::ffff:`, an IPv6 one as RFC 5952 writes it.
 * Undefined for what is none.
 */
export function normalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  if (family === 4) return text;
  const [address = ''] = text.split('%');
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(MAPPED, '');
}

/** Whether `text` is an address, or one and how many bits of it count: `10.42.0.0/24`, `::1`. */
export function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

/** Networks together: whether an address in its short form is in one of them. */
export function withinNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/**
 * A network as its first address and its mask: `10.42.0.0` and `255.255.255.0`. An address alone is a
 * network of one.
 */
export function networkMask(network: string): readonly [address: string, mask: string] {
  const [address = '', bits] = network.split('/');
  const bytes = bytesOf(address);
  const ones = bits === undefined ? bytes.length * 8 : Number(bits);
  const mask = bytes.map((_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, ones - i * 8))));
  return [addressOf(bytes.map((byte, i) => byte & (mask[i] ?? 0))), addressOf(mask)];
}

/** In network order: 4 or 16. */
function bytesOf(address: string): number[] {
  if (isIP(address) === 4) return address.split('.').map(Number);
  return groupsOf(address).flatMap((group) => [group >> 8, group & 0xff]);
}

/** The eight groups of 16 bits of an IPv6 address, in any form of RFC 4291 clause 2.2; a zone is left out. */
export function groupsOf(address: string): readonly number[] {
  const [bare = ''] = address.split('%');
  const [head = [], tail = []] = bare
    .replace(/\d+\.\d+\.\d+\.\d+$/, hexOf)
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

/** An IPv4 address as the last two groups. */
function hexOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function addressOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = bytes.flatMap((byte, i) => (i % 2 ? [] : [byte * 256 + (bytes[i + 1] ?? 0)]));
  return groups.map((group) => group.toString(16)).join(':');
}

/** What this computer is called in its network, in lower case: its own name, and that of RFC 6762. */
export function ownNames(): readonly string[] {
  const [name = ''] = hostname().toLowerCase().split('.');
  // RFC 952 and RFC 1123 clause 2.1; anything else is a name for nobody's browser.
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? [name, `${name}.local`] : [];
}

/**
 * The addresses at which others find this computer now, each with its network as `10.42.0.0/24`. Those of
 * IPv6 are none: nobody writes one into a browser, and a host has another every day, RFC 8981.
 */
export function ownAddresses(): readonly { readonly address: string; readonly network: string }[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family, address }) => {
      return !internal && family === 'IPv4' && !address.startsWith(LINK_LOCAL);
    })
    .map(({ address, cidr }) => ({ address, network: cidr ?? address }));
}

import { isIPv6 } from 'node:net';
import { groupsOf, withinNetworks } from '../io/network.ts';

/** Whether an address is not routed on the Internet: RFC 1918, 3927, 4193 and 4291, or loopback. */
export const isPrivateAddress = withinNetworks([
  ...['10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  ...['fc00::/7', 'fe80::/10', '::1'],
]);

/** A host has the whole of a /64 to itself, RFC 4291 clause 2.5.1. */
const NETWORK_GROUPS = 4;

/** Who shares an address as far as tries are counted: itself, or of IPv6 the /64 around it. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address).slice(0, NETWORK_GROUPS);
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}

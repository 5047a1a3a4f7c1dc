import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/**
 * Which network carries what we send to the cloud, found out from the kernel's routes: that of a phone
 * contract should not carry what can wait for the Wi-Fi at home.
 *
 * - local: this computer itself
 * - ethernet, wifi: by the interface. A phone that is a Wi-Fi hotspot looks like any Wi-Fi
 * - cellular: a modem, or a phone at the USB port
 * - unknown: no route, or an interface of another kind: treated like cellular
 */
export type Bearer = 'local' | 'ethernet' | 'wifi' | 'cellular' | 'unknown';

export interface BearerFiles {
  /** Columns of Linux' fib_trie.c: Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
  readonly routes: string;
  /** Destination, its bits, source, its bits, next hop, metric, ..., flags, interface; all in hex. */
  readonly routes6: string;
  /** One folder for each interface. */
  readonly interfaces: string;
}

const FILES: BearerFiles = {
  routes: '/proc/net/route',
  routes6: '/proc/net/ipv6_route',
  interfaces: '/sys/class/net',
};
/** RTF_UP of linux/route.h. */
const UP = 0x1;
/** RTF_REJECT: the route says that there is none. */
const REJECT = 0x200;
const MODEM = /^(wwan|wwp|ppp|usb|rmnet|enx0c5b8f)/;
/** Drivers of the kernel that a phone or a modem at the USB port has: its name may be that of a cable. */
const MODEM_DRIVERS: readonly string[] = [
  ...['rndis_host', 'ipheth', 'cdc_ether', 'cdc_ncm', 'cdc_mbim', 'qmi_wwan', 'huawei_cdc_ncm'],
];
const CABLE = /^(eth|en|end)/;
/** ARPHRD_ETHER of linux/if_arp.h. */
const ETHER = '1';

interface Route {
  readonly device: string;
  readonly bits: number;
  readonly metric: number;
}

/** @param remote the address of the broker; empty for the network that a new connection would take */
export function readBearer(remote = '', files: BearerFiles = FILES): Bearer {
  const address = remote.replace(/^::ffff:(?=\d+\.)/, '');
  if (/^127\./.test(address) || address === '::1') return 'local';
  const v6 = address.includes(':');
  const routes = v6 ? defaultRoutes6(files) : routesTo(address, files);
  // The narrowest wins, and of these that with the least metric.
  const [best] = routes.toSorted((a, b) => b.bits - a.bits || a.metric - b.metric);
  return best === undefined ? 'unknown' : bearerOf(best.device, files);
}

function bearerOf(device: string, { interfaces }: BearerFiles): Bearer {
  const folder = path.join(interfaces, path.basename(device));
  if (existsSync(path.join(folder, 'wireless')) || existsSync(path.join(folder, 'phy80211'))) {
    return 'wifi';
  }
  // A phone at the USB port is an Ethernet card to the kernel; its name tells, or its driver.
  if (MODEM.test(device) || MODEM_DRIVERS.includes(driverOf(folder))) return 'cellular';
  if (device === 'lo') return 'local';
  return CABLE.test(device) && textOf(path.join(folder, 'type')).trim() === ETHER
    ? 'ethernet'
    : 'unknown';
}

/** Empty where it has none, as what is no device. */
function driverOf(folder: string): string {
  try {
    return path.basename(readlinkSync(path.join(folder, 'device', 'driver')));
  } catch {
    return '';
  }
}

function routesTo(address: string, { routes }: BearerFiles): readonly Route[] {
  const to = address === '' ? 0 : numberOf(address);
  return linesOf(routes)
    .slice(1)
    .flatMap((columns) => {
      const [device = '', destination = '', , flags = '', , , metric = '', mask = ''] = columns;
      const bits = swapped(mask);
      if ((Number.parseInt(flags, 16) & (UP | REJECT)) !== UP) return [];
      const reached = (to & bits) >>> 0 === swapped(destination);
      return reached ? [{ device, bits, metric: Number(metric) }] : [];
    });
}

function defaultRoutes6({ routes6 }: BearerFiles): readonly Route[] {
  return linesOf(routes6).flatMap((columns) => {
    const [destination = '', bits = '', , , , metric = ''] = columns;
    const [flags = '', device = ''] = columns.slice(-2);
    if ((Number.parseInt(flags, 16) & (UP | REJECT)) !== UP) return [];
    if (bits !== '00' || !/^0+$/.test(destination)) return [];
    return [{ device, bits: 0, metric: Number.parseInt(metric, 16) }];
  });
}

/** The kernel prints addresses as the computer has them in memory, which is little-endian on all of ours. */
function swapped(hex: string): number {
  const n = Number.parseInt(hex, 16);
  return (
    (((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | ((n >>> 24) & 0xff)) >>> 0
  );
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}

function linesOf(file: string): readonly (readonly string[])[] {
  return textOf(file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().split(/\s+/));
}

/** What is not there says nothing: there are computers without IPv6, and interfaces that go away. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

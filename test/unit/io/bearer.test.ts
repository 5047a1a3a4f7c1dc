import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BearerFiles, readBearer } from '../../../src/io/bearer.ts';

const HEAD =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

let directory = '';
let files: BearerFiles;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-bearer-'));
  files = {
    routes: path.join(directory, 'route'),
    routes6: path.join(directory, 'ipv6_route'),
    interfaces: path.join(directory, 'net'),
  };
  device('eth0');
  device('wlan0', 'wireless');
  device('wlan1', 'phy80211');
  device('wwan0');
  device('usb0');
  device('tun0', '', '65534');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function device(name: string, folder = '', type = '1'): void {
  mkdirSync(path.join(files.interfaces, name, folder), { recursive: true });
  writeFileSync(path.join(files.interfaces, name, 'type'), `${type}\n`);
}

/** As the kernel writes them: little-endian, flags in hex. */
function routes(
  ...rows: readonly (readonly [
    device: string,
    to: string,
    metric: number,
    mask: string,
    flags?: string,
  ])[]
): void {
  const lines = rows.map(([name, to, metric, mask, flags = '0003']) => {
    return `${name}\t${to}\t0100A8C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0`;
  });
  writeFileSync(files.routes, `${HEAD}${lines.join('\n')}\n`);
}

test.each([
  ['eth0', 'ethernet'],
  ['wlan0', 'wifi'],
  ['wlan1', 'wifi'],
  ['wwan0', 'cellular'],
  ['usb0', 'cellular'],
  ['ppp0', 'cellular'],
  ['tun0', 'unknown'],
  ['gone7', 'unknown'],
] as const)('a default route over %s is %s', (name, bearer) => {
  routes([name, '00000000', 100, '00000000']);
  expect(readBearer('', files)).toBe(bearer);
});

test.each([
  ['enx6e1f2a3b4c5d', 'rndis_host', 'cellular'],
  ['eth1', 'ipheth', 'cellular'],
  ['eth1', 'smsc95xx', 'ethernet'],
  ['enx00e04c680001', 'r8152', 'ethernet'],
] as const)('%s with the driver %s is %s', (name, driver, bearer) => {
  device(name, 'device');
  symlinkSync(`../../../drivers/${driver}`, path.join(files.interfaces, name, 'device', 'driver'));
  routes([name, '00000000', 100, '00000000']);
  expect(readBearer('', files)).toBe(bearer);
});

test('of two default routes that with the least metric counts, and one that is down does not', () => {
  routes(['wwan0', '00000000', 700, '00000000'], ['wlan0', '00000000', 600, '00000000']);
  expect(readBearer('203.0.113.5', files)).toBe('wifi');
  routes(['wwan0', '00000000', 700, '00000000'], ['wlan0', '00000000', 600, '00000000', '0002']);
  expect(readBearer('203.0.113.5', files)).toBe('cellular');
});

test('the narrowest route to the broker counts, whatever its metric', () => {
  // 192.168.7.0/24 over Ethernet, all else over a modem.
  routes(['wwan0', '00000000', 0, '00000000'], ['eth0', '0007A8C0', 900, '00FFFFFF']);
  expect(readBearer('192.168.7.9', files)).toBe('ethernet');
  expect(readBearer('::ffff:192.168.7.9', files)).toBe('ethernet');
  expect(readBearer('192.168.8.9', files)).toBe('cellular');
});

test('a broker on this computer costs nothing', () => {
  routes(['wwan0', '00000000', 0, '00000000']);
  expect(readBearer('127.0.0.1', files)).toBe('local');
  expect(readBearer('::1', files)).toBe('local');
});

test('IPv6 has routes of its own, and those that only refuse do not count', () => {
  const zero = '0'.repeat(32);
  const row = (metric: string, flags: string, name: string): string =>
    `${zero} 00 ${zero} 00 fe8000000000000000000000000000aa ${metric} 00000001 00000000 ${flags} ${name}`;
  writeFileSync(
    files.routes6,
    `${row('00000064', '00000003', 'eth0')}\n${row('ffffffff', '00200200', 'lo')}\n`,
  );
  expect(readBearer('2001:db8::1', files)).toBe('ethernet');
});

test('without a route, or with a table that is none, nobody knows', () => {
  expect(readBearer('203.0.113.5', files)).toBe('unknown');
  writeFileSync(files.routes, 'no table at all\n\n\u0000');
  expect(readBearer('203.0.113.5', files)).toBe('unknown');
});

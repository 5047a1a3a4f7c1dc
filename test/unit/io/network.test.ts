import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  groupsOf,
  isNetwork,
  networkMask,
  normalAddress,
  withinNetworks,
} from '../../../src/io/network.ts';

test('a network is an address and how many of its bits count', () => {
  for (const text of [
    '10.0.0.0/8',
    '127.0.0.1',
    '::1',
    'fd00::/8',
    '0.0.0.0/0',
    '::/128',
    '1.2.3.4/32',
  ]) {
    expect(isNetwork(text), text).toBe(true);
  }
  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    'localhost',
    '1.2.3.4/',
    '1.2.3.4/8/8',
  ]) {
    expect(isNetwork(text), text).toBe(false);
  }
});

test('an address is in a network, at both of its ends and not beside it', () => {
  const within = withinNetworks(['10.42.0.0/24', '192.0.2.1', 'fd00::/8']);
  for (const address of ['10.42.0.0', '10.42.0.255', '192.0.2.1', 'fd00::', 'fdff:ffff::1']) {
    expect(within(address), address).toBe(true);
  }
  for (const address of ['10.41.255.255', '10.42.1.0', '192.0.2.2', 'fe00::', '', 'car.local']) {
    expect(within(address), address).toBe(false);
  }
  expect(withinNetworks([])('127.0.0.1')).toBe(false);
});

test('a mask has as many ones as there are bits that count', () => {
  expect(networkMask('10.42.7.1/20')).toEqual(['10.42.0.0', '255.255.240.0']);
  expect(networkMask('10.42.7.1/0')).toEqual(['0.0.0.0', '0.0.0.0']);
  expect(networkMask('10.42.7.1')).toEqual(['10.42.7.1', '255.255.255.255']);
  expect(networkMask('fd00:1:2:3::4/61')).toEqual([
    'fd00:1:2:0:0:0:0:0',
    'ffff:ffff:ffff:fff8:0:0:0:0',
  ]);
  expect(networkMask('::1')[0]).toBe('0:0:0:0:0:0:0:1');
  expect(networkMask('64:ff9b::192.0.2.33')[0]).toBe('64:ff9b:0:0:0:0:c000:221');
});

test('however an IPv6 address is written, its groups are the same', () => {
  for (const text of [
    'fe80::c000:221',
    'FE80:0::0:192.0.2.33%wlan0',
    'fe80:0:0:0:0:0:192.0.2.33',
  ]) {
    expect(groupsOf(text), text).toEqual([0xfe80, 0, 0, 0, 0, 0, 0xc000, 0x221]);
  }
  expect(groupsOf('1::')).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (groups) => {
      const long = groups.map((group) => group.toString(16)).join(':');
      const short = new URL(`http://[${long}]`).hostname.slice(1, -1);
      expect([groupsOf(long), groupsOf(short)]).toEqual([groups, groups]);
    }),
  );
});

test('an address has one form, and nothing else is one', () => {
  expect(normalAddress('2001:DB8:0:0::1')).toBe('2001:db8::1');
  expect(normalAddress('::FFFF:1.2.3.4')).toBe('1.2.3.4');
  expect(normalAddress('fe80::1%eth0')).toBe('fe80::1');
  for (const text of ['', '1.2.3', 'localhost', '[::1]', '1.2.3.4:80']) {
    expect(normalAddress(text), text).toBeUndefined();
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Remote } from '#core/account.ts';
import { isPrivateAddress, networkOf } from '../../../src/accounts/network.ts';
import { Tries } from '../../../src/accounts/tries.ts';
import { LAN, LOCAL } from '../../support/account-world.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const from = (address: string): Remote => ({ ...LAN, address });

function start() {
  const clock = new FakeClock();
  const tries = new Tries(clock);
  const passes = (name: string, remote: Remote): boolean => {
    try {
      tries.take(name, remote);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'THROTTLED', retryAfterS: expect.any(Number) });
      return false;
    }
  };
  return { clock, tries, passes };
}

test('however many tries come from wherever, no minute has more than thirty', async () => {
  const { clock, passes } = start();
  const at: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    if (passes(`user${i % 50}`, from(`10.0.${i % 100}.1`))) at.push(clock.now() / 1e6);
    await clock.advance(300);
  }
  expect(at.length).toBeGreaterThan(90);
  for (const start of at) {
    expect(at.filter((t) => t >= start && t < start + 60).length).toBeLessThanOrEqual(30);
  }
});

test('1,000 wrong log-ins in a minute from one address are few', async () => {
  const { clock, tries, passes } = start();
  let passed = 0;
  for (let i = 0; i < 1_000; i++) {
    if (passes('admin', LAN)) passed++;
    await clock.advance(60);
  }
  expect(passed).toBe(9);
  expect(tries.refused).toBe(991);
});

test('who guesses at an account does not lock out whose it is', () => {
  const { passes } = start();
  while (passes('ada', from('10.0.0.66')));
  expect(passes('ada', from('10.0.0.7'))).toBe(true);
});

test('who guesses from everywhere does not lock out who sits at the gateway', () => {
  const { passes } = start();
  for (let i = 0; passes('ada', from(`10.0.${i}.66`)); i++);
  expect(passes('ada', from('10.1.0.7'))).toBe(false);
  expect(passes('ada', LOCAL)).toBe(true);
});

test('a log-in that was right gives the account its tries back', () => {
  const { tries, passes } = start();
  for (let i = 0; i < 5; i++) passes('ada', LAN);
  expect(passes('ada', LAN)).toBe(false);
  tries.forgive('ada', LAN);
  expect(passes('ada', LAN)).toBe(true);
});

test('phones that share an account and a network get in one after the other', () => {
  const { tries, passes } = start();
  const logIn = (): boolean => {
    const passed = passes('viewer', LAN);
    if (passed) tries.forgive('viewer', LAN);
    return passed;
  };
  for (let i = 0; i < 50; i++) expect(logIn(), String(i)).toBe(true);
  // Who does nothing else is held up at last.
  while (logIn());
  expect(tries.refused).toBe(1);
  expect(passes('ada', from('10.0.0.7'))).toBe(true);
});

test('a right log-in gives back one try of its network, and not what wrong ones have taken', () => {
  const { tries, passes } = start();
  for (let i = 0; i < 7; i++) expect(passes(`user${i}`, LAN)).toBe(true);
  for (let i = 0; i < 5; i++) {
    expect(passes('mallory', LAN)).toBe(true);
    tries.forgive('mallory', LAN);
  }
  expect(passes('user8', LAN)).toBe(true);
  expect(passes('user9', LAN)).toBe(false);
});

test('an IPv6 network counts as one, however many addresses it has', () => {
  expect(networkOf('192.168.4.20')).toBe('192.168.4.20');
  for (const [address, network] of [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%wlan0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ] as const) {
    expect(networkOf(address), address).toBe(network);
  }
  const { passes } = start();
  const passed = Array.from({ length: 100 }, (_, i) => passes(`u${i}`, from(`2001:db8::${i}`)));
  expect(passed.filter(Boolean)).toHaveLength(8);
});

test('two addresses of one /64 are of one network, and of two are not', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.ipV6(), (a, b) => {
      const groups = (text: string) => new URL(`http://[${text}]`).hostname;
      fc.pre(!groups(a).startsWith('[::') && !groups(b).startsWith('[::'));
      expect(networkOf(networkOf(a).replace('/64', '1'))).toBe(networkOf(a));
    }),
  );
});

test('private addresses are those that are not routed', () => {
  // biome-ignore format: a table
  const PRIVATE = ['10.0.0.1', '127.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '169.254.1.1',
    '::1', 'fe80::1', 'fd00::1'];
  // biome-ignore format: a table
  const PUBLIC = ['8.8.8.8', '172.32.0.1', '192.169.0.1', '11.0.0.1', '2001:db8::1', '203.0.113.7', ''];
  for (const address of PRIVATE) expect(isPrivateAddress(address), address).toBe(true);
  for (const address of PUBLIC) expect(isPrivateAddress(address), address).toBe(false);
});

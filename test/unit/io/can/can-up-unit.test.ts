/** What the code depends on in the unit that brings an interface up. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { parseArguments } from '../../../../src/can-up.ts';
import { exitCodeOf } from '../../../../src/gateway/exit.ts';
import { bufferWarning } from '../../../../src/io/can/receive-buffer.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../../../systemd/${name}`, import.meta.url), 'utf8');
}

const text = read('vigil-can@.service');

/** The values of a key, in the order of its lines; see systemd.syntax(7). */
function valuesOf(key: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith(`${key}=`));
  return lines.map((line) => line.slice(key.length + 1));
}

test('the program takes what the unit hands it', () => {
  const [command = ''] = valuesOf('ExecStart');
  const [node, program, ...args] = command.replace(' $CAN_OPTIONS', '').split(' ');
  expect(node).toBe('/opt/vigil/node_modules/.bin/node');
  expect(program).toBe('/opt/vigil/src/can-up.ts');
  const name = args.join(' ').replace('%i', 'can0').split(' ');
  expect(parseArguments(name)).toEqual({ name: 'can0', bitRate: undefined, transmit: false });
});

test('it may set interfaces and nothing else', () => {
  expect(valuesOf('CapabilityBoundingSet')).toEqual(['CAP_NET_ADMIN']);
  expect(valuesOf('AmbientCapabilities')).toEqual(['CAP_NET_ADMIN']);
  expect(valuesOf('DynamicUser')).toEqual(['yes']);
});

test('it speaks to the kernel, to the bus, and asks for the size of a buffer', () => {
  expect(valuesOf('RestrictAddressFamilies')).toEqual(['AF_UNIX AF_INET AF_CAN AF_NETLINK']);
  // In a network of its own, or as another user of a namespace, it would see no interface.
  expect(valuesOf('PrivateNetwork').concat(valuesOf('PrivateUsers'))).toEqual([]);
});

test('it may listen until the ignition is on, and is started again unless that is of no use', () => {
  expect(valuesOf('TimeoutStartSec')).toEqual(['infinity']);
  expect(valuesOf('Restart')).toEqual(['on-failure']);
  expect(valuesOf('RestartPreventExitStatus')).toEqual([String(exitCodeOf(new ConfigError('x')))]);
});

test('it goes with the adapter', () => {
  const device = 'sys-subsystem-net-devices-%i.device';
  expect(valuesOf('BindsTo')).toEqual([device]);
  expect(valuesOf('After')).toContain(device);
  expect(valuesOf('WantedBy')).toEqual([device]);
});

test('V8 may run what it compiles', () => {
  expect(valuesOf('MemoryDenyWriteExecute')).not.toContain('yes');
});

test('its hardening is that of the gateway, where both need the same', () => {
  const gateway = read('vigil.service').split('\n');
  const hardening =
    /^(NoNewPrivileges|Protect|Restrict(SUID|Real|Name)|Lock|Remove|Keyring|SystemCall)/;
  for (const line of gateway.filter((line) => hardening.test(line))) expect(text).toContain(line);
});

test('the receive buffer of the image is large enough for no warning', () => {
  const [, bytes] = /^net\.core\.rmem_default = (\d+)$/m.exec(read('60-vigil-can.conf')) ?? [];
  expect(bufferWarning(Number(bytes))).toBeUndefined();
  expect(bufferWarning(Number(bytes) - 1)).toContain(`set it to ${bytes}`);
});

import { LinkError } from '#core/errors.ts';
import type { OpenPort } from '../port.ts';
import { type Device, findDevice, type Known, knownTo, openBluez } from './devices.ts';
import { BluetoothError } from './errors.ts';
import { openRfcomm } from './rfcomm.ts';
import { isBlocked } from './rfkill.ts';

const WHERE = 'under More, System';

export interface BluetoothPortOptions {
  /** `AA:BB:CC:DD:EE:FF`. */
  readonly address: string;
  /** Of its serial port, 1 to 30. */
  readonly channel: number;
  /** D-Bus address; that of the system where it is left out. */
  readonly busAddress?: string;
  /** Where the kernel tells switches of radios. */
  readonly rfkillPath?: string;
  readonly searchPath?: string;
}

/**
 * The serial port of a Bluetooth device that was paired. It is connected anew each time, and nothing of a
 * connection outlives its port: a link that went silent is got rid of by closing it.
 */
export function bluetoothPort(options: BluetoothPortOptions): OpenPort {
  const { address, channel, searchPath } = options;
  return async (signal) => {
    const { adapter } = await pairedDevice(options);
    const target = { address, channel, from: adapter.address };
    return openRfcomm(searchPath === undefined ? target : { ...target, searchPath }, signal);
  };
}

async function pairedDevice(options: BluetoothPortOptions): Promise<Device> {
  const { address, rfkillPath } = options;
  const fail = (reason: string, cause?: unknown): LinkError =>
    new LinkError('OPEN_FAILED', `${address}: ${reason}`, { cause });
  const known = await lookUp(options.busAddress).catch((error: unknown) => {
    throw error instanceof BluetoothError ? fail(error.message, error) : error;
  });
  if (known.adapters.length === 0) throw fail('this computer has no Bluetooth adapter');
  if (isBlocked(rfkillPath)) throw fail('Bluetooth is kept off by the computer (rfkill)');
  const device = findDevice(known, address);
  if (!device?.paired) throw fail(`not paired; pair it ${WHERE}`);
  if (!device.trusted) throw fail(`paired but not trusted; pair it again ${WHERE}`);
  if (!device.adapter.powered) throw fail('the Bluetooth adapter is switched off');
  return device;
}

async function lookUp(busAddress: string | undefined): Promise<Known> {
  await using bus = await openBluez(busAddress);
  return await knownTo(bus);
}

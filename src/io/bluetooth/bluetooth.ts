import type { Clock } from '#core/clock.ts';
import type { Bus } from './dbus.ts';
import {
  ADAPTER,
  type Adapter,
  ask,
  type Device,
  findDevice,
  type Known,
  knownTo,
  openBluez,
  PROPERTIES,
} from './devices.ts';
import { BluetoothError } from './errors.ts';
import { pairDevice } from './pairing.ts';
import { isBlocked } from './rfkill.ts';

export interface BluetoothOptions {
  readonly clock: Clock;
  /** D-Bus address; that of the system where it is left out. */
  readonly busAddress?: string;
  /** Where the kernel tells switches of radios. */
  readonly rfkillPath?: string;
}

/** How Bluetooth is, as somebody sees it who looks for a device. */
export interface BluetoothState extends Known {
  /** Whether a scan of ours is under way. */
  readonly scanning: boolean;
  /** Whether the kernel keeps all radios of this kind off. */
  readonly blocked: boolean;
}

/**
 * Finding, pairing and forgetting devices, by BlueZ. Each request has a connection to the bus of its own:
 * what it began ends with it, and a bus or a service that was restarted is no matter to the next one.
 */
export class Bluetooth implements AsyncDisposable {
  readonly #options: BluetoothOptions;
  readonly #stopping = new AbortController();
  #scan: Promise<void> | undefined;
  #pairing = false;

  constructor(options: BluetoothOptions) {
    this.#options = options;
  }

  /** @throws BluetoothError NO_BLUETOOTH, NO_ANSWER */
  async state(): Promise<BluetoothState> {
    await using bus = await this.#open();
    const known = await knownTo(bus);
    return { ...known, scanning: this.#scan !== undefined, blocked: this.#isBlocked() };
  }

  /**
   * Begins to look for devices that can be found; `state` tells them as they come. Adapters that are off
   * are switched on. BlueZ forgets those that are not paired half a minute after they were last seen.
   *
   * @throws BluetoothError IN_PROGRESS, NO_BLUETOOTH, NO_ADAPTER, ADAPTER_OFF
   */
  async scan(ms: number): Promise<void> {
    if (this.#scan !== undefined) {
      throw new BluetoothError('IN_PROGRESS', 'a scan is under way already');
    }
    const begun = Promise.withResolvers<void>();
    this.#scan = this.#scanFor(ms, begun.resolve).then(begun.resolve, begun.reject);
    try {
      await begun.promise;
    } catch (error) {
      this.#scan = undefined;
      throw error;
    }
  }

  /**
   * Pairs with a device that was seen a moment ago, and trusts it: its next connections need nobody.
   *
   * @param pin of a device that asks for one; the usual ones are tried without it
   * @throws BluetoothError
   */
  async pair(address: string, pin?: string): Promise<Device> {
    if (this.#pairing) {
      throw new BluetoothError('IN_PROGRESS', 'another device is being paired at this moment');
    }
    this.#pairing = true;
    try {
      await using bus = await this.#open();
      const device = found(await knownTo(bus), address);
      await this.#switchOn(bus, [device.adapter]);
      await pairDevice(bus, device, pin, this.#stopping.signal);
      return found(await knownTo(bus), address);
    } finally {
      this.#pairing = false;
    }
  }

  /** Undoes the pairing, with every adapter that knows the device. @throws BluetoothError */
  async forget(address: string): Promise<void> {
    await using bus = await this.#open();
    const known = await knownTo(bus);
    found(known, address);
    for (const { path, adapter, ...device } of known.devices) {
      if (device.address !== address) continue;
      const call = { interface: ADAPTER, member: 'RemoveDevice', signature: 'o', body: [path] };
      await ask(bus, { path: adapter.path, ...call });
    }
  }

  /** Ends a scan and a pairing that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new BluetoothError('SERVICE_FAILED', 'the gateway stops'));
    await this.#scan;
  }

  #open(): Promise<Bus> {
    return openBluez(this.#options.busAddress);
  }

  #isBlocked(): boolean {
    return isBlocked(this.#options.rfkillPath);
  }

  /** The discovery is that of the connection: it ends with it. */
  async #scanFor(ms: number, onBegun: () => void): Promise<void> {
    await using bus = await this.#open();
    const { adapters } = await knownTo(bus);
    await this.#switchOn(bus, adapters);
    // Headsets and adapters with a serial port are of the classic kind; others would crowd them out.
    const body = [[['Transport', ['s', 'bredr']]]];
    for (const { path } of adapters) {
      const adapter = { path, interface: ADAPTER };
      await ask(bus, { ...adapter, member: 'SetDiscoveryFilter', signature: 'a{sv}', body });
      await ask(bus, { ...adapter, member: 'StartDiscovery' });
    }
    onBegun();
    // A stop ends it early, and that is all.
    await this.#options.clock.sleep(ms, this.#stopping.signal).catch(() => {});
    this.#scan = undefined;
  }

  async #switchOn(bus: Bus, adapters: readonly Adapter[]): Promise<void> {
    if (adapters.length === 0) {
      throw new BluetoothError('NO_ADAPTER', 'this computer has no Bluetooth adapter');
    }
    if (this.#isBlocked()) {
      const how = 'rfkill unblock bluetooth, or the switch on its case, lets it';
      throw new BluetoothError('ADAPTER_OFF', `Bluetooth is kept off by the computer; ${how}`);
    }
    const body = [ADAPTER, 'Powered', ['b', true]];
    for (const { path, powered } of adapters) {
      if (powered) continue;
      await ask(bus, { path, interface: PROPERTIES, member: 'Set', signature: 'ssv', body });
    }
  }
}

/** @throws BluetoothError NOT_FOUND */
function found(known: Known, address: string): Device {
  const device = findDevice(known, address);
  if (device) return device;
  const how = 'scan for it while it is near and can be found';
  throw new BluetoothError('NOT_FOUND', `${address}: no such device was seen; ${how}`);
}

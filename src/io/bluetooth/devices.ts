import { oneLine } from '#core/text.ts';
import { type Bus, type Call, openBus, SYSTEM_BUS } from './dbus.ts';
import { toBluetoothError } from './failures.ts';

const BLUEZ = 'org.bluez';
export const ADAPTER = 'org.bluez.Adapter1';
export const DEVICE = 'org.bluez.Device1';
const MANAGER = 'org.freedesktop.DBus.ObjectManager';
export const PROPERTIES = 'org.freedesktop.DBus.Properties';
/** The serial port profile, Bluetooth Assigned Numbers clause 3.3. */
const SERIAL_PORT = '00001101-0000-1000-8000-00805f9b34fb';
/** Of a device's name; a longer one is the name of no device that a person reads. */
const NAME_CHARS_MAX = 100;
/** A scan in a town finds many; those beyond it are left out, the weakest first. */
const DEVICES_MAX = 100;

/** A Bluetooth controller of this computer. */
export interface Adapter {
  /** D-Bus object, `/org/bluez/hci0`. */
  readonly path: string;
  /** `AA:BB:CC:DD:EE:FF`. */
  readonly address: string;
  readonly name: string;
  readonly powered: boolean;
  readonly discovering: boolean;
}

/** What somebody is likely to use a device for, by its name. */
export type DeviceUse = 'headset' | 'obd' | 'unknown';

/** A device that is paired, or was seen a moment ago. */
export interface Device {
  readonly path: string;
  readonly adapter: Adapter;
  readonly address: string;
  /** Empty where it has not told one. */
  readonly name: string;
  readonly paired: boolean;
  readonly trusted: boolean;
  readonly connected: boolean;
  /** dBm; undefined where it was not seen just now. */
  readonly rssi: number | undefined;
  /** Whether it has a serial port; undefined where it has not told its services. */
  readonly serial: boolean | undefined;
  readonly use: DeviceUse;
}

export interface Known {
  readonly adapters: readonly Adapter[];
  readonly devices: readonly Device[];
}

/**
 * A connection to the bus that BlueZ is on.
 *
 * @param address D-Bus address; that of the system where it is left out
 * @throws BluetoothError NO_BLUETOOTH
 */
export async function openBluez(address = SYSTEM_BUS): Promise<Bus> {
  try {
    return await openBus(address);
  } catch (error) {
    throw toBluetoothError(error);
  }
}

/** What BlueZ knows now. @throws BluetoothError NO_BLUETOOTH, NO_ANSWER */
export async function knownTo(bus: Bus): Promise<Known> {
  const tree = record(
    await ask(bus, { path: '/', interface: MANAGER, member: 'GetManagedObjects' }),
  );
  const objects = Object.entries(tree).map(([path, all]) => [path, record(all)] as const);
  const adapters = objects
    .flatMap(([path, all]) => (ADAPTER in all ? [adapterOf(path, record(all[ADAPTER]))] : []))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const devices = objects.flatMap(([path, all]) => {
    if (!(DEVICE in all)) return [];
    const properties = record(all[DEVICE]);
    const adapter = adapters.find((one) => one.path === properties['Adapter']);
    return adapter ? [deviceOf(path, adapter, properties)] : [];
  });
  return { adapters, devices: devices.sort(byInterest).slice(0, DEVICES_MAX) };
}

/** A call to BlueZ. @throws BluetoothError, or the signal's reason */
export async function ask(bus: Bus, call: Omit<Call, 'service'>): Promise<unknown> {
  try {
    return await bus.call({ service: BLUEZ, ...call });
  } catch (error) {
    throw toBluetoothError(error);
  }
}

/** One that is paired comes before the same seen by another adapter. */
export function findDevice({ devices }: Known, address: string): Device | undefined {
  const all = devices.filter((device) => device.address === address);
  return all.find(({ paired }) => paired) ?? all[0];
}

function adapterOf(path: string, properties: Properties): Adapter {
  return {
    path,
    address: text(properties['Address']).toUpperCase(),
    name: text(properties['Alias']),
    powered: properties['Powered'] === true,
    discovering: properties['Discovering'] === true,
  };
}

function deviceOf(path: string, adapter: Adapter, properties: Properties): Device {
  const { RSSI: rssi, UUIDs: uuids } = properties;
  const services = Array.isArray(uuids) ? uuids.map((uuid) => text(uuid).toLowerCase()) : [];
  const paired = properties['Paired'] === true;
  // BlueZ makes an alias of the address where there is no name.
  const name = text(properties['Name']);
  return {
    ...{ path, adapter, name, paired },
    address: text(properties['Address']).toUpperCase(),
    trusted: properties['Trusted'] === true,
    connected: properties['Connected'] === true,
    rssi: typeof rssi === 'number' ? rssi : undefined,
    // Before it is paired, a device may tell only some of its services.
    serial: services.includes(SERIAL_PORT) || (paired && services.length > 0 ? false : undefined),
    use: useOf(name),
  };
}

const USES: readonly (readonly [use: DeviceUse, names: RegExp])[] = [
  ['headset', /mind ?(wave|set|flex)|neurosky|brain ?(link|wave|sense)|thinkgear/i],
  ['obd', /obd|elm ?327|\bstn\d|v-?link|vgate|i-?car\b|veepeak|konnwei|carista|kiwi|scantool/i],
];

function useOf(name: string): DeviceUse {
  return USES.find(([, names]) => names.test(name))?.[0] ?? 'unknown';
}

/** Paired ones first, then those that can be used, then the nearest. */
function byInterest(a: Device, b: Device): number {
  const rank = ({ paired, use }: Device): number => (paired ? 2 : 0) + (use === 'unknown' ? 0 : 1);
  const near = ({ rssi }: Device): number => rssi ?? Number.NEGATIVE_INFINITY;
  if (rank(a) !== rank(b)) return rank(b) - rank(a);
  if (near(a) !== near(b)) return near(b) - near(a);
  return a.address < b.address ? -1 : 1;
}

type Properties = Readonly<Record<string, unknown>>;

/** D-Bus tells the type of everything, and BlueZ is not the only one who might answer. */
function record(value: unknown): Properties {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? oneLine(value, NAME_CHARS_MAX) : '';
}

import * as v from 'valibot';
import type { BluetoothState } from '../../io/bluetooth/bluetooth.ts';
import type { Device } from '../../io/bluetooth/devices.ts';

/** `AA:BB:CC:DD:EE:FF`. */
const Address = v.pipe(
  v.string(),
  v.regex(/^[\dA-F]{2}(:[\dA-F]{2}){5}$/),
  v.examples(['00:1D:A5:68:98:8B']),
);

const AdapterShape = v.object({ address: Address, name: v.string(), powered: v.boolean() });

export const BluetoothDeviceShape = v.object({
  address: Address,
  /** Empty where it has not told one. */
  name: v.string(),
  /** The adapter that knows it. */
  adapter: Address,
  paired: v.boolean(),
  /** Whether it may be connected to without anybody's leave. */
  trusted: v.boolean(),
  connected: v.boolean(),
  /** How well it is received, in dBm; null where it was not seen in a scan just now. */
  rssi: v.nullable(v.number()),
  /** Whether it has a serial port; null where it has not told. */
  serial: v.nullable(v.boolean()),
  /** What it is likely to be, by its name. */
  use: v.picklist(['headset', 'obd', 'unknown']),
  /** How to name it in the settings `obd` and, behind `thinkgear+`, `eeg`. */
  url: v.string(),
});
type BluetoothDeviceShape = v.InferOutput<typeof BluetoothDeviceShape>;

export const BluetoothShape = v.object({
  /** Whether a scan is under way: devices come while it is. */
  scanning: v.boolean(),
  /** Whether the computer keeps Bluetooth off. */
  blocked: v.boolean(),
  adapters: v.array(AdapterShape),
  devices: v.array(BluetoothDeviceShape),
});

export function bluetoothShape({ scanning, blocked, adapters, devices }: BluetoothState) {
  return {
    ...{ scanning, blocked },
    adapters: adapters.map(({ address, name, powered }) => ({ address, name, powered })),
    devices: devices.map(deviceShape),
  };
}

export function deviceShape(device: Device): BluetoothDeviceShape {
  const { address, name, adapter, paired, trusted, connected, rssi, serial, use } = device;
  return {
    ...{ address, name, adapter: adapter.address, paired, trusted, connected },
    ...{ rssi: rssi ?? null, serial: serial ?? null, use, url: `bt://${address}` },
  };
}

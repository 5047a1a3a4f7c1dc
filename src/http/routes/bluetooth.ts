import * as v from 'valibot';
import type { Asking } from '../../accounts/audit.ts';
import type { BluetoothState } from '../../io/bluetooth/bluetooth.ts';
import type { Device } from '../../io/bluetooth/devices.ts';
import { Problem } from '../problem.ts';
import { route } from '../route.ts';
import { askingOf } from './asking.ts';
import {
  BluetoothDeviceShape,
  BluetoothShape,
  bluetoothShape,
  deviceShape,
} from './bluetooth-shape.ts';
import { answering } from './problems.ts';

/** A device answers an inquiry within 10.24 s, Core Specification vol. 2 part B clause 8.4.2. */
const SCAN_S = 15;
const SCAN_S_MIN = 5;
const SCAN_S_MAX = 60;
/** Core Specification vol. 3 part C clause 3.2.3: at most 16 bytes; those that a manual can have. */
const PIN = /^[\x20-\x7e]{1,16}$/;

/** What the routes of Bluetooth need: `Bluetoothing` of bluetoothing.ts has it. */
export interface BluetoothDeps {
  readonly bluetooth: {
    /** @throws BluetoothError */
    state(): Promise<BluetoothState>;
    /** Resolves when the scan has begun. @throws BluetoothError */
    scan(seconds: number): Promise<void>;
    /** @throws BluetoothError */
    pair(address: string, pin: string | undefined, asking: Asking): Promise<Device>;
    /** @throws BluetoothError */
    forget(address: string, asking: Asking): Promise<void>;
  };
}

const ScanOrder = v.strictObject({
  seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(SCAN_S_MIN), v.maxValue(SCAN_S_MAX)),
    SCAN_S,
  ),
});

const PairOrder = v.strictObject({
  /** What the device's manual says; those that are usual are tried without it. */
  pin: v.optional(v.pipe(v.string(), v.regex(PIN))),
});

const shared = { access: 'service', query: undefined } as const;
const device = { ...shared, problems: [404, 409, 503] } as const;

export const listBluetooth = route({
  ...{ ...shared, method: 'GET', path: '/bluetooth', body: undefined },
  summary: 'Bluetooth adapters, and the devices that are paired or were seen just now.',
  problems: [503],
  reply: BluetoothShape,
  handle: ({ bluetooth }: BluetoothDeps) =>
    answering(async () => bluetoothShape(await bluetooth.state())),
});

export const scanBluetooth = route({
  ...{ ...shared, method: 'POST', path: '/bluetooth/scan' },
  summary: 'Begins to look for devices that can be found; GET /bluetooth has them as they come.',
  problems: [409, 503],
  body: v.optional(ScanOrder, {}),
  reply: v.object({ seconds: v.number() }),
  status: () => 202,
  statuses: [202],
  handle: ({ bluetooth }: BluetoothDeps, { body: { seconds } }) =>
    answering(async () => {
      await bluetooth.scan(seconds);
      return { seconds };
    }),
});

export const pairBluetooth = route({
  ...{ ...device, method: 'POST', path: '/bluetooth/devices/:address/pair' },
  summary: 'Pairs with a device that was seen just now, and trusts it; it may take half a minute.',
  body: v.optional(PairOrder, {}),
  reply: BluetoothDeviceShape,
  handle: ({ bluetooth }: BluetoothDeps, { params, body: { pin }, caller }) =>
    answering(async () =>
      deviceShape(await bluetooth.pair(addressIn(params), pin, askingOf(caller))),
    ),
});

export const forgetBluetooth = route({
  ...{ ...device, method: 'DELETE', path: '/bluetooth/devices/:address', body: undefined },
  summary: 'Undoes the pairing with a device, and forgets it.',
  reply: v.void(),
  handle: ({ bluetooth }: BluetoothDeps, { params, caller }) =>
    answering(() => bluetooth.forget(addressIn(params), askingOf(caller))),
});

function addressIn(params: Readonly<Record<string, string>>): string {
  const address = params['address'] ?? '';
  if (/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(address)) return address.toUpperCase();
  throw new Problem(404, `${JSON.stringify(address)} is no address of a Bluetooth device.`);
}

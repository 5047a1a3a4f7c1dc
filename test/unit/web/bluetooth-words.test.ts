import { expect, test } from 'vitest';
import {
  adapterFault,
  type Device,
  deviceText,
  settingsFor,
} from '../../../web/bluetooth-words.js';

const ADAPTER = { address: '00:1A:7D:DA:71:13', name: 'van-7', powered: true };
const DEVICE: Device = {
  ...{ address: '00:1D:A5:68:98:8B', name: 'OBDII', adapter: ADAPTER.address },
  ...{ paired: false, trusted: false, connected: false, rssi: null, serial: null },
  ...{ use: 'obd', url: 'bt://00:1D:A5:68:98:8B' },
};

test('why nothing can be found is told with what to do about it', () => {
  expect(adapterFault({ adapters: [ADAPTER], blocked: false })).toBe('');
  expect(adapterFault({ adapters: [], blocked: false })).toMatch(/no Bluetooth adapter.*USB/);
  expect(adapterFault({ adapters: [ADAPTER], blocked: true })).toMatch(/rfkill unblock/);
  // A switch may take the adapter away altogether.
  expect(adapterFault({ adapters: [], blocked: true })).toMatch(/rfkill unblock/);
});

test('an adapter that is off is no fault: a scan switches it on', () => {
  expect(adapterFault({ adapters: [{ ...ADAPTER, powered: false }], blocked: false })).toBe('');
});

test.each([
  [{}, 'OBD adapter · 00:1D:A5:68:98:8B'],
  [{ use: 'headset', rssi: -65 }, 'EEG headset · 00:1D:A5:68:98:8B · near (−65 dBm)'],
  [{ use: 'unknown', rssi: -66 }, '00:1D:A5:68:98:8B · in range (−66 dBm)'],
  [{ use: 'unknown', rssi: -86 }, '00:1D:A5:68:98:8B · hardly in range (−86 dBm)'],
  [{ use: 'unknown', serial: true }, '00:1D:A5:68:98:8B'],
  [{ use: 'unknown', serial: false }, '00:1D:A5:68:98:8B · tells of no serial port'],
] as const)('a device with %j is told as %s', (change, text) => {
  expect(deviceText({ ...DEVICE, ...change })).toBe(text);
});

test('a device is named in the setting of what it is, in either where nobody knows', () => {
  const obd = { setting: 'obd', url: 'bt://00:1D:A5:68:98:8B' };
  const eeg = { setting: 'eeg', url: 'thinkgear+bt://00:1D:A5:68:98:8B' };
  expect(settingsFor(DEVICE)).toEqual([obd]);
  expect(settingsFor({ ...DEVICE, use: 'headset' })).toEqual([eeg]);
  expect(settingsFor({ ...DEVICE, use: 'unknown' })).toEqual([obd, eeg]);
});

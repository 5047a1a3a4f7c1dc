/** Devices of Bluetooth in words. */

/** Nearer than a few metres, and at the other end of the car: dBm. */
const NEAR_DBM = -65;
const FAR_DBM = -85;

/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/bluetooth.ts').listBluetooth>} BluetoothState */
/** @typedef {BluetoothState['devices'][number]} Device */

const USES = { headset: 'EEG headset', obd: 'OBD adapter', unknown: '' };

/**
 * Why nothing can be found, in a sentence; empty where it can.
 * @param {Pick<BluetoothState, 'adapters' | 'blocked'>} state
 */
export function adapterFault({ adapters, blocked }) {
  if (blocked) {
    return 'Bluetooth is kept off by this computer: use the switch of its case, or the command “rfkill unblock bluetooth”.';
  }
  if (adapters.length > 0) return '';
  return 'This computer has no Bluetooth adapter. One that goes into a USB port will do.';
}

/** What is known of a device besides its name. @param {Device} device */
export function deviceText({ address, use, rssi, serial }) {
  return [USES[use], address, signalText(rssi), serial === false && 'tells of no serial port']
    .filter(Boolean)
    .join(' · ');
}

/** @param {number | null} rssi dBm */
function signalText(rssi) {
  if (rssi === null) return '';
  const words = rssi >= NEAR_DBM ? 'near' : rssi >= FAR_DBM ? 'in range' : 'hardly in range';
  return `${words} (${String(rssi).replace('-', '−')} dBm)`;
}

/**
 * The settings that a device can be named in, and what is to be put there. A device whose name tells
 * nothing may be either.
 * @param {Pick<Device, 'use' | 'url'>} device
 * @returns {readonly { setting: 'obd' | 'eeg', url: string }[]}
 */
export function settingsFor({ use, url }) {
  const obd = /** @type {const} */ ({ setting: 'obd', url });
  const eeg = /** @type {const} */ ({ setting: 'eeg', url: `thinkgear+${url}` });
  if (use === 'unknown') return [obd, eeg];
  return use === 'obd' ? [obd] : [eeg];
}

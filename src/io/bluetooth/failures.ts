import { BusError } from './dbus.ts';
import { BluetoothError } from './errors.ts';

const NO_SERVICE =
  'the Bluetooth service does not run: bluez is not installed, or finds no adapter';

/** Names of errors of D-Bus and of BlueZ (doc/device-api.txt, doc/adapter-api.txt), and what they mean here. */
const MEANINGS: Readonly<Record<string, () => BluetoothError>> = {
  'org.freedesktop.DBus.Error.ServiceUnknown': () => new BluetoothError('NO_BLUETOOTH', NO_SERVICE),
  'org.freedesktop.DBus.Error.NameHasNoOwner': () => new BluetoothError('NO_BLUETOOTH', NO_SERVICE),
  'org.freedesktop.DBus.Error.NoReply': () =>
    new BluetoothError('NO_BLUETOOTH', 'the Bluetooth service went away'),
  'org.freedesktop.DBus.Error.AccessDenied': () =>
    new BluetoothError('NO_BLUETOOTH', 'no permission; add the user to the group bluetooth'),
  'org.freedesktop.DBus.Error.UnknownObject': () => gone(),
  'org.freedesktop.DBus.Error.UnknownMethod': () => gone(),
  'org.bluez.Error.DoesNotExist': () => gone(),
  'org.bluez.Error.NotReady': () =>
    new BluetoothError('ADAPTER_OFF', 'the Bluetooth adapter is switched off'),
  'org.bluez.Error.InProgress': () =>
    new BluetoothError('IN_PROGRESS', 'the Bluetooth adapter is busy with another request'),
  'org.bluez.Error.AuthenticationFailed': () => refused('the device refused the PIN'),
  'org.bluez.Error.AuthenticationRejected': () => refused('the device refused to be paired'),
  'org.bluez.Error.AuthenticationCanceled': () => refused('the device broke off the pairing'),
  'org.bluez.Error.AuthenticationTimeout': () =>
    late('the device did not answer while it was paired'),
  'org.bluez.Error.ConnectionAttemptFailed': () =>
    late('the device does not answer: it has to be on, near, and not connected to a phone'),
};

/** What a failed call to BlueZ means; an error that is no BusError is a bug and stays as it is. */
export function toBluetoothError(error: unknown): unknown {
  if (!(error instanceof BusError)) return error;
  if (error.code === 'LOST') {
    return new BluetoothError('NO_BLUETOOTH', `there is no Bluetooth here: ${error.message}`, {
      cause: error,
    });
  }
  if (error.code === 'NO_ANSWER') return late('the Bluetooth service does not answer');
  const meaning = MEANINGS[error.reply];
  return meaning?.() ?? new BluetoothError('SERVICE_FAILED', said(error), { cause: error });
}

function said({ reply, message }: BusError): string {
  return `the Bluetooth service says ${reply.replace('org.bluez.Error.', '')}: ${message}`;
}

function gone(): BluetoothError {
  return new BluetoothError('NOT_FOUND', 'the device is not known any more; scan for it again');
}

function refused(message: string): BluetoothError {
  return new BluetoothError('REFUSED', message);
}

function late(message: string): BluetoothError {
  return new BluetoothError('NO_ANSWER', message);
}

import { BackupError } from '../../src/backup/errors.ts';
import type { Gateway } from '../../src/http/routes/index.ts';
import { BluetoothError } from '../../src/io/bluetooth/errors.ts';
import { PowerError } from '../../src/io/power.ts';
import { SettingsError } from '../../src/settings/errors.ts';

/** A gateway with one setting that cannot be changed, nothing to back up and nobody to restart it. */
export function noManaging(): Pick<Gateway, 'settings' | 'backup' | 'power' | 'bluetooth'> {
  const items = [
    {
      ...{ key: 'log', about: 'The log.', schema: { type: 'string' }, value: 'info', isSet: true },
      ...{ secret: false, changeable: false },
      from: { kind: 'flag', name: '--log', line: null } as const,
    },
  ];
  const off = new BackupError('OFF', 'there is nothing to back up');
  const none = new BluetoothError('NO_BLUETOOTH', 'there is no Bluetooth here');
  const alone = new PowerError('UNSUPERVISED', 'nobody would start it again');
  return {
    settings: {
      view: async () => ({
        revision: 'r1',
        file: 'x.yaml',
        restart: false,
        supervised: false,
        fault: null,
        items,
      }),
      change: () => Promise.reject(new SettingsError('UNWRITABLE', 'there is no file')),
    },
    backup: { make: () => Promise.reject(off), restore: () => Promise.reject(off) },
    power: {
      restart: () => {
        throw alone;
      },
      powerOff: () => Promise.reject(alone),
    },
    bluetooth: {
      state: () => Promise.reject(none),
      scan: () => Promise.reject(none),
      pair: () => Promise.reject(none),
      forget: () => Promise.reject(none),
    },
  };
}

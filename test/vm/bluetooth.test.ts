/**
 * Bluetooth with bluetoothd and the kernel's RFCOMM, on two controllers that btvirt makes.
 * VIGIL_BLUETOOTH_KILLS=20 kills the headset so many times, some 3 s each.
 */
import { describeInVm } from './checks.ts';

const kills = process.env['VIGIL_BLUETOOTH_KILLS'] ?? '6';

const order = {
  program: 'test/vm/guest/bluetooth.ts',
  environment: { VIGIL_BLUETOOTH_KILLS: kills },
  timeoutMs: 240_000 + 15_000 * Number(kills),
};

describeInVm(order, [
  'one that nobody paired is not opened',
  'a scan finds it with its name',
  'it is paired by the second of the usual PINs',
  'it is paired without a question',
  'a headset that is off says so, and one without this channel',
  'an account without any right opens it',
  'it is read, all of what it sends',
  'killed again and again, it comes back by itself within 10 s',
  'a link that dies without a word is given up, and it comes back',
  'a process of the link that is killed is replaced',
  'when it stops, nothing of the link is left',
  'one that is forgotten has to be paired again',
]);

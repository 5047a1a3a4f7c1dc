/** The virtual machine itself: what of CAN and Bluetooth the tests in it stand on. */
import { describeInVm } from './checks.ts';

describeInVm({ program: 'test/vm/guest/can-smoke.sh', timeoutMs: 120_000 }, [
  'candump sees what cansend sends',
  'python3-can sees what cansend sends',
  'ISO-TP of the kernel goes both ways',
  'a burst of frames fits in what a socket may hold',
  'a serial line becomes a CAN interface',
  'two Bluetooth controllers, which bluetoothd lists',
]);

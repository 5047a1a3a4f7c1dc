/** src/io/gpio.ts with a real gpioset and a GPIO chip of the kernel. */
import { describeInVm } from './checks.ts';

const program = 'test/vm/guest/gpio.ts';
describeInVm({ program, timeoutMs: 120_000, modules: ['uhid', 'hid-cp2112'] }, [
  'a pattern is on, off, on for so long each, and ends off',
  'where on is low, off is high',
  'a stop in the middle leaves the line off',
  'a line that somebody else has is busy, until it is given back',
  'a chip or a line that is not there is said to be missing',
]);

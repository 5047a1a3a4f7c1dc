/** src/can-up.ts and src/io/can/socketcan.ts on two controllers (SJA1000) of one bus. */
import { describeInVm } from './checks.ts';

const CARD = ['-device', 'kvaser_pci,canbus=bus0'];

describeInVm(
  {
    program: 'test/vm/guest/can-controller.ts',
    modules: ['kvaser_pci'],
    devices: ['-object', 'can-bus,id=bus0', ...CARD, ...CARD],
    timeoutMs: 200_000,
  },
  [
    'a controller is brought up to listen only, and tells so',
    'another that takes part is heard, and nothing is lost',
    'an interface that only listens sends nothing, whatever the permit says',
    'without a rate it is found by listening',
  ],
);

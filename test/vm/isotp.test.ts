/**
 * Our ISO-TP and that of the kernel on one bus: at a sample of lengths, or with VIGIL_ISOTP_LENGTHS=all
 * at every one, which takes ten minutes.
 */
import { describeInVm } from './checks.ts';

const lengths = process.env['VIGIL_ISOTP_LENGTHS'] ?? 'some';

describeInVm(
  {
    program: 'test/vm/guest/isotp.ts',
    environment: { VIGIL_ISOTP_LENGTHS: lengths },
    timeoutMs: lengths === 'all' ? 3_600_000 : 300_000,
  },
  [
    'messages of many lengths, both ways',
    'blocks of 8 and 5 ms between frames, as the kernel wants it',
    'blocks of 8 and 5 ms between frames, as we want it',
    'identifiers of 29 bits',
    'extended addressing',
    'frames that are filled up, which the kernel checks',
    'frames as short as they can be',
    'isotprecv gets what we send, and we what isotpsend does',
  ],
);

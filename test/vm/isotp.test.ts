/**
 * Our ISO-TP and that of the kernel on one bus: at a sample of lengths, or with VIGIL_ISOTP_LENGTHS=all
 * at every one, which takes minutes.
 */
import { describeInVm } from './checks.ts';

if (process.env['VIGIL_ISOTP_LENGTHS'] === 'all') {
  describeInVm({ program: 'test/vm/guest/isotp-all.ts', timeoutMs: 3_600_000 }, [
    'every length from 1 to 4095, both ways',
  ]);
} else {
  describeInVm({ program: 'test/vm/guest/isotp.ts', timeoutMs: 300_000 }, [
    'messages of many lengths, both ways',
    'blocks of 8 and 5 ms between frames, as the kernel wants it',
    'blocks of 8 and 5 ms between frames, as we want it',
    'identifiers of 29 bits',
    'extended addressing',
    'frames that are filled up, which the kernel checks',
    'frames as short as they can be',
    'isotprecv gets what we send, and we what isotpsend does',
  ]);
}

/** src/io/can/socketcan.ts on a kernel that has CAN. */
import { describeInVm } from './checks.ts';

describeInVm({ program: 'test/vm/guest/socketcan.ts', timeoutMs: 240_000 }, [
  'frames of python-can come as they are, and ours go to it',
  'times are those at which frames were sent, also behind a wall clock that is set back',
  'a burst of 10,000 frames loses none',
  'what a buffer of the default size loses is reckoned exactly',
  'an error frame tells that the controller is off the bus',
  'remote frames and CAN FD frames are counted',
  'an interface goes down and comes up again under an open bus',
  'an interface that is down is not opened',
  'an interface that is deleted is lost',
  'closed buses give their sockets back',
  'can-up.ts brings a virtual bus up',
]);

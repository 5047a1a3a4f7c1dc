/** Loaded before the gateway: the first command to the simulated adapter meets a bug. */
import { ElmAdapter } from '../../../src/sim/elm.ts';

ElmAdapter.prototype.receive = () => {
  throw new TypeError('planted');
};

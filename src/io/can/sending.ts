import type { BusHealth, CanFrame, Permit } from './bus.ts';
import { CanSendError } from './errors.ts';

const ID_MAX = 0x7ff;
const EXTENDED_ID_MAX = 0x1fff_ffff;
const DATA_BYTES_MAX = 8;

/**
 * What every bus asks right before a frame leaves for the kernel or the adapter.
 *
 * @param permit undefined for a bus that was opened for listening only
 * @throws CanSendError: LISTEN_ONLY, NOT_PERMITTED, BUS_BAD. RangeError for what is no CAN frame
 */
export function checkSend(
  name: string,
  permit: Permit | undefined,
  frame: CanFrame,
  health: () => BusHealth,
): void {
  const idMax = frame.extended ? EXTENDED_ID_MAX : ID_MAX;
  // Numbers that are none of these become others on their way through the kernel's or the adapter's format.
  const isId = Number.isInteger(frame.id) && frame.id >= 0 && frame.id <= idMax;
  if (!isId || frame.data.length > DATA_BYTES_MAX) {
    throw new RangeError(`no CAN frame: id ${frame.id} with ${frame.data.length} bytes`);
  }
  if (permit === undefined)
    throw new CanSendError('LISTEN_ONLY', `${name}: opened for listening only`);
  const now = health();
  if (now.listenOnly) {
    throw new CanSendError('LISTEN_ONLY', `${name}: the interface is set to listen only`);
  }
  const refusal = permit(frame, now);
  if (refusal) throw new CanSendError(refusal.code, `${name}: ${refusal.reason}`);
}

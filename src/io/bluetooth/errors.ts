import { CodedError } from '#core/errors.ts';

export type BluetoothErrorCode =
  /** There is no message bus, or no Bluetooth service on it. */
  | 'NO_BLUETOOTH'
  | 'NO_ADAPTER'
  /** Switched off, maybe by a switch of the computer's case. */
  | 'ADAPTER_OFF'
  /** No such device: never seen, or not in range any more. */
  | 'NOT_FOUND'
  /** The same thing is being done already. */
  | 'IN_PROGRESS'
  /** The device does not want to be paired: another PIN, or not ready for it. */
  | 'REFUSED'
  /** The device, or the service, did not answer in time. */
  | 'NO_ANSWER'
  /** What the service says in its own words. */
  | 'SERVICE_FAILED';

/** Bluetooth cannot do what it was asked. The sentence says what somebody has to do about it. */
export class BluetoothError extends CodedError<BluetoothErrorCode> {
  override readonly name = 'BluetoothError';
}

import { CodedError } from '#core/errors.ts';

/** The results of ISO 15765-2, 8.3.7, which a message that did not pass has one of; and two of ours. */
export type IsoTpErrorCode =
  /** The bus did not take a frame in time. */
  | 'N_TIMEOUT_A'
  /** The receiver did not say how to go on. */
  | 'N_TIMEOUT_BS'
  /** The next part of a message did not come. */
  | 'N_TIMEOUT_CR'
  /** A part of a message was out of order, missing or doubled. */
  | 'N_WRONG_SN'
  /** The receiver's flow control means nothing that the standard knows. */
  | 'N_INVALID_FS'
  /** Another message began before this one was complete. */
  | 'N_UNEXP_PDU'
  /** The receiver asked to wait too often. */
  | 'N_WFT_OVRN'
  /** The message is longer than the receiver takes. */
  | 'N_BUFFER_OVFLW'
  /** A frame was damaged, or the flow control for a message could not be sent: `cause` says why. */
  | 'N_ERROR'
  /** Another message is on its way. */
  | 'BUSY'
  /** The connection was reset meanwhile. */
  | 'RESET';

/** A message did not pass. The connection can be used on. */
export class IsoTpError extends CodedError<IsoTpErrorCode> {
  override readonly name = 'IsoTpError';
}

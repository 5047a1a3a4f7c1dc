import { CodedError } from '#core/errors.ts';

export type DiagnosisErrorCode =
  /** There is no car to ask: none is configured, or it does not answer. */
  | 'NO_VEHICLE'
  /** The car has no such control unit. */
  | 'NO_ECU'
  /** A recording is being played: there is nobody to ask. */
  | 'REPLAYED'
  /** The car's turn did not come in time, and nothing has been asked. */
  | 'TOO_SLOW'
  /** Asked too often; `retryAfterS` says when it may be again. */
  | 'THROTTLED'
  /** Somebody else's request is being done. */
  | 'BUSY'
  /** It was asked, and whether it was done is not known. */
  | 'NO_ANSWER'
  | 'MOVING'
  | 'SPEED_UNKNOWN'
  /** A control unit said no. */
  | 'REFUSED';

/** The car could not be asked, or did not do what it was asked for. */
export class DiagnosisError extends CodedError<DiagnosisErrorCode> {
  override readonly name = 'DiagnosisError';
  /** Seconds until another try makes sense; undefined where that does not depend on time. */
  readonly retryAfterS: number | undefined;
  /** It was told before, to the same request: nothing was done anew. */
  readonly repeated: boolean;

  constructor(
    code: DiagnosisErrorCode,
    message: string,
    options: ErrorOptions & {
      readonly retryAfterS?: number | undefined;
      readonly repeated?: boolean;
    } = {},
  ) {
    super(code, message, options);
    this.retryAfterS = options.retryAfterS;
    this.repeated = options.repeated ?? false;
  }
}

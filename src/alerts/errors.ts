import { CodedError } from '#core/errors.ts';

/** One thing wrong with a rule. `pointer` is a JSON pointer, RFC 6901. */
export interface RuleFault {
  readonly pointer: string;
  /** `expected a unit of the stream (Cel), found "km/h"`. */
  readonly message: string;
}

export type AlertErrorCode =
  /** No rule, alert or action has this id. */
  | 'NOT_FOUND'
  /** A rule that makes no sense, or does not fit the streams; `faults` say why. */
  | 'INVALID'
  /** A rule that comes with the gateway is switched off, not removed. */
  | 'SHIPPED'
  /** A limit is reached. */
  | 'TOO_MANY'
  /** An alert that is over is neither acknowledged nor silenced. */
  | 'ENDED';

/** What was asked of rules or alerts cannot be done. The sentence is for a person. */
export class AlertError extends CodedError<AlertErrorCode> {
  override readonly name = 'AlertError';
  readonly faults: readonly RuleFault[];

  constructor(code: AlertErrorCode, message: string, faults: readonly RuleFault[] = []) {
    super(code, message);
    this.faults = faults;
  }
}

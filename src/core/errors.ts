/**
 * Expected failures carry a code for programs and a sentence for people; they are caught only where
 * something is done about them. Everything else is a bug: it ends the process, and systemd starts
 * it again.
 */
export type LinkErrorCode = 'OPEN_FAILED' | 'NO_ANSWER' | 'BAD_ANSWER' | 'LINK_LOST' | 'NO_DATA';

/** A device or its link failed. The supervisor reports the sentence and tries again. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A setting that cannot be used: says which key, where it was written, what was expected and found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Somebody else has what we need at this moment: worth another try, and no fault of the settings. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

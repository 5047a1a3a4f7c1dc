/**
 * Expected failures carry a code for programs and a sentence for people; they are caught only where
 * something is done about them. Everything else is a bug: it ends the process, and systemd starts
 * it again.
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;

  /** @param message one sentence for people, which begins small and ends without a full stop */
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type LinkErrorCode = 'OPEN_FAILED' | 'NO_ANSWER' | 'BAD_ANSWER' | 'LINK_LOST' | 'NO_DATA';

/** A device or its link failed. The supervisor reports the sentence and tries again. */
export class LinkError extends CodedError<LinkErrorCode> {
  override readonly name = 'LinkError';
}

/** A setting that cannot be used: says which key, where it was written, what was expected and found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Somebody else has what we need at this moment: worth another try, and no fault of the settings. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

/**
 * Whether an error is a failure of the world, which somebody has to do something about: one of ours,
 * of the system or of a library, which all have a `code`. Those by which Node tells a misuse (ERR_*)
 * and those without a code are bugs.
 */
export function isExpected(error: unknown): error is Error {
  const code = codeOf(error);
  return code !== '' && !code.startsWith('ERR_');
}

/** The code of an error as text; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Whether the device or the file system failed, and not our code. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'errno' in error;
}

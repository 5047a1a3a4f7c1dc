/** It was asked for wrongly: says what was expected and what was found. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A person or the system ended it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As a shell tells it: 128 and the number of the signal. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted; nothing was left behind');
    this.exitCode = exitCode;
  }
}

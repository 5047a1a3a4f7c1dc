import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConfigError, codeOf } from '#core/errors.ts';

/** Making a key takes some 10 ms; on a computer that starts everything at once, seconds. */
const TIMEOUT_MS = 20_000;
/** What it says at most; more would be a bug of it. */
const OUTPUT_BYTES_MAX = 64 * 1024;

/** It did not do what was asked of it. Worth another try: a disk may have been full. */
class OpensslError extends Error {
  override readonly name = 'OpensslError';
  readonly code = 'OPENSSL_FAILED';
}

/**
 * Runs the command line of OpenSSL, 3.0 or later, in `directory`. Its randomness is that of the kernel,
 * getrandom(2).
 *
 * @throws ConfigError where there is no such program, which no retry mends
 * @throws OpensslError where it fails, with its last line
 */
export async function openssl(
  directory: string,
  args: readonly string[],
  program = 'openssl',
): Promise<void> {
  const options = { cwd: directory, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  try {
    await promisify(execFile)(program, args, options);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') {
      throw new ConfigError(
        `https: it needs the program openssl, which is not installed (${program})`,
        { cause },
      );
    }
    const last = stderrOf(cause).trimEnd().split('\n').at(-1) ?? '';
    throw new OpensslError(`openssl ${args[0]}: ${last || 'it did not end as it should'}`, {
      cause,
    });
  }
}

function stderrOf(error: unknown): string {
  return error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
}

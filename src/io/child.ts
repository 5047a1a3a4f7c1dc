import { type ChildProcess, spawn } from 'node:child_process';

/** Of each output; what comes behind it is let go, and the child is not kept waiting. */
const OUTPUT_CHARS_MAX = 16_384;

export interface ChildOptions {
  /** Milliseconds; a child that runs longer is killed. */
  readonly timeoutMs: number;
  /** All of the child's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When it aborts, the child is killed. */
  readonly signal?: AbortSignal | undefined;
}

/** How a child ended. */
export interface ChildEnd {
  /** Its exit code; undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Whether we killed it, because its time was up. */
  readonly late: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of ours in another process, with the same Node, until it ends. It has no input.
 *
 * @param program the file of the program
 * @returns when it is gone; its end is for the caller to judge, whatever it was. Where it cannot be
 *   started, the error of the system is thrown as it comes
 * @throws the signal's reason when that aborts, once the child is gone
 */
export async function runChild(
  program: string,
  args: readonly string[],
  { timeoutMs, env, signal: stop }: ChildOptions,
): Promise<ChildEnd> {
  stop?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ChildEnd>();
  // Without a free descriptor there are no outputs, only the error.
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let late = false;
  let stdout = '';
  let stderr = '';
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, timeoutMs);
  stop?.addEventListener('abort', kill);
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout = (stdout + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.once('error', reject);
  child.once('close', (code, signal) => {
    resolve({ code: code ?? undefined, signal: signal ?? undefined, late, stdout, stderr });
  });
  try {
    const end = await promise;
    stop?.throwIfAborted();
    return end;
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', kill);
  }
}

import { spawn } from 'node:child_process';

/** Of each output; beyond it is let go. */
const OUTPUT_CHARS_MAX = 100_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command as the first process of a mount and PID namespace: when it ends, or we do, or
 * `signal` aborts, the kernel ends every process that it started and undoes every mount, and with the
 * mounts go their loop devices. What runs longer than `timeoutMs` is killed. Needs to be root.
 */
export function runIsolated(
  command: readonly string[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ProcessEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ProcessEnd>();
  const isolation = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...isolation, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout = (stdout + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.once('error', reject);
  child.once('close', (code) => resolve({ code, stdout, stderr }));
  return promise;
}

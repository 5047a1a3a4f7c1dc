import { execFile } from 'node:child_process';
import { CodedError } from '#core/errors.ts';

/** systemctl asks logind, which answers at once; one that hangs is not waited for any longer. */
const ASK_MS_MAX = 10_000;
const PROGRAM = 'systemctl';

/** The computer refuses to be switched off, or there is nobody who could start us again. */
export class PowerError extends CodedError<'UNSUPERVISED' | 'REFUSED'> {
  override readonly name = 'PowerError';
}

export interface Power {
  /** Whether somebody starts the process again when it ends. */
  readonly isSupervised: boolean;
  /**
   * Has the computer switched off; resolves when it has begun to, which ends this process too.
   *
   * @throws PowerError REFUSED, with what systemd says
   */
  off(): Promise<void>;
}

/**
 * Power by systemd. An account that is not root needs a rule of polkit that allows it
 * `org.freedesktop.login1.power-off`; nobody is asked for a password.
 *
 * @param env the environment of the process: systemd tells in it that it has started it. Terminals
 *   hand INVOCATION_ID on to what is started in them, but not the process id that it belongs to
 */
export function systemdPower(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): Power {
  const { NOTIFY_SOCKET: socket, INVOCATION_ID: id, SYSTEMD_EXEC_PID: started } = env;
  const isOwnUnit = id !== undefined && (started === undefined || started === String(pid));
  return {
    isSupervised: socket !== undefined || isOwnUnit,
    off: () =>
      new Promise((resolve, reject) => {
        const options = { env: { ...env }, timeout: ASK_MS_MAX };
        execFile(PROGRAM, ['--no-ask-password', 'poweroff'], options, (error, _, said) => {
          if (!error) return resolve();
          const [line = ''] = said.trim().split('\n');
          const text = `systemd does not switch the computer off: ${line || error.message}`;
          reject(new PowerError('REFUSED', text, { cause: error }));
        });
      }),
  };
}

import { execFile } from 'node:child_process';

/** A ping has to arrive well within WatchdogSec; systemd itself recommends half of it. */
const PINGS_A_PERIOD = 2;

/** What systemd is told, or a no-op where the process was not started by it. */
export interface Systemd {
  /** Milliseconds between watchdog pings, or undefined when no watchdog is set. */
  readonly pingMs: number | undefined;
  /** Sends a state such as `READY=1`; see sd_notify(3). */
  notify(...states: readonly string[]): void;
}

/**
 * systemd's notification protocol. Node has no Unix datagram sockets, so `systemd-notify` sends for
 * us; the unit needs `NotifyAccess=all`, because the sender is a child.
 *
 * @param onError told when `systemd-notify` cannot be run: systemd would kill us for the silence
 */
export function systemd(
  env: Readonly<Record<string, string | undefined>>,
  onError: (error: Error) => void,
): Systemd {
  const periodUs = Number(env['WATCHDOG_USEC'] ?? 0);
  const underSystemd = env['NOTIFY_SOCKET'] !== undefined;
  return {
    pingMs: underSystemd && periodUs > 0 ? periodUs / 1000 / PINGS_A_PERIOD : undefined,
    notify(...states) {
      if (!underSystemd) return;
      execFile('systemd-notify', [...states], { env: { ...env } }, (error) => {
        if (error) onError(error);
      });
    },
  };
}

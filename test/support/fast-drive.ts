import type { Clock } from '#core/clock.ts';
import { build, type Parts, start } from '../../src/gateway/gateway.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import type { Log } from '../../src/io/log.ts';
import { scaledClock } from '../../src/io/scaled-clock.ts';
import { readConfig } from '../../src/settings/config.ts';
import { adminToken } from './accounts.ts';
import { SILENT_LOG } from './silent-log.ts';
import { logInAs, PASSWORD } from './tokens.ts';

/** A gateway in this process whose simulated car drives. */
export interface FastDrive {
  readonly parts: Parts;
  /** Without a slash at the end. */
  readonly api: string;
  /** The time of the car. */
  readonly clock: Clock;
}

export interface FastDriveOptions {
  /** Where the recording goes. */
  readonly directory: string;
  /** Times as fast as life. */
  readonly speed: number;
  /** Silent without it. */
  readonly log?: Log;
  /** Before anything is started. */
  prepare?(parts: Parts): void;
}

/** Drives for as long as `during` takes, and rejects as it does or with a bug of the gateway. */
export async function fastDrive(
  { directory, speed, log = SILENT_LOG, prepare }: FastDriveOptions,
  during: (drive: FastDrive) => Promise<void>,
): Promise<void> {
  const flags = ['--sim', '1', '--speed', String(speed), '--data', directory];
  const { config } = readConfig([...flags, '--http', '127.0.0.1:0'], {}, () => '');
  const realTime = monotonicClock();
  const clock = scaledClock(realTime, speed);
  const parts = build(config, {
    clock,
    realTime,
    log,
    defer: setImmediate,
    setupPassword: PASSWORD,
  });
  prepare?.(parts);
  const stopping = new AbortController();
  await using running = new AsyncDisposableStack();
  const { url, bug } = await start(config, parts, running, stopping);
  logInAs(url, await adminToken(parts.accounting.accounts));
  await Promise.race([during({ parts, api: `${url}/api/v1`, clock }), bug]);
  stopping.abort();
}

/** Resolves when what is measured is kept. */
export async function untilRecording({ parts, clock }: FastDrive): Promise<void> {
  while (parts.recording.health()[0]?.status !== 'ok') await clock.sleep(1_000);
}

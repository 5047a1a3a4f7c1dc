import { BusyError, ConfigError } from '#core/errors.ts';

/** Exit codes of sysexits(3). systemd/vigil.service knows the last of them. */
export const EXIT_SOFTWARE = 70;
/** Worth another try: also of a gateway that is to be started again. */
export const EXIT_TEMPFAIL = 75;
const EXIT_CONFIG = 78;

/** The exit code for an error that a person can do something about; undefined for a bug. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof ConfigError) return EXIT_CONFIG;
  if (error instanceof BusyError) return EXIT_TEMPFAIL;
  return undefined;
}

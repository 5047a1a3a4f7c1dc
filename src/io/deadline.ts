/**
 * Ends the process by force when it has not ended by itself in `ms`; does not keep it running until
 * then. Not by process.exit, which waits for the threads of libuv: one may be inside an open() that
 * its driver does not let go of.
 *
 * @param onLate called just before
 */
export function endWithin(ms: number, onLate: () => void): void {
  const end = (): void => {
    onLate();
    process.kill(process.pid, 'SIGKILL');
  };
  setTimeout(end, ms).unref();
}

import { SerialPort } from 'serialport';
import { LinkError } from '#core/errors.ts';
import type { OpenPort } from './port.ts';
import { streamPort } from './stream-port.ts';

/** What an ELM327 speaks unless told otherwise; drivers that know better pass their own. */
const BAUD_DEFAULT = 38_400;
/** How long an open may take; that of a Bluetooth line waits for the headset to be paged. */
const OPEN_MS_MAX = 10_000;
/** How long a close may take before the port is given up; a vanished USB device never answers. */
const CLOSE_MS_MAX = 1_000;

/** A serial line: USB, UART or Bluetooth (rfcomm). Needs no udev: the path is taken as it is. */
export function serialPort(path: string): OpenPort {
  // An open cannot be called off. One that does not return holds one of libuv's threads, and each
  // further try would take another.
  let opening = false;
  return async (signal, { baud = BAUD_DEFAULT } = {}) => {
    if (opening) throw new LinkError('OPEN_FAILED', `${path}: the last try to open it still hangs`);
    opening = true;
    const serial = new SerialPort({ path, baudRate: baud, autoOpen: false, lock: true });
    await openInTime(serial, signal, () => {
      opening = false;
    });
    watchHangUp(serial);
    const port = streamPort(serial, path, () => close(serial));
    if (!signal.aborted) return port;
    await port[Symbol.asyncDispose]();
    throw new LinkError('OPEN_FAILED', `${path}: stopped while opening`);
  };
}

/**
 * Opens the port, unless the stop or OPEN_MS_MAX comes first; what opens later is closed again.
 *
 * @param onReturn called when the driver has let go of the open, maybe long after the rejection
 */
function openInTime(serial: SerialPort, signal: AbortSignal, onReturn: () => void): Promise<void> {
  const { path } = serial;
  return new Promise((resolve, reject) => {
    let givenUp = false;
    const giveUp = (reason: string): void => {
      givenUp = true;
      reject(new LinkError('OPEN_FAILED', `${path}: ${reason}`));
    };
    const stop = (): void => giveUp('stopped while opening');
    const timer = setTimeout(() => giveUp(`not open in ${OPEN_MS_MAX / 1000} s`), OPEN_MS_MAX);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    serial.open((error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      if (givenUp) return void close(serial).then(onReturn);
      onReturn();
      if (error) reject(openError(path, error));
      else resolve();
    });
  });
}

/**
 * Ends the stream when the device is gone. serialport alone notices only if it happens to wait for
 * bytes at that moment: otherwise a read returns 0 bytes, which it repeats for ever, and a write
 * waits for the port to be opened again.
 */
function watchHangUp(serial: SerialPort): void {
  serial.once('close', (error: Error | null) => serial.destroy(error ?? undefined));
  const { port } = serial;
  if (!port || !('poller' in port)) return; // Not Linux.
  port.poller.once('disconnect', () => {
    // Closing the port ends the wait as well; then there is nothing left to do.
    if (!serial.isOpen) return;
    serial.close((error) => void serial.destroy(error ?? undefined), new Error('hung up'));
  });
}

function close(serial: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_MS_MAX);
    const done = (): void => {
      clearTimeout(timer);
      serial.destroy();
      resolve();
    };
    // Closing what an unplugged cable has closed already reports an error, and means the same.
    if (serial.isOpen) serial.close(done);
    else done();
  });
}

function openError(path: string, error: Error): LinkError {
  const reason = REASONS.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message;
  return new LinkError('OPEN_FAILED', `${path}: ${reason}`, { cause: error });
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/No such file/i, 'no such port; is the device plugged in or paired?'],
  [/Permission denied|EACCES/i, 'no permission; add the user to the group dialout'],
  [/lock|busy/i, 'in use by another program'],
  [/No such device|ENXIO|ENODEV/i, 'no device is behind it'],
  [/Inappropriate ioctl|Not a (tty|typewriter)/i, 'not a serial port'],
  [/Is a directory|EISDIR/i, 'a directory, not a serial port'],
  [/Not a directory|ENOTDIR/i, 'no such port: there is a file in its path'],
];

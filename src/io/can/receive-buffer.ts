import { createSocket } from 'node:dgram';

/** Bytes: room for 10,000 frames, which a full bus of 1 Mbit/s brings in more than a second. */
const WANTED_BYTES = 8_388_608;
/** What a frame takes of a socket's buffer: its 16 bytes and the kernel's book about them. */
const FRAME_BYTES = 768;

/**
 * net.core.rmem_default: what the kernel keeps for a socket that asks for nothing, in bytes. It is
 * asked through a socket, as a hardened unit may not see /proc/sys.
 */
export function defaultReceiveBuffer(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = createSocket('udp4');
  socket.once('error', reject);
  socket.bind(0, '127.0.0.1', () => {
    resolve(socket.getRecvBufferSize());
    socket.close();
  });
  return promise;
}

/**
 * What to say about a receive buffer, or undefined where it is large enough. It is the only queue
 * between the bus and us, and what does not fit is dropped without a word.
 */
export function bufferWarning(bytes: number): string | undefined {
  if (bytes >= WANTED_BYTES) return undefined;
  const frames = Math.floor(bytes / FRAME_BYTES);
  return (
    `net.core.rmem_default is ${bytes} bytes: bursts of more than ${frames} frames are lost; ` +
    `set it to ${WANTED_BYTES}`
  );
}

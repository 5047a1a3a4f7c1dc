import type { Duplex } from 'node:stream';
import { LinkError } from '#core/errors.ts';
import type { Port } from './port.ts';

/**
 * A Port over a Node stream, as serialport and net both give one.
 *
 * @param device what to call it in errors, such as `/dev/ttyUSB0`
 * @param close ends the link and resolves when it is gone, whatever state it is in
 */
export function streamPort(stream: Duplex, device: string, close: () => Promise<void>): Port {
  // The reader below gets the error; without this a second one would end the process.
  stream.on('error', () => {});
  return {
    input: chunksOf(stream, device),
    write(bytes) {
      const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
      return new Promise((resolve, reject) => {
        // A stream that closes during a write does not always tell the write.
        const onClose = (): void => reject(lost(device, stream.errored ?? 'closed'));
        stream.once('close', onClose);
        stream.write(data, (error) => {
          stream.off('close', onClose);
          if (error) reject(lost(device, error));
          else resolve();
        });
      });
    },
    [Symbol.asyncDispose]: close,
  };
}

async function* chunksOf(stream: Duplex, device: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk;
  } catch (error) {
    throw lost(device, error);
  }
}

function lost(device: string, cause: unknown): LinkError {
  const seen = cause instanceof Error ? cause.message : String(cause);
  return new LinkError('LINK_LOST', `${device}: the link broke (${seen})`, { cause });
}

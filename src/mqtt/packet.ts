import type { Message } from './outlet.ts';

/** A message of the gateway, as aedes takes it. */
export function packetOf({ topic, payload, qos, retain }: Message) {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : bufferOf(payload);
  return { cmd: 'publish', topic, payload: bytes, qos, retain, dup: false } as const;
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

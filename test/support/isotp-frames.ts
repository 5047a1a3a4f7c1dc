/** The sending side of ISO 15765-2: what a car's ECU puts on the bus for one message. */

const FRAME_BYTES = 8;
const SINGLE_BYTES_MAX = 7;
const FIRST_BYTES = 6;
const CONSECUTIVE_BYTES = 7;

/** Cuts a message of 1 to 4095 bytes into the data bytes of its CAN frames, filled up with `pad`. */
export function segment(message: Uint8Array, pad = 0x55): Uint8Array[] {
  if (message.length <= SINGLE_BYTES_MAX) return [filled([message.length, ...message], pad)];
  const length = [0x10 | (message.length >> 8), message.length & 0xff];
  const frames = [filled([...length, ...message.subarray(0, FIRST_BYTES)], pad)];
  for (let at = FIRST_BYTES; at < message.length; at += CONSECUTIVE_BYTES) {
    const index = frames.length & 0x0f;
    frames.push(filled([0x20 | index, ...message.subarray(at, at + CONSECUTIVE_BYTES)], pad));
  }
  return frames;
}

function filled(bytes: readonly number[], pad: number): Uint8Array {
  return Uint8Array.from({ length: FRAME_BYTES }, (_, i) => bytes[i] ?? pad);
}

/** Packets of MQTT 3.1.1 as bytes. */

/** A CONNECT of MQTT 3.1.1 clause 3.1, as bytes. */
export function connectPacket(username: string, clientId: string, keepAliveS = 60): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
  };
  const flags = 0x80 | 0x40 | 0x02; // A user name, a password, a clean session.
  const head = Buffer.from([4, flags, keepAliveS >> 8, keepAliveS & 255]);
  const body = [text('MQTT'), head, text(clientId), text(username), text('secret')];
  return packet(0x10, Buffer.concat(body));
}

/** A packet of clause 2.2: its first byte, the remaining length and the rest. */
export function packet(first: number, rest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([first, ...remainingLength(rest.length)]), rest]);
}

export function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) | 128, ...remainingLength(length >> 7)];
}

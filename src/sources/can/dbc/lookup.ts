import { EXTENDED_FLAG } from '#core/stream.ts';
import type { Message } from './database.ts';
import { decoderFor, type MessageDecoder } from './decode.ts';

/** Finds what decodes a frame; undefined for one that no message describes. */
export type FindDecoder = (id: number, extended: boolean) => MessageDecoder | undefined;

/**
 * A frame is decoded by the message of its identifier. A message of SAE J1939 is also that of frames of
 * the same parameter group with another priority, sender or receiver, unless several messages have that
 * group: then they are there to tell senders apart, and only their own identifiers count.
 */
export function decodersOf(messages: readonly Message[]): FindDecoder {
  const byKey = new Map<number, MessageDecoder>();
  const byGroup = new Map<number, MessageDecoder | undefined>();
  for (const message of messages) {
    const decoder = decoderFor(message);
    byKey.set(keyOf(message.id, message.extended), decoder);
    if (message.format !== 'j1939') continue;
    const group = groupOf(message.id);
    byGroup.set(group, byGroup.has(group) ? undefined : decoder);
  }
  return (id, extended) => {
    const decoder = byKey.get(keyOf(id, extended));
    if (decoder !== undefined || !extended || byGroup.size === 0) return decoder;
    return byGroup.get(groupOf(id));
  };
}

/** An identifier as a number that tells those of 11 bits from those of 29. */
export function keyOf(id: number, extended: boolean): number {
  return extended ? id + EXTENDED_FLAG : id;
}

/**
 * The parameter group number of a 29-bit identifier (SAE J1939-21, 5.2): priority 3 bits, extended data
 * page, data page, PDU format 8, PDU specific 8, source address 8. Below a PDU format of 240 the PDU
 * specific byte is the address of the receiver and no part of the number.
 */
function groupOf(id: number): number {
  const group = (id >>> 8) & 0x3ffff;
  return ((group >>> 8) & 0xff) < 240 ? group & 0x3ff00 : group;
}

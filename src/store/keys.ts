import type { Micros } from '#core/stream.ts';
import { SLOT_US } from '../codec/slot.ts';

/**
 * Keys of the ring store: big-endian and time-major, so that a seal appends to the end of the tree
 * and an eviction takes off its beginning. Keys that began with the stream would dirty one leaf per
 * stream and commit (6 times the writes).
 *
 *   samples, waves, frames   0 u32 epoch, 4 u16 slot, 6 u16 stream, 8 u16 sub              10 bytes
 *   rollups                  0 u8 level, 1 u32 epoch, 5 u16 hour, 7 u16 stream              9 bytes
 *   events                   0 u32 epoch, 4 u48 t, 10 u16 seq                              12 bytes
 *   eventIndex               0 u16 stream, 2 u32 epoch, 6 u48 t, 12 u16 seq                14 bytes
 *   seals, erased            0 u32 epoch, 4 u48 t                                         10 bytes
 *   everything numbered      0 u32                                                          4 bytes
 *
 * `slot` is 300 s of the epoch's monotonic clock, `sub` the beginning of the block within its slot in
 * units of SUB_US, one more where two blocks begin in the same. A block lies within its slot.
 */
export const HOUR_US = 3_600_000_000;
/** An epoch longer than this (227 days) needs a restart: its slots no longer fit in their u16. */
export const EPOCH_US_MAX = SLOT_US * 0x1_0000;
const SUB_US = SLOT_US / 0x1_0000;

export interface BlockKey {
  readonly epoch: number;
  readonly slot: number;
  readonly stream: number;
  readonly sub: number;
}

/** Where a block that begins at `t` comes within its slot. */
export function subOf(t: Micros): number {
  return Math.floor((t % SLOT_US) / SUB_US);
}

export function blockKey({ epoch, slot, stream, sub }: BlockKey): Uint8Array {
  const key = Buffer.allocUnsafe(10);
  key.writeUInt32BE(epoch, 0);
  key.writeUInt16BE(slot, 4);
  key.writeUInt16BE(stream, 6);
  key.writeUInt16BE(sub, 8);
  return key;
}

/** The first key of a slot; of the slot behind the last one, that of the next epoch. */
export function slotKey(epoch: number, slot: number): Uint8Array {
  return slot > 0xffff
    ? blockKey({ epoch: epoch + 1, slot: 0, stream: 0, sub: 0 })
    : blockKey({ epoch, slot, stream: 0, sub: 0 });
}

export function parseBlockKey(key: Uint8Array): BlockKey {
  const view = viewOf(key);
  return {
    epoch: view.getUint32(0),
    slot: view.getUint16(4),
    stream: view.getUint16(6),
    sub: view.getUint16(8),
  };
}

export interface RollupKey {
  readonly level: number;
  readonly epoch: number;
  /** Of the epoch's monotonic clock. */
  readonly hour: number;
  readonly stream: number;
}

export function rollupKey({ level, epoch, hour, stream }: RollupKey): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key.writeUInt8(level, 0);
  key.writeUInt32BE(epoch, 1);
  key.writeUInt16BE(hour, 5);
  key.writeUInt16BE(stream, 7);
  return key;
}

export function parseRollupKey(key: Uint8Array): RollupKey {
  const view = viewOf(key);
  return {
    level: view.getUint8(0),
    epoch: view.getUint32(1),
    hour: view.getUint16(5),
    stream: view.getUint16(7),
  };
}

export interface EventKey {
  readonly epoch: number;
  readonly t: Micros;
  /** Tells events of one microsecond apart. */
  readonly seq: number;
}

export function eventKey({ epoch, t, seq }: EventKey): Uint8Array {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(epoch, 0);
  key.writeUIntBE(t, 4, 6);
  key.writeUInt16BE(seq, 10);
  return key;
}

export function parseEventKey(key: Uint8Array): EventKey {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  return { epoch: bytes.readUInt32BE(0), t: bytes.readUIntBE(4, 6), seq: bytes.readUInt16BE(10) };
}

/** The index of events by their stream. */
export function eventIndexKey(stream: number, key: EventKey): Uint8Array {
  const number = Buffer.allocUnsafe(2);
  number.writeUInt16BE(stream, 0);
  return Buffer.concat([number, eventKey(key)]);
}

export function parseEventIndexKey(key: Uint8Array): EventKey & { readonly stream: number } {
  return { stream: viewOf(key).getUint16(0), ...parseEventKey(key.subarray(2)) };
}

/** A moment of an epoch. */
export function momentKey({ epoch, t }: Pick<EventKey, 'epoch' | 't'>): Uint8Array {
  return eventKey({ epoch, t, seq: 0 }).subarray(0, 10);
}

export function parseMomentKey(key: Uint8Array): Pick<EventKey, 'epoch' | 't'> {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  return { epoch: bytes.readUInt32BE(0), t: bytes.readUIntBE(4, 6) };
}

export function numberKey(number: number): Uint8Array {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(number, 0);
  return key;
}

export function parseNumberKey(key: Uint8Array): number {
  return viewOf(key).getUint32(0);
}

export function nameKey(name: string): Uint8Array {
  return Buffer.from(name, 'utf8');
}

function viewOf(key: Uint8Array): DataView {
  return new DataView(key.buffer, key.byteOffset, key.byteLength);
}

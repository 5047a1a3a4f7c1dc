/**
 * What a DBC file says about a bus, as far as it takes to decode frames: everything in it has been
 * checked by parse.ts, and decode.ts and streams.ts rely on that.
 */
export interface Database {
  /** The text after VERSION; empty in most files. */
  readonly version: string;
  /** In the order of the file. No two have the same id. */
  readonly messages: readonly Message[];
}

/**
 * Which frames a message comes in: those of classical CAN, those of CAN FD, or a parameter group of
 * SAE J1939, whose identifier also tells a priority and who sent it.
 */
export type MessageFormat = 'classic' | 'fd' | 'j1939';

export interface Message {
  /** 11 bits, or 29 where `extended`. */
  readonly id: number;
  readonly extended: boolean;
  /** The symbol of the file: `EEC1`. */
  readonly name: string;
  /** What it is called where the symbol had to be cut (SystemMessageLongSymbol), else the symbol. */
  readonly longName: string;
  /** Bytes; the frames of a car may be shorter or longer than the file says. */
  readonly length: number;
  readonly format: MessageFormat;
  /** Milliseconds between two frames (GenMsgCycleTime); 0 where it is sent on events or not told. */
  readonly cycleMs: number;
  /** One line of at most 500 characters; empty where there is none. */
  readonly comment: string;
  /** In the order of the file; no two have the same name. */
  readonly signals: readonly Signal[];
}

export interface Signal {
  readonly name: string;
  /** What it is called where the symbol had to be cut (SystemSignalLongSymbol), else the symbol. */
  readonly longName: string;
  /**
   * Of the least significant bit where `byteOrder` is little, of the most significant one where it is
   * big. Bits are numbered as in DBC files: bit 0 is the lowest of byte 0, bit 8 the lowest of byte 1.
   */
  readonly startBit: number;
  /** Length, 1 to 64. */
  readonly bits: number;
  /** `little` is Intel (`@1`), `big` is Motorola (`@0`). */
  readonly byteOrder: 'little' | 'big';
  /** `float` has 32 or 64 bits (IEEE 754). */
  readonly type: 'unsigned' | 'signed' | 'float';
  /** value = raw * factor + offset. Never 0. */
  readonly factor: number;
  readonly offset: number;
  /** The limits that the file gives, in `unit`; undefined where they cannot be meant. */
  readonly limits: readonly [min: number, max: number] | undefined;
  /** As in the file: `rpm`, `°C`. */
  readonly unit: string;
  readonly comment: string;
  /** What raw values mean (VAL_); at most 1,000. */
  readonly labels: ReadonlyMap<number, string>;
  /** When the signal is in a frame; undefined for always. */
  readonly when: Selection | undefined;
}

/** A multiplexed signal is there while the raw value of its switch lies in one of the ranges. */
export interface Selection {
  /** The name of another signal of the message, never a float, and not one that waits for this one. */
  readonly by: string;
  /** Both ends included, ascending, apart from each other. */
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/** Bytes that the signal's bits reach into: the first and the last, from 0. */
export function bytesOf(signal: Pick<Signal, 'startBit' | 'bits' | 'byteOrder'>): [number, number] {
  const { startBit, bits, byteOrder } = signal;
  const first = Math.floor(startBit / 8);
  // A big-endian signal goes from its most significant bit down to bit 0 of the byte, then on at bit 7
  // of the next one.
  const before = byteOrder === 'little' ? startBit % 8 : 7 - (startBit % 8);
  return [first, first + Math.floor((before + bits - 1) / 8)];
}

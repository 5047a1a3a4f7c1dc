/** Reads just enough of a DBC file to hold the simulated car's frames against it. */

export interface DbcSignal {
  readonly name: string;
  /** `M`, `m0` .., or empty. */
  readonly mux: string;
  readonly start: number;
  readonly bits: number;
  readonly order: 'little' | 'big';
  readonly signed: boolean;
  readonly factor: number;
  readonly offset: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

export interface DbcMessage {
  readonly name: string;
  readonly id: number;
  readonly extended: boolean;
  readonly bytes: number;
  readonly sender: string;
  readonly signals: readonly DbcSignal[];
}

const MESSAGE = /^BO_ (\d+) (\w+): (\d+) (\w+)$/;
const SIGNAL =
  /^ SG_ (\w+) ?(M|m\d+)? : (\d+)\|(\d+)@([01])([+-]) \(([^,]+),([^)]+)\) \[([^|]+)\|([^\]]+)\] "([^"]*)" (\w+)$/;

export function readDbc(text: string): DbcMessage[] {
  const messages: (DbcMessage & { signals: DbcSignal[] })[] = [];
  for (const line of text.split('\n')) {
    const [, id, name = '', bytes, sender = ''] = MESSAGE.exec(line) ?? [];
    if (id !== undefined) {
      const extended = Number(id) >= 2 ** 31;
      const bare = extended ? Number(id) - 2 ** 31 : Number(id);
      messages.push({ name, id: bare, extended, bytes: Number(bytes), sender, signals: [] });
    } else if (line.startsWith(' SG_')) messages.at(-1)?.signals.push(readSignal(line));
  }
  return messages;
}

function readSignal(line: string): DbcSignal {
  const match = SIGNAL.exec(line);
  if (!match) throw new Error(`no signal: ${line}`);
  const [, name = '', mux = '', start, bits, order, sign, factor, offset, min, max, unit = ''] =
    match;
  return {
    name,
    mux,
    start: Number(start),
    bits: Number(bits),
    order: order === '1' ? 'little' : 'big',
    signed: sign === '-',
    factor: Number(factor),
    offset: Number(offset),
    min: Number(min),
    max: Number(max),
    unit,
  };
}

/** The raw value of a signal, by arithmetic on the whole frame as one number of 64 bits. */
export function rawIn(data: Uint8Array, { start, bits, order, signed }: DbcSignal): number {
  const padded = Buffer.alloc(8);
  padded.set(data);
  const width = BigInt(bits);
  const shift =
    order === 'little'
      ? BigInt(start)
      : 64n - (8n * BigInt(start >> 3) + BigInt(7 - (start & 7))) - width;
  const all = order === 'little' ? padded.readBigUInt64LE() : padded.readBigUInt64BE();
  const raw = (all >> shift) & ((1n << width) - 1n);
  return Number(signed ? BigInt.asIntN(bits, raw) : raw);
}

/** The bits that a signal takes, by the numbers that a DBC file gives them. */
export function placesOf({ start, bits, order }: DbcSignal): number[] {
  if (order === 'little') return Array.from({ length: bits }, (_, i) => start + i);
  // In reading order, byte by byte from the highest bit down, it is one piece.
  const first = 8 * (start >> 3) + 7 - (start & 7);
  return Array.from({ length: bits }, (_, i) => first + i).map((at) => (at & ~7) + 7 - (at & 7));
}

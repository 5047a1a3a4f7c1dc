import { bytesOf, type Message, type Signal } from './database.ts';
import { scaleOf } from './scale.ts';

/**
 * Turns the data of frames into values. What a message says is worked out once, so that a frame costs
 * some sums over its bytes and nothing that has to be cleared away.
 *
 * An integer is the sum of pieces, one for each byte that it reaches into:
 *
 *   piece = ((data[byte] >> shift) & mask) * weight
 *
 * The piece of the lowest bits has the weight 1; which byte that is, is all that differs between little
 * and big endian. Sums up to 2^53 are exact. Longer integers are added up as two halves of 32 bits, each
 * exact, so that the value is the double nearest to the integer: of an unsigned one of 64 bits all below
 * 2^53 are exact, and beyond that one in 2, 4, ... 2048.
 */
export interface MessageDecoder {
  readonly message: Message;
  /**
   * Gives the value of every signal that is in the frame, in the unit of the signal.
   *
   * A signal is not in a frame that is too short for it, or that has another value of its multiplexer.
   *
   * @param give gets the position of a signal in `message.signals`
   * @returns how many signals were left out as the frame is too short for them, or as their float is
   *   no finite number; those that a missing multiplexer chooses are not among them
   */
  decode(data: Uint8Array, give: (signal: number, value: number) => void): number;
}

interface Piece {
  readonly byte: number;
  readonly shift: number;
  readonly mask: number;
  readonly weight: number;
}

interface Field {
  /** Position in `message.signals`. */
  readonly index: number;
  readonly lastByte: number;
  readonly float: boolean;
  /** Bits 0 to 31 of the raw value, and those above. */
  readonly low: readonly Piece[];
  readonly high: readonly Piece[];
  /** For a signed integer, its sign bit in the upper half if there is one, else in the lower; else 0. */
  readonly sign: number;
  readonly mul: number;
  readonly div: number;
  readonly add: number;
  readonly choices: Choices | undefined;
}

/** What a multiplexer chooses: fields by single values, and by ranges too wide to list. */
interface Choices {
  readonly byValue: ReadonlyMap<number, readonly Field[]>;
  readonly ranges: readonly WideRange[];
}

interface WideRange {
  readonly from: number;
  readonly to: number;
  readonly fields: readonly Field[];
}

/** A range of up to this many values is listed, value by value; a wider one is compared with. */
const LISTED_VALUES_MAX = 16;

const HALF_BITS = 32;
const HALF = 2 ** HALF_BITS;

export function decoderFor(message: Message): MessageDecoder {
  // Worked out with the first frame: of most messages of a file none ever comes.
  let fields: readonly Field[] | undefined;
  return {
    message,
    decode: (data, give) => {
      fields ??= fieldsOf(message);
      return decodeAll(fields, data, give);
    },
  };
}

/** No closure and no iterator in here: it runs for each of 9,000 frames a second. */
function decodeAll(
  fields: readonly Field[],
  data: Uint8Array,
  give: (signal: number, value: number) => void,
): number {
  let leftOut = 0;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    if (field === undefined) continue;
    if (field.lastByte >= data.length) {
      leftOut++;
      continue;
    }
    const raw = field.float ? floatOf(field, data) : integerOf(field, data);
    const value = (raw * field.mul) / field.div + field.add;
    if (Number.isFinite(value)) give(field.index, value);
    else leftOut++;
    if (field.choices === undefined) continue;
    const { byValue, ranges } = field.choices;
    leftOut += decodeAll(byValue.get(raw) ?? NONE, data, give);
    for (let j = 0; j < ranges.length; j++) {
      leftOut += decodeAll(chosenBy(raw, ranges[j]), data, give);
    }
  }
  return leftOut;
}

const NONE: readonly Field[] = [];

function chosenBy(raw: number, range: WideRange | undefined): readonly Field[] {
  return range !== undefined && raw >= range.from && raw <= range.to ? range.fields : NONE;
}

function integerOf({ low, high, sign }: Field, data: Uint8Array): number {
  const below = sumOf(low, data);
  if (high.length === 0) return sign !== 0 && below >= sign ? below - 2 * sign : below;
  const above = sumOf(high, data);
  return (sign !== 0 && above >= sign ? above - 2 * sign : above) * HALF + below;
}

const scratch = new DataView(new ArrayBuffer(8));

function floatOf({ low, high }: Field, data: Uint8Array): number {
  scratch.setUint32(4, sumOf(low, data));
  if (high.length === 0) return scratch.getFloat32(4);
  scratch.setUint32(0, sumOf(high, data));
  return scratch.getFloat64(0);
}

function sumOf(pieces: readonly Piece[], data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if (piece === undefined) continue;
    sum += (((data[piece.byte] ?? 0) >> piece.shift) & piece.mask) * piece.weight;
  }
  return sum;
}

/** Fields that are always there; those that a multiplexer chooses are in its choices. */
function fieldsOf(message: Message): readonly Field[] {
  const chosen = Map.groupBy(message.signals.entries(), ([, { when }]) => when?.by);
  const build = (name: string | undefined): [Signal, Field][] =>
    (chosen.get(name) ?? []).map(([index, signal]) => {
      const children = chosen.has(signal.name) ? build(signal.name) : [];
      return [signal, fieldOf(signal, index, children)];
    });
  return build(undefined).map(([, field]) => field);
}

function fieldOf(signal: Signal, index: number, children: readonly [Signal, Field][]): Field {
  const { bits, type } = signal;
  const pieces = piecesOf(signal);
  return {
    index,
    lastByte: bytesOf(signal)[1],
    float: type === 'float',
    low: pieces.low,
    high: pieces.high,
    sign: type === 'signed' ? 2 ** ((bits - 1) % HALF_BITS) : 0,
    ...scaleOf(signal),
    choices: children.length === 0 ? undefined : choicesOf(children),
  };
}

function piecesOf({ startBit, bits, byteOrder }: Signal): { low: Piece[]; high: Piece[] } {
  const low: Piece[] = [];
  const high: Piece[] = [];
  // The place of the lowest bit, where bits are counted in the order in which they are sent.
  const last = startBit - (startBit % 8) + 7 - (startBit % 8) + bits - 1;
  for (let done = 0; done < bits; ) {
    const place = byteOrder === 'little' ? startBit + done : last - done;
    const shift = byteOrder === 'little' ? place % 8 : 7 - (place % 8);
    const weightBit = done % HALF_BITS;
    const count = Math.min(8 - shift, bits - done, HALF_BITS - weightBit);
    const half = done < HALF_BITS ? low : high;
    half.push({
      byte: Math.floor(place / 8),
      shift,
      mask: 2 ** count - 1,
      weight: 2 ** weightBit,
    });
    done += count;
  }
  return { low, high };
}

function choicesOf(children: readonly [Signal, Field][]): Choices {
  const listed: [value: number, field: Field][] = [];
  const ranges: WideRange[] = [];
  for (const [{ when }, field] of children) {
    for (const [from, to] of when?.ranges ?? []) {
      if (to - from >= LISTED_VALUES_MAX) ranges.push({ from, to, fields: [field] });
      else for (let value = from; value <= to; value++) listed.push([value, field]);
    }
  }
  const groups = Map.groupBy(listed, ([value]) => value);
  const byValue = new Map(
    [...groups].map(([value, entries]) => [value, entries.map(([, field]) => field)]),
  );
  return { byValue, ranges };
}

import type { Stream } from '#core/stream.ts';

/**
 * The machine that turns the data bytes of a PID into values. The data it works on is pid-table.ts.
 *
 * Every parameter of SAE J1979 service 01, be it a temperature, an enumeration or a status bit, is
 * an unsigned or signed big-endian integer at a fixed place: value = raw * mul / div + add. The
 * multiplication comes first, so that decimal fractions are exact wherever a double can be.
 *
 * Three things are not constant, and each is one field of a Signal:
 * - byte A of many PIDs from 65 on says which of the sensors after it exist (`flagMask`, `flags`);
 * - PIDs 14-1B mark a sensor that takes no part in fuel trim with FF (`unused`);
 * - PIDs 4F and 50 let an ECU choose the full scale of other PIDs (`maximum`, see Scaling).
 */
export interface Signal {
  readonly stream: Stream;
  /** Position of the first byte in the data, from 0 (byte A of the standard). */
  readonly offset: number;
  /** Bytes, 1 to 4. */
  readonly width: number;
  /** Two's complement. */
  readonly signed: boolean;
  readonly mul: number;
  readonly div: number;
  readonly add: number;
  /** For bit fields: taken after shifting right by `shift`. 0 means the whole integer. */
  readonly mask: number;
  readonly shift: number;
  /** Sent only if `byte A & flagMask` equals `flags`; both 0 for what is always there. */
  readonly flagMask: number;
  readonly flags: number;
  /** The raw value that says "no value". */
  readonly unused: number | undefined;
  /** The maximum an ECU may set for this signal with PID 4F or 50. */
  readonly maximum: keyof Scaling | undefined;
}

export type PidKind =
  /** Which of the next 32 PIDs are supported; see `supportedPids`. */
  | 'bitmap'
  /** A trouble code; see dtcs.ts. */
  | 'dtc'
  /** Named bits, or a field of them. */
  | 'bits'
  /** One of the stream's `states`. */
  | 'enum'
  | 'linear'
  /** Full scales of other PIDs; see `withMaxima`. */
  | 'maxima';

export interface Pid {
  /** 00-FF. */
  readonly pid: number;
  readonly name: string;
  readonly kind: PidKind;
  /** Data bytes of the usual answer, without service and PID. */
  readonly bytes: number;
  /** Every length in use on the road, `bytes` among them; any other answer is refused. */
  readonly lengths: readonly number[];
  /** How often a poll makes sense, per second; 0 for what is read once per drive. */
  readonly hz: number;
  readonly signals: readonly Signal[];
}

/**
 * Full scales that one ECU declared with PIDs 4F and 50, in the unit of the signal; 0 is the
 * default scale. Streams declare the range of the default scale.
 */
export interface Scaling {
  /** Lambda of PIDs 24-2B, 34-3B and 44. */
  readonly lambda: number;
  /** Volts of PIDs 24-2B. */
  readonly volts: number;
  /** Milliamperes of PIDs 34-3B, to both sides of zero. */
  readonly milliamps: number;
  /** Kilopascals of PID 0B. */
  readonly map: number;
  /** Grams per second of PID 10. */
  readonly maf: number;
}

export const DEFAULT_SCALING: Scaling = { lambda: 0, volts: 0, milliamps: 0, map: 0, maf: 0 };

/** The raw value that stands for the maximum. Currents count from the middle: 8000 is 0 mA. */
const FULL_SCALE_RAW: Readonly<Record<keyof Scaling, number>> = {
  lambda: 0xffff,
  volts: 0xffff,
  milliamps: 0x8000,
  map: 0xff,
  maf: 0xffff,
};

/** The scaling after an answer to `pid`; the same object unless it is a good 4F or 50. */
export function withMaxima(scaling: Scaling, pid: number, data: Uint8Array): Scaling {
  const [a = 0, b = 0, c = 0, d = 0] = data;
  if (data.length !== 4) return scaling;
  if (pid === 0x4f) return { ...scaling, lambda: a, volts: b, milliamps: c, map: d * 10 };
  // Bytes B to D of PID 50 are reserved.
  if (pid === 0x50) return { ...scaling, maf: a * 10 };
  return scaling;
}

/**
 * Decodes the data bytes of one answer and emits a value for each signal that is there.
 * Returns false, with nothing emitted, when the length is none that `row` can have.
 */
export function decodePid(
  row: Pid,
  data: Uint8Array,
  scaling: Scaling,
  emit: (stream: Stream, value: number) => void,
): boolean {
  if (!row.lengths.includes(data.length)) return false;
  const byteA = data[0] ?? 0;
  for (const signal of row.signals) {
    if ((byteA & signal.flagMask) !== signal.flags) continue;
    // The shorter of two possible lengths has fewer sensors.
    if (signal.offset + signal.width > data.length) continue;
    const raw = readRaw(signal, data);
    if (raw === signal.unused) continue;
    emit(signal.stream, toValue(signal, raw, scaling));
  }
  return true;
}

/** The value that `raw` stands for, in the unit of the signal's stream. */
export function toValue(signal: Signal, raw: number, scaling: Scaling): number {
  if (signal.maximum !== undefined) {
    const maximum = scaling[signal.maximum];
    if (maximum !== 0) {
      const middle = signal.maximum === 'milliamps' ? maximum : 0;
      return (raw * maximum) / FULL_SCALE_RAW[signal.maximum] - middle;
    }
  }
  return (raw * signal.mul) / signal.div + signal.add;
}

function readRaw(signal: Signal, data: Uint8Array): number {
  const end = signal.offset + signal.width;
  let raw = 0;
  for (let i = signal.offset; i < end; i++) raw = raw * 256 + (data[i] ?? 0);
  if (signal.mask !== 0) return (raw >>> signal.shift) & signal.mask;
  if (!signal.signed) return raw;
  const span = 256 ** signal.width;
  return raw < span / 2 ? raw : raw - span;
}

/**
 * The ids that a bitmap (PID 00, 20, ... E0 of services 01, 02, 06, 08 and 09) names as supported,
 * ascending. Bit 7 of byte A is `base` + 1; the last one, `base` + 20 hex, says that another bitmap
 * follows. Empty when `data` is not four bytes.
 */
export function supportedPids(base: number, data: Uint8Array): number[] {
  if (data.length !== 4) return [];
  const pids: number[] = [];
  for (const [index, byte] of data.entries()) {
    for (let bit = 0; bit < 8; bit++) {
      if (byte & (0x80 >> bit)) pids.push(base + index * 8 + bit + 1);
    }
  }
  return pids;
}

/**
 * The vocabulary: what the gateway can measure, and the four shapes a measurement comes in.
 *
 * A stream is declared once, in the table of the source that produces it. Every consumer (bus,
 * WebSocket, dashboard, store, MQTT, exports) reads its name, unit, range and rate from that
 * declaration, and nothing else in the code base spells out a unit.
 */

/** Whole microseconds of the monotonic clock since the epoch's start. See clock.ts. */
export type Micros = number;

export type StreamKind = 'sample' | 'wave' | 'frame' | 'event';

export interface Stream {
  /** Dotted path, lower case, general to special: `obd.engine.rpm`. Segments match `[a-z0-9_-]{1,23}`. */
  readonly id: string;
  /** What a person calls it: `Engine speed`. */
  readonly name: string;
  /** UCUM code, so that units survive export: `/min`, `km/h`, `Cel`, `%`, `uV`; `1` for a pure number. */
  readonly unit: string;
  /** Limits of what the device can express, in `unit`. A value outside is a decoding fault. */
  readonly range: readonly [min: number, max: number];
  /** Nominal values per second; 0 for streams that report only on change. */
  readonly hz: number;
  readonly kind: StreamKind;
  /** For enumerations: what each number means. */
  readonly states?: Readonly<Record<number, string>>;
  /** For waves: `unit` per count of the ADC. A wave carries counts, so that nothing is rounded. */
  readonly lsb?: number;
  /** For samples of a device that counts: what makes a value of a count. Stored as counts. */
  readonly step?: Step;
}

/** value = count * mul / div + add, computed in this order, so that the inverse is exact. */
export interface Step {
  readonly mul: number;
  readonly div: number;
  readonly add: number;
}

/** Whether it means every stream below an id, as `obd.engine.*` does, and not one. */
export function isPattern(id: string): boolean {
  return id.endsWith('.*');
}

/**
 * Whether a stream is one that a rule means: by its id, or by a pattern above it. What clients ask for
 * is wider, as an id includes those below it: http/pattern.ts.
 */
export function covers(pattern: string, id: string): boolean {
  return isPattern(pattern) ? id.startsWith(pattern.slice(0, -1)) : id === pattern;
}

/**
 * Times of samples are kept in whole multiples of this: what is stored, and what rules decide on, so that
 * a rule finds the same in a recording as it did live.
 */
export const SAMPLE_TICK_US = 1_000;

/** One value at one time. */
export interface Sample {
  readonly kind: 'sample';
  readonly stream: Stream;
  readonly t: Micros;
  readonly v: number;
}

/** An equally spaced block of one channel, as an ADC delivers it. */
export interface Wave {
  readonly kind: 'wave';
  readonly stream: Stream;
  /** Time of `v[0]`; `v[i]` was taken at `t + i * 1e6 / hz`. */
  readonly t: Micros;
  /** The rate measured against our clock; the nominal one is `stream.hz`. */
  readonly hz: number;
  /** Counts; `v[i] * stream.lsb` is in `stream.unit`. */
  readonly v: Int16Array | Int32Array;
  /** Position of `v[0]` in its stream, lost samples included, from 0 at the start of the process. */
  readonly seq: number;
  /** Samples lost immediately before `v[0]`. */
  readonly lost: number;
}

/** One raw frame of a CAN bus. */
export interface Frame {
  readonly kind: 'frame';
  readonly stream: Stream;
  readonly t: Micros;
  /** 11-bit or 29-bit identifier. */
  readonly id: number;
  readonly extended: boolean;
  /** 0 to 8 bytes. */
  readonly data: Uint8Array;
}

/**
 * Marks a 29-bit identifier where one number has to tell both, as in SocketCAN's can_id
 * (CAN_EFF_FLAG of linux/can.h).
 */
export const EXTENDED_FLAG = 0x8000_0000;

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Something that happened: a trouble code, a blink, a marker, an alert. */
export interface Event {
  readonly kind: 'event';
  readonly stream: Stream;
  readonly t: Micros;
  readonly data: { readonly [key: string]: Json };
}

export type Reading = Sample | Wave | Frame | Event;

/** Hands one reading downstream. Returns at once and never throws: the bus owns the queues. */
export type Emit = (reading: Reading) => void;

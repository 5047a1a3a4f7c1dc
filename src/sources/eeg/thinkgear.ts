/**
 * ThinkGear packets, as NeuroSky headsets send them over a serial link.
 *
 *   0: 0xAA      sync
 *   1: 0xAA      sync
 *   2: length n  0..169; 0xAA here is one more sync byte, more than that is an error
 *   3: payload   n bytes, data rows one after the other
 *   3+n: check   ones' complement of the low byte of the payload's sum
 *
 * A data row: 0x55 zero or more times (its count is the code's level), a code, for codes from 0x80
 * on the length of the value, then the value: 1 byte for codes below 0x80. Numbers are big-endian.
 *
 * There is no packet number: what was lost is found out in raw-stream.ts.
 *
 * Limits. A packet with a wrong checksum is searched again from its second byte on, so that a packet
 * inside it is found; what is inside is held back until the false one is long enough to be judged,
 * 172 bytes at most. The check has 8 bits: one damaged packet in 256 passes for a good one.
 *
 * Source: NeuroSky, "ThinkGear Serial Stream Guide", chapters Packets, DataRow, CODE definitions.
 */
const SYNC = 0xaa;
const EXCODE = 0x55;
/** Sync, sync and length before the payload; the check follows it. */
const HEADER_BYTES = 3;
const FRAME_BYTES = HEADER_BYTES + 1;
const PAYLOAD_BYTES_MAX = 169;
/** Room for one packet and for a chunk as serial ports deliver them; longer ones go in by pieces. */
const BUFFER_BYTES = 2048;

/** Splits a byte stream into payloads, whatever the chunks. Linear in time, bounded in memory. */
export class ThinkGearFramer {
  /** Packets with a right checksum. */
  packets = 0;
  /** Packets, or bytes that looked like the start of one, with a wrong checksum. */
  badChecksums = 0;
  /** Times that something else came where a packet should have followed a packet. */
  resyncs = 0;
  /** Bytes that were no part of a packet. */
  skippedBytes = 0;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #payload = new Uint8Array(PAYLOAD_BYTES_MAX);
  /** Views of #payload by length, so that a packet costs no allocation. */
  readonly #views: Uint8Array[] = [];
  #held = 0;
  #inStep = false;

  /** Calls `onPacket` for every packet that `chunk` completes; the payload is valid only meanwhile. */
  push(chunk: Uint8Array, onPacket: (payload: Uint8Array) => void): void {
    for (let from = 0; from < chunk.length; ) {
      const to = Math.min(chunk.length, from + BUFFER_BYTES - this.#held);
      this.#buffer.set(to - from < chunk.length ? chunk.subarray(from, to) : chunk, this.#held);
      this.#scan(this.#held + to - from, onPacket);
      from = to;
    }
  }

  /** Forgets an unfinished packet: what comes next is another connection's. Counters stay. */
  reset(): void {
    this.skippedBytes += this.#held;
    this.#held = 0;
    this.#inStep = false;
  }

  /** Takes packets from the first `end` bytes of the buffer and keeps what is not decided yet. */
  #scan(end: number, onPacket: (payload: Uint8Array) => void): void {
    const buffer = this.#buffer;
    let at = 0;
    while (end - at >= HEADER_BYTES) {
      const length = buffer[at + 2] ?? 0;
      if (buffer[at] !== SYNC || buffer[at + 1] !== SYNC || length > SYNC) {
        this.#loseStep();
        at++;
      } else if (length === SYNC) {
        this.skippedBytes++;
        at++;
      } else if (end - at < length + FRAME_BYTES) {
        break;
      } else if (this.#take(at + HEADER_BYTES, length)) {
        this.packets++;
        this.#inStep = true;
        onPacket(this.#view(length));
        at += length + FRAME_BYTES;
      } else {
        this.badChecksums++;
        this.#loseStep();
        at++;
      }
    }
    if (at > 0) buffer.copyWithin(0, at, end);
    this.#held = end - at;
  }

  /** Copies the payload at `start` out of the buffer. Returns whether its check byte agrees. */
  #take(start: number, length: number): boolean {
    const buffer = this.#buffer;
    const payload = this.#payload;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const byte = buffer[start + i] ?? 0;
      payload[i] = byte;
      sum += byte;
    }
    return buffer[start + length] === (~sum & 0xff);
  }

  #view(length: number): Uint8Array {
    const view = this.#views[length] ?? this.#payload.subarray(0, length);
    this.#views[length] = view;
    return view;
  }

  #loseStep(): void {
    this.skippedBytes++;
    if (this.#inStep) this.resyncs++;
    this.#inStep = false;
  }
}

/** What the headset's radio is doing. The numbers are those of the stream `eeg.headset`. */
export const HEADSET = {
  standby: 0,
  scanning: 1,
  connected: 2,
  notFound: 3,
  disconnected: 4,
  denied: 5,
} as const;

/** One decoded data row. */
export type Row =
  /** One sample of the wave, in counts of the ADC: i16. */
  | { readonly kind: 'raw'; readonly v: number }
  /** 0 good contact .. 200 none. Attention and meditation: 1..100, 0 when not computable. */
  | { readonly kind: 'poorSignal' | 'attention' | 'meditation'; readonly v: number }
  /** Blink strength 1..255; heart beats per minute 0..255; time between two beats in ms, u16. */
  | { readonly kind: 'blink' | 'heartRate' | 'rrInterval'; readonly v: number }
  /** Early modules only: the wave with 8 bits a sample, and the start of a section. */
  | { readonly kind: 'raw8' | 'rawMarker'; readonly v: number }
  /** Power of delta, theta, low and high alpha, low and high beta, low and mid gamma; no unit. */
  | { readonly kind: 'bands'; readonly v: readonly number[] }
  /** One of HEADSET, and the headset's id where the row names one. */
  | { readonly kind: 'headset'; readonly v: number; readonly device: number | undefined };

type SingleKind = Exclude<Row['kind'], 'raw' | 'bands' | 'headset' | 'rrInterval'>;

/** Codes below 0x80: one byte of value. */
const SINGLE: Readonly<Record<number, SingleKind>> = {
  2: 'poorSignal',
  3: 'heartRate',
  4: 'attention',
  5: 'meditation',
  6: 'raw8',
  7: 'rawMarker',
  22: 'blink',
};

const RAW = 0x80;
const RAW_BYTES = 2;
const BANDS = 8;

/** Splits payloads into rows. Payloads come from outside: nothing in them makes it throw. */
export class RowDecoder {
  /**
   * Rows longer than their payload, the rest of which is dropped. MindWave Mobile+ sends two after
   * connecting, `BA 04` and `BC 04`: codes above 0x7F without a length.
   */
  rowOverflows = 0;
  /** Rows skipped for an unknown code or level, or for a length that does not belong to the code. */
  unknownRows = 0;

  /** Calls `onRow` for every row that is understood. */
  decode(payload: Uint8Array, onRow: (row: Row) => void): void {
    for (let at = 0; at < payload.length; ) {
      const level = levelAt(payload, at);
      // A payload that ends before its code or length counts as one that is too short.
      const code = payload[at + level] ?? RAW;
      const short = code < 0x80;
      const length = short ? 1 : (payload[at + level + 1] ?? payload.length);
      const value = at + level + (short ? 1 : 2);
      at = value + length;
      if (at > payload.length) {
        this.rowOverflows++;
        return;
      }
      // All codes that have been given a meaning are of level 0.
      const row = level === 0 ? decodeRow(code, payload.subarray(value, at)) : undefined;
      if (row) onRow(row);
      else this.unknownRows++;
    }
  }
}

function levelAt(payload: Uint8Array, start: number): number {
  let at = start;
  while (payload[at] === EXCODE) at++;
  return at - start;
}

/** The sample of a packet that holds nothing but one: 512 of the 513 packets a second. */
export function rawSample(payload: Uint8Array): number | undefined {
  if (payload.length !== 4 || payload[0] !== RAW || payload[1] !== RAW_BYTES) return undefined;
  return i16(payload[2] ?? 0, payload[3] ?? 0);
}

function decodeRow(code: number, value: Uint8Array): Row | undefined {
  const [first = 0, second = 0] = value;
  const single = SINGLE[code];
  if (single) return { kind: single, v: first };
  switch (code * 0x100 + value.length) {
    case 0x8002:
      return { kind: 'raw', v: i16(first, second) };
    case 0x8120:
      return { kind: 'bands', v: floats(value) };
    case 0x8318:
      return { kind: 'bands', v: u24s(value) };
    case 0x8602:
      return { kind: 'rrInterval', v: first * 0x100 + second };
    default:
      return headsetRow(code, value);
  }
}

/** The dongle's own rows: two bytes of id, or none where no certain headset is meant. */
function headsetRow(code: number, value: Uint8Array): Row | undefined {
  const [first = 0, second = 0] = value;
  const id = first * 0x100 + second;
  switch (code * 0x100 + value.length) {
    case 0xd002:
      return { kind: 'headset', v: HEADSET.connected, device: id };
    case 0xd100:
      return { kind: 'headset', v: HEADSET.notFound, device: undefined };
    case 0xd102:
      return { kind: 'headset', v: HEADSET.notFound, device: id };
    case 0xd202:
      return { kind: 'headset', v: HEADSET.disconnected, device: id };
    case 0xd300:
      return { kind: 'headset', v: HEADSET.denied, device: undefined };
    case 0xd401:
      return {
        kind: 'headset',
        v: first === 0 ? HEADSET.standby : HEADSET.scanning,
        device: undefined,
      };
    default:
      return undefined;
  }
}

function i16(high: number, low: number): number {
  return ((high << 24) >> 16) | low;
}

/** Eight unsigned 24-bit numbers (ASIC_EEG_POWER). */
function u24s(value: Uint8Array): number[] {
  return Array.from({ length: BANDS }, (_, i) => {
    const [high = 0, mid = 0, low = 0] = value.subarray(3 * i, 3 * i + 3);
    return high * 0x1_0000 + mid * 0x100 + low;
  });
}

/** Eight IEEE 754 numbers (EEG_POWER, of modules before the ASIC). */
function floats(value: Uint8Array): number[] {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: BANDS }, (_, i) => view.getFloat32(4 * i));
}

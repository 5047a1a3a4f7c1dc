import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Emit, Json, Micros, Stream } from '#core/stream.ts';
import type { Log } from '../../io/log.ts';
import type { OpenPort } from '../../io/port.ts';
import type { Source } from '../source.ts';
import { RawStream } from './raw-stream.ts';
import { LossLedger } from './sampling.ts';
import { HEADSET, type Row, RowDecoder, rawSample, ThinkGearFramer } from './thinkgear.ts';

/**
 * A NeuroSky headset (MindWave, MindWave Mobile, TGAM modules) as a source.
 *
 * A working headset speaks every 2 ms, so SILENCE_MS is long. A headset on standby behind its USB
 * dongle is told to connect; all others stream by themselves.
 */
const SILENCE_MS = 5_000;
/** The rate of TGAM modules with raw output; a port URL may name another, rfcomm has none. */
const BAUD_DEFAULT = 57_600;
/** Bytes without a packet for so long are not ThinkGear's, or not read at its baud rate. */
const NONSENSE_US = 3_000_000;
/**
 * The check of a packet is 8 bits wide, so noise passes for one now and then. After so many bytes
 * without a packet, seven times the longest that a headset sends, the next ones have to prove
 * themselves by following each other without a byte between them.
 */
const NOISE_BYTES = 256;
const PROOF_PACKETS = 2;
/** Bytes of nonsense that an error message shows. */
const NONSENSE_BYTES_SHOWN = 16;
/** Tells a MindWave dongle to connect to any headset ("MindWave Dongle Communication Protocol"). */
const AUTO_CONNECT = Uint8Array.of(0xc2);

/** 12 bits, 1.8 V full scale, behind a gain of 2000 (TGAM1 data sheet). */
const LSB_UV = (1.8 / 4096 / 2000) * 1e6;
/** Band powers are 24-bit numbers. */
const BAND_MAX = 0xff_ffff;
const NO_CONTACT = 200;
const RAW_HZ = 512;

/** What each number of `eeg.headset` means. */
const HEADSET_STATES = {
  [HEADSET.standby]: 'standby',
  [HEADSET.scanning]: 'scanning',
  [HEADSET.connected]: 'connected',
  [HEADSET.notFound]: 'not found',
  [HEADSET.disconnected]: 'disconnected',
  [HEADSET.denied]: 'denied',
} as const;

/** The streams of one headset. Their ids begin with that of its source: `eeg.raw`, `eeg2.raw`. */
interface Streams {
  readonly raw: Stream;
  readonly values: Readonly<Record<ValueKind, Stream>>;
  readonly headset: Stream;
  /** In the order of the row. */
  readonly bands: readonly Stream[];
}

type ValueKind = 'poorSignal' | 'attention' | 'meditation' | 'blink' | 'heartRate' | 'rrInterval';

function streamsOf(id: string): Streams {
  const stream = (name: string, text: string, unit: string, of: Partial<Stream>): Stream => ({
    id: `${id}.${name}`,
    name: text,
    unit,
    range: [0, BAND_MAX],
    hz: 1,
    kind: 'sample',
    ...of,
  });
  // Powers have no unit: NeuroSky defines them relative to each other only.
  const band = (name: string, text: string): Stream => stream(`bands.${name}`, text, '1', {});
  const rawRange = [-32_768 * LSB_UV, 32_767 * LSB_UV] as const;
  // biome-ignore format: one stream a line, in columns
  return {
    raw: stream('raw', 'EEG, forehead', 'uV', { range: rawRange, hz: RAW_HZ, kind: 'wave', lsb: LSB_UV }),
    values: {
      poorSignal: stream('quality.poor_signal', 'EEG poor signal',     '1',    { range: [0, NO_CONTACT] }),
      attention:  stream('attention',           'Attention',           '1',    { range: [1, 100] }),
      meditation: stream('meditation',          'Meditation',          '1',    { range: [1, 100] }),
      blink:      stream('blink',               'Blink strength',      '1',    { range: [1, 255], hz: 0 }),
      heartRate:  stream('heart_rate',          'Heart rate',          '/min', { range: [0, 255] }),
      rrInterval: stream('rr',                  'Heart beat interval', 'ms',   { range: [0, 65_535], hz: 0 }),
    },
    headset: stream('headset', 'Headset', '1', { range: [0, 5], hz: 0, states: HEADSET_STATES }),
    bands: [
      band('delta',      'Delta, 0.5-2.75 Hz'),
      band('theta',      'Theta, 3.5-6.75 Hz'),
      band('low_alpha',  'Low alpha, 7.5-9.25 Hz'),
      band('high_alpha', 'High alpha, 10-11.75 Hz'),
      band('low_beta',   'Low beta, 13-16.75 Hz'),
      band('high_beta',  'High beta, 18-29.75 Hz'),
      band('low_gamma',  'Low gamma, 31-39.75 Hz'),
      band('mid_gamma',  'Mid gamma, 41-49.75 Hz'),
    ],
  };
}

export interface ThinkGearOptions {
  /** Id of the source, and the first part of its streams' ids: `eeg`, `eeg2`. */
  readonly id: string;
  /** What messages call the device: its path or address. */
  readonly device: string;
  readonly open: OpenPort;
  readonly log?: Log;
}

export function thinkgearSource(options: ThinkGearOptions): Source {
  const { id, device, open } = options;
  const streams = streamsOf(id);
  const headset = new Headset(options, streams);
  return {
    id,
    streams: [streams.raw, ...Object.values(streams.values), streams.headset, ...streams.bands],
    silenceMs: SILENCE_MS,
    async run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
      await using port = await open(signal, { baud: BAUD_DEFAULT });
      const close = (): void => void port[Symbol.asyncDispose]();
      signal.addEventListener('abort', close, { once: true });
      if (signal.aborted) return;
      const nonsense = new NonsenseWatch(device);
      headset.connected();
      try {
        for await (const chunk of port.input) {
          const now = clock.now();
          headset.take(chunk, now, emit);
          nonsense.check(chunk, headset.packets, now);
          if (headset.takeStandby()) await port.write(AUTO_CONNECT);
        }
      } finally {
        signal.removeEventListener('abort', close);
        headset.disconnected(clock.now(), emit);
      }
    },
    note: () => headset.note(),
    health: () => headset.health(),
  };
}

/** Bytes to readings. Lives as long as the process, so that counters and positions go on. */
class Headset {
  readonly #options: ThinkGearOptions;
  readonly #framer = new ThinkGearFramer();
  readonly #decoder = new RowDecoder();
  readonly #ledger = new LossLedger();
  readonly #raw: RawStream;
  readonly #streams: Streams;
  /** The framer's counters at the last packet. */
  #skippedBytes = 0;
  #badChecksums = 0;
  /** Attention or meditation rows with 0: the headset could not compute them. */
  #notComputed = 0;
  /** Values that the stream's range excludes. */
  #outOfRange = 0;
  /** Packets that still have to follow before packets are believed again. */
  #doubt = 0;
  /** Packets that were not believed, and those that were. */
  #doubted = 0;
  #believed = 0;
  /** 8-bit samples and section marks of early modules: understood, but of no use without their rate. */
  #legacyRows = 0;
  #poorSignal: number | undefined;
  #state: number | undefined;
  #standby = false;

  constructor(options: ThinkGearOptions, streams: Streams) {
    this.#options = options;
    this.#streams = streams;
    this.#raw = new RawStream(streams.raw, this.#ledger);
  }

  /** Packets that were believed. */
  get packets(): number {
    return this.#believed;
  }

  connected(): void {
    this.#framer.reset();
    this.#skippedBytes = this.#framer.skippedBytes;
    this.#badChecksums = this.#framer.badChecksums;
    this.#raw.connected();
    this.#standby = false;
    this.#poorSignal = undefined;
  }

  disconnected(now: Micros, emit: Emit): void {
    this.#raw.disconnected(now, emit);
    this.#poorSignal = undefined;
  }

  /** Decodes one chunk that arrived at `now`. */
  take(chunk: Uint8Array, now: Micros, emit: Emit): void {
    this.#raw.chunkBegins(now, emit);
    this.#framer.push(chunk, (payload) => this.#packet(payload, now, emit));
    this.#raw.chunkEnds(now, emit);
  }

  /** Whether the dongle said that it waits for a command, since the last call. */
  takeStandby(): boolean {
    const standby = this.#standby;
    this.#standby = false;
    return standby;
  }

  note(): string | undefined {
    const contact = contactWord(this.#poorSignal);
    return this.#poorSignal === undefined || contact === 'good'
      ? undefined
      : `receiving data; contact with the skin: ${contact}`;
  }

  health(): { readonly [key: string]: Json } {
    const { packets, badChecksums, resyncs, skippedBytes } = this.#framer;
    const { hz } = this.#raw;
    return {
      device: this.#options.device,
      contact: contactWord(this.#poorSignal),
      headset: this.#state === undefined ? null : headsetWord(this.#state),
      hz: Number(hz.toFixed(3)),
      ppm: Math.round((hz / RAW_HZ - 1) * 1e6),
      packets,
      doubted: this.#doubted,
      badChecksums,
      resyncs,
      skippedBytes,
      rowOverflows: this.#decoder.rowOverflows,
      unknownRows: this.#decoder.unknownRows,
      legacyRows: this.#legacyRows,
      notComputed: this.#notComputed,
      outOfRange: this.#outOfRange,
      surplus: this.#raw.surplus,
      lost: this.#ledger.health(),
    };
  }

  #packet(payload: Uint8Array, now: Micros, emit: Emit): void {
    const { skippedBytes, badChecksums } = this.#framer;
    const skipped = skippedBytes - this.#skippedBytes;
    if (skipped > 0) {
      if (skipped > NOISE_BYTES || this.#doubt > 0) this.#doubt = PROOF_PACKETS;
      this.#raw.damaged(skipped, badChecksums - this.#badChecksums);
      this.#skippedBytes = skippedBytes;
      this.#badChecksums = badChecksums;
    }
    if (this.#doubt > 0) {
      this.#doubt--;
      this.#doubted++;
      return;
    }
    this.#believed++;
    const raw = rawSample(payload);
    if (raw === undefined) this.#rows(payload, now, emit);
    else this.#raw.sample(raw);
  }

  #rows(payload: Uint8Array, now: Micros, emit: Emit): void {
    const rows: Row[] = [];
    this.#decoder.decode(payload, (row) => rows.push(row));
    // Band powers are what all 1 Hz packets have and no other packet has.
    if (rows.some(({ kind }) => kind === 'bands')) this.#raw.second();
    const t = this.#raw.timeAt(now);
    for (const row of rows) this.#row(row, t, emit);
  }

  #row(row: Row, t: Micros, emit: Emit): void {
    switch (row.kind) {
      case 'raw':
        this.#raw.sample(row.v);
        return;
      case 'raw8':
      case 'rawMarker':
        this.#legacyRows++;
        return;
      case 'bands':
        this.#streams.bands.forEach((stream, i) => {
          this.#value(stream, row.v[i] ?? Number.NaN, t, emit);
        });
        return;
      case 'headset':
        this.#headset(row.v, row.device);
        this.#value(this.#streams.headset, row.v, t, emit);
        return;
      case 'attention':
      case 'meditation':
        // 0 is not a low value but none at all, and would set off alerts on low ones.
        if (row.v === 0) this.#notComputed++;
        else this.#value(this.#streams.values[row.kind], row.v, t, emit);
        return;
      default:
        if (row.kind === 'poorSignal') this.#poorSignal = row.v;
        this.#value(this.#streams.values[row.kind], row.v, t, emit);
    }
  }

  #value(stream: Stream, v: number, t: Micros, emit: Emit): void {
    const [min, max] = stream.range;
    if (v >= min && v <= max) emit({ kind: 'sample', stream, t, v });
    else this.#outOfRange++;
  }

  #headset(state: number, device: number | undefined): void {
    this.#standby ||= state === HEADSET.standby;
    if (state === this.#state) return;
    this.#state = state;
    const { id, log } = this.#options;
    const name = device === undefined ? {} : { headset: device.toString(16).padStart(4, '0') };
    log?.info({ source: id, ...name }, `headset ${headsetWord(state)}`);
  }
}

/** Ends a connection that brings bytes but no packets: another device, or a wrong baud rate. */
class NonsenseWatch {
  readonly #device: string;
  #packets = 0;
  #since: Micros | undefined;
  #bytes = 0;
  #shown = '';

  constructor(device: string) {
    this.#device = device;
  }

  /** @param packets packets so far, `chunk` included */
  check(chunk: Uint8Array, packets: number, now: Micros): void {
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#since = undefined;
      return;
    }
    if (this.#since === undefined) {
      this.#since = now;
      this.#bytes = 0;
      this.#shown = '';
    }
    this.#bytes += chunk.length;
    if (this.#shown.length < 3 * NONSENSE_BYTES_SHOWN) {
      this.#shown += [...chunk.subarray(0, NONSENSE_BYTES_SHOWN)].map(hex).join('');
    }
    if (now - this.#since < NONSENSE_US) return;
    const shown = this.#shown.slice(0, 3 * NONSENSE_BYTES_SHOWN).trim();
    throw new LinkError(
      'BAD_ANSWER',
      `${this.#device}: ${this.#bytes} bytes in ${NONSENSE_US / 1e6} s and no ThinkGear packet in ` +
        `them; another device or another baud rate? They begin with ${shown}`,
    );
  }
}

function hex(byte: number): string {
  return `${byte.toString(16).toUpperCase().padStart(2, '0')} `;
}

function contactWord(poorSignal: number | undefined): string {
  if (poorSignal === undefined) return 'unknown';
  if (poorSignal === 0) return 'good';
  return poorSignal >= NO_CONTACT ? 'no contact' : `poor (${poorSignal} of ${NO_CONTACT})`;
}

function headsetWord(state: number): string {
  const known: Readonly<Record<number, string>> = HEADSET_STATES;
  return known[state] ?? `state ${state}`;
}
